"""The door to this room: a path becomes an `Inspection` or a `MedicalImage`."""

from __future__ import annotations

from pathlib import Path

from viewer.foundation.progress import SILENT, Progress
from viewer.imaging.contents import Contents
from viewer.imaging.image import MedicalImage
from viewer.imaging.series import Inspection, SeriesInfo, Unreadable
from viewer.imaging.spacing_by_hand import Spacing

__all__ = ["Inspection", "SeriesInfo", "Unreadable", "inspect_path", "read_image"]


def inspect_path(path: Path, progress: Progress = SILENT) -> Inspection:
    """What a file or folder holds, from headers alone.

    Parameters
    ----------
    path : a file, or a folder that is searched with its subfolders.
    progress : told once per DICOM file.

    Returns
    -------
    Inspection
        Series in reading order, and the files that are not images. `Inspection.failure` is the one sentence
        to show when there is no series.

    Raises
    ------
    ReadError
        When the path does not exist or may not be read.
    """
    return Contents.of(path, progress).inspection


def read_image(
    path: str | Path,
    series: str | None = None,
    progress: Progress = SILENT,
    *,
    volume: int | None = None,
    spacing_mm: Spacing | None = None,
) -> MedicalImage:
    """Read one image.

    Parameters
    ----------
    path : a file or a folder.
    series, progress, volume, spacing_mm : as in `Contents.load`.

    Returns
    -------
    MedicalImage
        Voxels in the order of the file.

    Raises
    ------
    ReadError
        When there is no image, it is broken, or there are several and none was named (``several-series``).
    UsageError
        When there is no such series or volume, or the spacing is impossible.
    """
    return Contents.of(path, progress).load(series, progress, volume=volume, spacing_mm=spacing_mm)
