"""Files that are either whole or not there."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from viewer.foundation.errors import ExportError


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a failure or a crash leaves the old file or the new one, never a half.

    Raises
    ------
    ExportError
        One sentence with the operating system's reason.
    """
    fresh = path.with_name(f".{path.name}.part")
    try:
        with fresh.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(fresh, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink()
        why = (error.strerror or "unknown reason").lower()
        raise ExportError(f"'{path.name}' could not be written: {why}.", code="not-written") from error
