"""What is published over ZeroMQ, by the `-zmqpub...` options."""

from __future__ import annotations

from axon.cli.conf import Settings
from axon.errors import ConfigError
from axon.rpc.zmqpub.settings import DEFAULT_HIGH_WATER_MARK, TOPICS, ZmqNotifier

_UNIX = "unix:"


def zmq_config(settings: Settings) -> tuple[ZmqNotifier, ...]:
    """Read the `-zmqpub...` options.

    Raises:
        ConfigError: an address has a port that is none.
    """
    notifiers: list[ZmqNotifier] = []
    for topic in TOPICS:
        name = f"zmqpub{topic}"
        mark = settings.number(f"{name}hwm", DEFAULT_HIGH_WATER_MARK)
        for text in filter(None, settings.values(name)):
            _check_port(name, text)
            address = text
            if text.startswith(_UNIX):
                address = f"ipc://{text.removeprefix(_UNIX)}"
            notifier = ZmqNotifier(topic, address, mark if mark >= 0 else DEFAULT_HIGH_WATER_MARK)
            notifiers.append(notifier)
    return tuple(notifiers)


def _check_port(name: str, text: str) -> None:
    """Refuse what Core refuses: a single colon, but no port behind it. ZeroMQ judges the rest."""
    host, colon, port = text.rpartition(":")
    if not colon or text.startswith(_UNIX):
        return
    is_bracketed = host.startswith("[") and host.endswith("]")
    if ":" in host and not is_bracketed:
        return
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 1 << 16):
        raise ConfigError(f"Invalid port specified in -{name}: '{text}'")
