"""DICOMDIR: the list of files on a disc."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

import pydicom

from viewer.foundation.errors import ReadError
from viewer.imaging.series import Unreadable

_LARGEST = 256 << 20
"""A directory of 100,000 images takes about 50 MB."""
_LISTED = 3


def listed_files(path: Path) -> tuple[list[Path], list[Unreadable]]:
    """The files that a DICOMDIR names and that are there, and words for those that are not.

    Only files inside the same real folder count: a directory cannot lead anywhere else.

    Raises
    ------
    ReadError
        ``bad-directory`` when it cannot be understood.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("too large")
        with warnings.catch_warnings(), pydicom.config.disable_value_validation():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path, specific_tags=["DirectoryRecordSequence"])
            names = [_components(record) for record in dataset.get("DirectoryRecordSequence", [])]
    except Exception:  # noqa: BLE001 pydicom raises whatever it stumbles over in a broken file
        raise ReadError(
            f"'{path.name}' is a damaged DICOM directory.",
            code="bad-directory",
            action="Open the folder around it: its files are read one by one.",
        ) from None
    home = path.parent.resolve()
    found: dict[Path, None] = {}
    missing: list[str] = []
    outside: list[str] = []
    for parts in filter(None, names):
        if any(part in ("", ".", "..") or set(part) & set("/\\:\0") for part in parts):
            outside.append(parts[-1])
            continue
        file = _on_disc(path.parent, parts)
        if file is None:
            missing.append(parts[-1])
        elif home not in file.resolve().parents:
            outside.append(parts[-1])
        else:
            found[file] = None
    notes = []
    if missing:
        words = f"'{path.name}' lists {_count(missing)} not there: {_some(missing)}."
        notes.append(Unreadable(path, "missing-files", words))
    if outside:
        words = f"'{path.name}' lists {_count(outside)} outside its own folder, which is refused: {_some(outside)}."
        notes.append(Unreadable(path, "outside-path", words))
    return list(found), notes


def _components(record: pydicom.Dataset) -> list[str]:
    """The path of one record, part by part; empty where it names no file."""
    value = record.get("ReferencedFileID")
    if not value:
        return []
    return [str(part) for part in ([value] if isinstance(value, str) else value)]


def _on_disc(folder: Path, parts: Iterable[str]) -> Path | None:
    """The file as the disc spells it: copies of discs often change upper to lower case or add an ending."""
    here = folder
    for part in parts:
        exact = here / part
        if not exact.exists():
            try:
                names = {each.name.lower(): each for each in here.iterdir()}
            except OSError:
                return None
            lowered = part.lower()
            match = names.get(lowered) or names.get(lowered + ".dcm") or names.get(lowered + ";1")
            if match is None:
                return None
            exact = match
        here = exact
    return here if here.is_file() else None


def _count(names: list[str]) -> str:
    return f"{len(names)} file{'s that are' if len(names) > 1 else ' that is'}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
