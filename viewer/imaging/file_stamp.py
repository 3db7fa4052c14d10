"""Files that were looked at and are read later: still there, and still the same."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from viewer.foundation.errors import ReadError
from viewer.foundation.provenance import sha256_of

Stamp = tuple[int, int]
"""What changes when a file is replaced: its length in bytes and the time it was written, ns."""


def stamp_of(path: Path) -> Stamp:
    """The stamp of a file as it is now.

    Raises
    ------
    ReadError
        When the file is gone or out of reach.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise unreachable(path, error) from None
    return found.st_size, found.st_mtime_ns


def check_unchanged(path: Path, stamp: Stamp) -> None:
    """Refuse a file that was replaced since it had that stamp: another one would be misread.

    Raises
    ------
    ReadError
        ``changed``, ``missing`` or ``no-access``.
    """
    if stamp_of(path) != stamp:
        raise ReadError(
            f"'{path.name}' has changed since it was opened.", code="changed", action="Open it again."
        )


@lru_cache(maxsize=64)
def hash_of(path: Path, stamp: Stamp) -> str:  # noqa: ARG001 part of what is remembered
    """SHA-256 of a file that is as it was at `stamp`: part after part is read from one file, which is hashed once.

    Raises
    ------
    ReadError
        When it cannot be read.
    """
    try:
        return sha256_of(path)
    except OSError as error:
        raise unreachable(path, error) from None


def unreachable(path: Path, error: OSError) -> ReadError:
    """A file that was there and cannot be read now: its disk is gone, or somebody has removed it."""
    if isinstance(error, FileNotFoundError):
        return ReadError(f"'{path.name}' is no longer there.", code="missing", action="Open it again.")
    why = (error.strerror or type(error).__name__).lower()
    return ReadError(f"'{path.name}' could not be read: {why}.", code="no-access")
