"""The operator's limit of what is sent in a day."""

from __future__ import annotations

from axon.machine import DAY, SECOND, Instant
from axon.p2p.uploadtarget import UPLOAD_CYCLE, UploadTarget
from axon.primitives.network import TARGET_SPACING_S

NOW: Instant = 1_700_000_000 * SECOND
BLOCK = 4_000_000


def test_the_upload_target_counts_by_the_day() -> None:
    upload = UploadTarget(limit_bytes=1_000)
    assert upload.is_reached(NOW, historical=True)  # Nothing may go to history at all.
    assert not upload.is_reached(NOW, historical=False)
    upload.sent(1_000, NOW)
    assert upload.is_reached(NOW, historical=False)
    assert upload.left_bytes() == 0
    assert upload.left_us(NOW + 10) == DAY - 10
    upload.sent(1, NOW + DAY + 1)
    assert upload.left_bytes() == 999
    none = UploadTarget()
    none.sent(10**12, NOW)
    assert not none.is_reached(NOW, historical=True)
    assert none.left_us(NOW) == 0


def test_room_for_the_blocks_of_the_rest_of_the_day_is_kept_from_history() -> None:
    upload = UploadTarget(200 * BLOCK)
    upload.sent(55 * BLOCK, NOW)
    assert not upload.is_reached(NOW + 1, historical=True)  # 143 blocks are still to come.
    upload.sent(2 * BLOCK, NOW)
    assert upload.is_reached(NOW + 1, historical=True)
    assert not upload.is_reached(NOW + 1, historical=False)
    assert not upload.is_reached(NOW + 10 * TARGET_SPACING_S * SECOND, historical=True)
    upload.sent(143 * BLOCK, NOW)
    assert upload.is_reached(NOW + UPLOAD_CYCLE - 1, historical=False)
