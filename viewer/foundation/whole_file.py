"""Files that are either whole or not there."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from viewer.foundation.errors import ExportError


def _for_the_user(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_EXCL, 0o600)


def write_whole(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write a file so that a failure or a crash leaves the old file or the new one, never a half.

    Parameters
    ----------
    private : nobody but the user may read it (mode 0600 where the system knows modes).

    Raises
    ------
    ExportError
        One sentence with the operating system's reason.
    """
    fresh = path.with_name(f".{path.name}.part")
    try:
        if private:
            fresh.unlink(missing_ok=True)  # an old one would keep its mode
        with open(fresh, "wb", opener=_for_the_user if private else None) as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(fresh, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink()
        why = (error.strerror or "unknown reason").lower()
        raise ExportError(f"'{path.name}' could not be written: {why}.", code="not-written") from error
