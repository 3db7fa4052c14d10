"""What was rightly split off a series and would be missed if nobody said so: a localizer, a slice of another size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.dicom.stacks import Stack


def with_splits_said(stacks: Iterable[Stack]) -> list[Stack]:
    """The stacks in their order; the largest of each series says which of its pictures became stacks of their own.

    Maps and parts of complex images are named by what they are, and are not counted here.
    """
    series: dict[tuple[str, ...], list[Stack]] = defaultdict(list)
    found = list(stacks)
    for stack in found:
        file = stack.file
        if not file.flat and file.series_uid:
            series[file.patient_key, file.study_uid, file.series_uid, stack.kind].append(stack)
    said: dict[int, Diagnosis] = {}
    for parts in series.values():
        largest = max(parts, key=lambda stack: stack.frame_count)
        sizes = sum(part.frame_count for part in parts if _size(part) != _size(largest))
        turned = sum(
            part.frame_count for part in parts if _size(part) == _size(largest) and _turned(part, largest)
        )
        if sizes or turned:
            said[id(largest)] = _finding(sizes, turned, sum(part.frame_count for part in parts))
    return [
        replace(stack, diagnoses=(*stack.diagnoses, said[id(stack)])) if id(stack) in said else stack
        for stack in found
    ]


def _size(stack: Stack) -> tuple[object, ...]:
    frame = stack.shown.frames[0]
    tile = frame.tile
    pixels = (stack.file.rows, stack.file.columns) if tile is None else (tile.rows, tile.columns)
    return pixels, None if frame.size.spacing is None else tuple(
        round(step, 3) for step in frame.size.spacing
    )


def _turned(stack: Stack, other: Stack) -> bool:
    """Whether two stacks lie differently, as far as both say so; what else parts them has words of its own."""
    ours, theirs = stack.shown.frames[0].orientation, other.shown.frames[0].orientation
    if ours is None or theirs is None:
        return False
    return max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) > 0


def _finding(sizes: int, turned: int, total: int) -> Diagnosis:
    count = sizes + turned
    one = count == 1
    words = ["of another size" if one else "of other sizes"] if sizes else []
    words += ["lies another way" if one else "lie another way"] if turned else []
    verb = ("is " if one else "are ") if sizes else ""
    return Diagnosis(
        "split-series",
        "note",
        f"{count} of {total} pictures of this series {verb}{' or '.join(words)} and "
        f"{'is a series of its own' if one else 'are series of their own'}.",
        "Choose it from the list of series to see it."
        if one
        else "Choose them from the list of series to see them.",
    )
