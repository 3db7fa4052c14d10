"""Files that are either whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

from viewer.foundation.errors import ExportError


def write_whole(path: Path, data: bytes) -> None:
    """Write bytes so that there is either the whole new file or none.

    Raises
    ------
    ExportError
        When the place cannot be written to.
    """
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.write_bytes(data)
        os.replace(fresh, path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise ExportError(
            f"'{path.name}' could not be written ({error.strerror}).", code="not-written"
        ) from error
