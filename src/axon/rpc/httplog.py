"""The log of the HTTP library: what is no HTTP is a debug line, for anybody can send it."""

from __future__ import annotations

import logging
from typing import Final

from aiohttp.http_exceptions import HttpProcessingError

http_log: Final = logging.getLogger("axon.http")


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a line of the HTTP library belongs in the log; what is no HTTP is a debug line."""
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, HttpProcessingError):
        return True
    reason = error.message.partition("\n")[0]
    record.levelno, record.levelname = logging.DEBUG, "DEBUG"
    record.msg, record.args = "%s: %s", (record.getMessage(), reason)
    record.exc_info = None
    return http_log.isEnabledFor(logging.DEBUG)


http_log.addFilter(_is_news)
