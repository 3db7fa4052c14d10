"""What NRRD and MetaImage headers have in common: lines of text before the voxels, or in a file of their own."""

from __future__ import annotations

import math
from pathlib import Path

from viewer.foundation.errors import ReadError
from viewer.imaging.file_stamp import unreachable

_LONGEST_NAME = 64
"""Letters of a file's name that a sentence shows."""

HEADER_LIMIT = 1 << 20
"""A header of text is short; one that goes on beyond this is something else, bytes."""


def beginning(path: Path) -> bytes:
    """As much of a file as a header may take.

    Raises
    ------
    ReadError
        When the file is gone or out of reach.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(HEADER_LIMIT)
    except OSError as error:
        raise unreachable(path, error) from None


def bad_header(path: Path, words: str) -> ReadError:
    """A header that contradicts itself or its format."""
    return ReadError(f"The header of '{path.name}' makes no sense: {words}.", code="bad-header")


def wholes(text: str) -> tuple[int, ...]:
    """Whole numbers between blanks; nothing when one is none."""
    try:
        return tuple(int(word) for word in text.split())
    except ValueError:
        return ()


def numbers(text: str) -> tuple[float, ...]:
    """Finite numbers between blanks; nothing when one is none."""
    try:
        found = tuple(float(word) for word in text.split())
    except ValueError:
        return ()
    return found if all(math.isfinite(number) for number in found) else ()


def checked_sizes(path: Path, dimension: tuple[int, ...], sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes of the axes, as many as announced and none below 1.

    Raises
    ------
    ReadError
        ``bad-header``.
    """
    if len(dimension) != 1 or not 2 <= dimension[0] <= 6:
        raise bad_header(path, "its number of dimensions is missing or not supported")
    if len(sizes) != dimension[0] or min(sizes, default=0) < 1:
        raise bad_header(path, "its sizes do not fit its number of dimensions")
    return sizes


def voxel_file(path: Path, name: str) -> Path:
    """The voxel file of a detached header: a plain name in the same real folder, nothing else.

    Raises
    ------
    ReadError
        ``data-list`` for several files, ``outside-path`` for a place elsewhere, ``no-voxels`` for a missing file.
    """
    if name.upper().split()[:1] == ["LIST"] or "%" in name:
        raise ReadError(
            f"'{path.name}' spreads its voxels over several files, which is not read.",
            code="data-list",
            action="Write it as one file with another program.",
        )
    plain = name == Path(name).name and not set(name) & set("\\/\0") and name not in ("", ".", "..")
    partner = path.parent / name if plain else path
    try:
        inside = plain and partner.resolve().parent == path.parent.resolve()
    except (OSError, RuntimeError):
        inside = False
    if not inside:
        raise ReadError(
            f"'{path.name}' points to voxels outside its own folder, which is refused.",
            code="outside-path",
            action="Put both files into one folder and name the voxel file without a path.",
        )
    try:
        there = partner.is_file()
    except OSError:  # a name that no file can have
        there = False
    if not there:
        words = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."
        raise ReadError(f"'{path.name}' is a header without its voxel file '{words}'.", code="no-voxels")
    return partner


def named_voxel_file(path: Path, divider: str) -> Path | None:
    """The voxel file beside a detached header, whether or not all else in the header is sound; None without one.

    Parameters
    ----------
    divider : between a field and its value, ``:`` in NRRD and ``=`` in MetaImage.
    """
    for line in beginning(path).split(b"\0")[0].decode("utf-8", "replace").splitlines():
        key, mark, name = line.partition(divider)
        if mark and key.strip().lower() in ("data file", "datafile", "elementdatafile"):
            try:
                return None if name.strip().upper() == "LOCAL" else voxel_file(path, name.strip())
            except ReadError:
                return None
    return None
