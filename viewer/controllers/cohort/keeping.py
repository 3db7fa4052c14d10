"""Records of images on disk: each is whole or not there, and none is taken for one of another request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from viewer.controllers.cohort.order import CohortPlan
from viewer.controllers.cohort.sums import Record
from viewer.evaluation.cohort_table import CohortImage
from viewer.foundation.whole_file import write_whole

CASES = "cases"


def key_of(plan: CohortPlan, row: CohortImage) -> str:
    """The name under which the record of an image is kept: another request, row or file has another one."""
    facts = [
        plan.fingerprint,
        row.path,
        row.case,
        row.split,
        row.series,
        [[m.reader, m.labels, m.boxes, bool(m.mask), bool(m.file)] for m in row.markings],
        [_stamp(path) for path in row.files],
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _stamp(path: Path) -> list[Any]:
    """Size and time of a file, of all files of a folder."""
    files: Iterable[Path] = (
        sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else (path,)
    )
    stamp = []
    for file in files:
        try:
            facts = file.stat()
            stamp.append([file.name, facts.st_size, facts.st_mtime_ns])
        except OSError:
            stamp.append([file.name, -1, -1])
    return stamp


def kept(out: Path, key: str) -> Record | None:
    """A record that was kept; None where there is none or it cannot be read, and then it is made again."""
    try:
        found = json.loads((out / CASES / f"{key}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("key") == key else None


def keep(out: Path, key: str, record: Record) -> None:
    """Keep a record.

    Raises
    ------
    ExportError
        When it cannot be written.
    """
    text = json.dumps({"key": key, **record}, allow_nan=False, separators=(",", ":"))
    write_whole(out / CASES / f"{key}.json", text.encode())
