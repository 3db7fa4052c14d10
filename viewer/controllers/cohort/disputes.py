"""Labels that a reviewer holds to be wrong, kept in the user's folder: that of the cohort stays as it is."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from viewer.evaluation.cohort_table import Cohort
from viewer.foundation import paths
from viewer.foundation.whole_file import write_whole

_LONGEST = 1 << 20
"""Bytes of a file of notes that is read back."""


def kept_disputes(folder: Path) -> dict[str, str]:
    """Path as the table names it -> note; nothing where none were kept or they cannot be read."""
    path = _place(folder)
    try:
        if path.stat().st_size > _LONGEST:
            return {}
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: note for name, note in found.items() if isinstance(note, str)}


def keep_disputes(cohort: Cohort) -> None:
    """Keep every note of a cohort for the next time it is opened, readable by the user alone.

    Raises
    ------
    ExportError
        When they cannot be written.
    """
    path = _place(cohort.folder)
    # A dispute of the table itself that was taken back is kept as an empty note.
    notes = kept_disputes(cohort.folder) | {
        image.path: image.disputed
        for image in cohort.images
        if image.disputed or image.path in kept_disputes(cohort.folder)
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps(notes, ensure_ascii=False, indent=1) + "\n").encode(), private=True)


def _place(folder: Path) -> Path:
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return paths.user_data() / "cohorts" / f"{name}.disputes.json"
