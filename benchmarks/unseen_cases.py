"""Synthetic cases that no training has seen, for the studies: made once, and kept."""

from __future__ import annotations

import csv
from pathlib import Path

from viewer.controllers.headless import generate
from viewer.evaluation.cohort_table import TABLE
from viewer.foundation.progress import Progress, ProgressToken

SEED = 2026
"""Far from those of training and held-out cases."""


def unseen_cases(
    generator: str, count: int, folder: Path, progress: Progress, *, by_label: bool = False
) -> Path:
    """The folder of a cohort.

    Parameters
    ----------
    by_label : whether the column ``split`` holds the label, so that maps can be made of those with a finding alone.
    """
    table = folder / TABLE
    if not table.is_file():
        generate(generator, count, SEED, folder, progress)
        if not by_label:
            return folder
        with table.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        with table.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows({**row, "split": row["label"]} for row in rows)
    return folder


def on_one_line() -> Progress:
    """Progress that overwrites itself in a terminal."""
    return ProgressToken(lambda done, total, words: print(f"\r{done}/{total} {words}   ", end="", flush=True))
