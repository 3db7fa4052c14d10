"""The work of the reading lane: from paths to what they hold, from a series to a case. It never touches the state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from viewer.controllers.truth import read_truth
from viewer.foundation import paths
from viewer.foundation.errors import ReadError, UsageError
from viewer.foundation.progress import Progress
from viewer.imaging.contents import Contents
from viewer.imaging.image import MedicalImage, Window
from viewer.imaging.resampling import regular
from viewer.imaging.series import SeriesInfo, Unreadable
from viewer.imaging.spacing_by_hand import Spacing
from viewer.imaging.windows import default_window
from viewer.state.case import Case, Truth
from viewer.state.opened import Opened, Peeked, SeriesEntry
from viewer.state.thumbnail import Thumbnail

_TOUCHED = 3
"""Slices that the first window is made from, while only a few are there."""


@dataclass(frozen=True, eq=False)
class Found:
    """What the paths hold, and the series to open; without one the user has to choose."""

    opened: Opened
    chosen: SeriesEntry | None
    name: str | None = None
    """What was asked for, to be given to `Contents.load`: it says more about a series that was not named."""


@dataclass(frozen=True, eq=False)
class Ready:
    """A case with its first window and its small picture."""

    case: Case
    window: Window
    peeked: Peeked | None = None
    slice: int | None = None
    """To open on; None for the usual one."""


@dataclass(frozen=True)
class Wanted:
    """How a series shall be read.

    Attributes
    ----------
    truth : file of its truth; None for none.
    volume, spacing_mm : as in `Contents.load`.
    truth_from : says what is known of the image, where that is not one file.
    slice : to open on; None for the usual one.
    even : on an even grid at right angles, if it is not on one.
    """

    truth: Path | None = None
    volume: int | None = None
    spacing_mm: Spacing | None = None
    truth_from: Callable[[MedicalImage], Truth | None] | None = None
    slice: int | None = None
    even: bool = False


def look_at(where: Sequence[Path], series: str | None, progress: Progress) -> Found:
    """Look at every path; only headers are read.

    Raises
    ------
    ReadError
        When none of the paths holds an image: the sentence is that of the first.
    UsageError
        When no path has a series of that name.
    """
    contents: list[Contents] = []
    unreadable: list[Unreadable] = []
    failures: list[ReadError] = []
    for path in where:
        try:
            one = Contents.of(path, progress)
            if one.inspection.failure is not None:
                failures.append(one.inspection.failure)
            contents.append(one)
        except ReadError as error:
            failures.append(error)
            unreadable.append(Unreadable.because(path, error))
    opened = Opened.of(contents, unreadable)
    if not opened.entries:
        raise failures[0]
    info = _wanted([one for one in contents if one.inspection.series], series)
    chosen = next((entry for entry in opened.entries if entry.info is info), None)
    return Found(opened, chosen, series)


def _wanted(contents: Sequence[Contents], series: str | None) -> SeriesInfo | None:
    """The series that is opened without asking: the one that was named, or the only one."""
    if series is None and len(contents) > 1:
        return None
    refused: UsageError | None = None
    for one in contents:
        try:
            return one.info_of(series)
        except UsageError as error:
            refused = refused or error
        except ReadError as error:
            if error.code != "several-series":
                raise
            return None
    assert refused is not None
    raise refused


def load_case(
    entry: SeriesEntry,
    name: str | None,
    wanted: Wanted,
    progress: Progress,
    arriving: Callable[[Ready], None] | None = None,
) -> Ready:
    """Read a series.

    Parameters
    ----------
    name : as it was asked for; None where the series was opened without being named.
    arriving : told in this thread as soon as one slice can be shown.

    Raises
    ------
    ReadError, UsageError
        The sentence names the file and the cause.
    """
    told = None if arriving is None else lambda image: arriving(part_of(image))
    image = entry.contents.load(
        name, progress, volume=wanted.volume, spacing_mm=wanted.spacing_mm, arriving=told
    )
    if wanted.even:
        image = regular(image, progress=progress)
    known = read_truth(wanted.truth, image) if wanted.truth else None
    if wanted.truth_from is not None:
        known = wanted.truth_from(image)
    case = Case(image, title_of(image), known, synthetic=is_demo(image))
    _ = case.presets  # they look at the voxels: here, and not in the thread of the window
    return Ready(
        case,
        default_window(image),
        Peeked(Thumbnail.of(image), image.patient),
        wanted.slice,
    )


def part_of(image: MedicalImage) -> Ready:
    """A case of an image that is still being read, with a window from the slices that are there."""
    assert image.arrived is not None
    there = np.flatnonzero(image.arrived)[:_TOUCHED]
    few = np.array(image.voxels[there])
    geometry = replace(image.geometry, shape=(len(there), *image.geometry.shape[1:]), origins=None)
    # The modality of a stack stays: a window for cross-sections leaves the background out.
    window = default_window(replace(image, voxels=few, geometry=geometry, arrived=None))
    return Ready(Case(image, title_of(image), synthetic=is_demo(image)), window)


def peek_at(entry: SeriesEntry, _: Progress) -> Peeked:
    """One slice of a series as a small picture; a series that cannot be read says why."""
    try:
        image = entry.contents.peek(entry.info.id)
        return Peeked(Thumbnail.of(image), image.patient)
    except (ReadError, UsageError) as error:
        return Peeked(None, sentence=error.sentence)


def first_slice(case: Case) -> int:
    """The slice that a case opens on: the middle of what truth calls positive, else of the series.

    While the case is still being read: the nearest to it that is there.
    """
    positive = np.flatnonzero(case.truth.positive_slices) if case.truth else np.empty(0, dtype=int)
    wanted = int(positive[len(positive) // 2]) if len(positive) else case.slices // 2
    if case.has(wanted):
        return wanted
    there = [index for index in range(case.slices) if case.has(index)]
    return min(there, key=lambda index: abs(index - wanted)) if there else wanted


def title_of(image: MedicalImage) -> str:
    """Words for the case that hold nothing about the patient: what the image is, not whose."""
    if is_demo(image):
        return "Synthetic stroke patient"
    weighting = [f"b {image.b_value:g}" if image.b_value is not None else "", "trace" if image.trace else ""]
    words = [image.sequence or image.modality, *weighting]
    return " ".join(w for w in words if w) or "image"


def is_demo(image: MedicalImage) -> bool:
    return (paths.resources() / "demo") in image.source.path.parents
