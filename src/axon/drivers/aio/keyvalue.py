"""What the stores of keys and values have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self


class KeyValueFile(ABC):
    """Keys and values on disk; closed at the end of a `with` block."""

    _path: Path

    @property
    def name(self) -> str:
        """That of its file or folder."""
        return self._path.name

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, None if it is absent.

        Raises:
            StorageError: the disk refuses; `DamageError` if what it holds is damaged.
        """
        return self.multi_get((key,))[0]

    @abstractmethod
    def multi_get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of several keys, in the order of the keys; None where one is absent.

        Raises:
            StorageError: the disk refuses; `DamageError` if what it holds is damaged.
        """

    @abstractmethod
    def close(self) -> None:
        """Write what is buffered and let go of the files. Nothing may be asked afterwards."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
