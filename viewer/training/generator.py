"""Synthetic cases with known truth; plugins declare generators through `viewer.api`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from viewer.foundation.progress import Progress
from viewer.foundation.registry import Registry


@dataclass(frozen=True)
class Generator:
    """A maker of synthetic cases.

    Attributes
    ----------
    id : name on the command line.
    summary : one sentence: what it makes and what it leaves out.
    generate : ``generate(out, count, seed, progress, format)`` writes `count` cases and ``cohort.csv`` into the folder
        `out`; the same seed gives the same files.
    formats : file formats that it writes, the default first.
    """

    id: str
    summary: str
    generate: Callable[[Path, int, int, Progress, str], None]
    formats: tuple[str, ...] = ("nifti",)


GENERATORS: Registry[Generator] = Registry("generator")
