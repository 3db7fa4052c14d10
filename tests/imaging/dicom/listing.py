"""What is said of the one series of a folder."""

from __future__ import annotations

from pathlib import Path

from viewer.imaging.image import MedicalImage
from viewer.imaging.reading import inspect_path
from viewer.imaging.series import SeriesInfo


def codes(thing: MedicalImage | SeriesInfo) -> set[str]:
    return {diagnosis.code for diagnosis in thing.diagnoses}


def only(path: Path) -> SeriesInfo:
    [info] = inspect_path(path).series
    return info
