"""Points in time told by the numbers of the pictures, where nothing else tells them: also when some are missing.

A scanner numbers time by time (every slice of the first, then every slice of the second) or slice by slice (every time
of the first slice, then of the second). Either way a number says which time a picture is of, whatever else is missing;
counting the pictures at a place does not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from viewer.imaging.dicom.frames import Frame


def by_number(frames: Sequence[Frame], level: dict[int, int], most: int) -> list[list[Frame]] | None:
    """Frames by time; None where their numbers follow neither rule.

    Parameters
    ----------
    level : number of the place of each frame, by `id` of the frame.
    most : the most frames at one place.
    """
    numbers = _numbers(frames)
    if numbers is None:
        return None
    places = sorted({level[id(frame)] for frame in frames})
    numbered = [
        (number, places.index(level[id(frame)])) for number, frame in zip(numbers, frames, strict=True)
    ]
    times = _time_by_time(numbered, len(places))
    if times is None or len(set(times)) != most:
        times = _slice_by_slice(numbered, most)
    if times is None or len(set(times)) != most:
        return None
    parts: dict[int, list[Frame]] = defaultdict(list)
    for time, frame in zip(times, frames, strict=True):
        parts[time].append(frame)
    if any(len({level[id(frame)] for frame in part}) < len(part) for part in parts.values()):
        return None
    return [parts[time] for time in sorted(parts)]


def _numbers(frames: Sequence[Frame]) -> list[int] | None:
    """A number of its own for each frame: the picture's, or its place in the one file that holds them all."""
    one_file = len({frame.path for frame in frames}) == 1
    stated = [frame.index if one_file else frame.moment.instance for frame in frames]
    numbers = [int(number) for number in stated if number is not None]
    return numbers if len(set(numbers)) == len(frames) else None


def _time_by_time(numbered: list[tuple[int, int]], count: int) -> list[int] | None:
    """The time of each (number, place) where every run of `count` numbers goes through the places in one order."""
    turns: dict[int, int] = {}
    if any(turns.setdefault(number % count, place) != place for number, place in numbered):
        return None
    if len(turns) < count or len(set(turns.values())) < count:
        return None
    lowest = min(number for number, _ in numbered)
    # Where a run begins: at its first or last place if it goes through them in order, whatever number is missing.
    starts = [
        start
        for start in range(count)
        for order in [[turns[(start + step) % count] for step in range(count)]]
        if order in (sorted(order), sorted(order, reverse=True))
    ]
    start = starts[0] if len(starts) == 1 else 1 if lowest <= count else lowest
    return [(number - start) // count for number, _ in numbered]


def _slice_by_slice(numbered: list[tuple[int, int]], most: int) -> list[int] | None:
    """The time of each (number, place) where every run of `most` numbers stays at one place."""
    lowest = min(number for number, _ in numbered)
    for start in range(lowest, lowest - most, -1):
        runs: dict[int, int] = {}
        if all(runs.setdefault((number - start) // most, place) == place for number, place in numbered):
            return [(number - start) % most for number, _ in numbered]
    return None
