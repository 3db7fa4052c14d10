"""Frames that share their positions, parted into volumes: weightings, echoes, segments, points in time.

First by what a frame says it is, then by when it was taken, then by its number. Only where none of these tells them
apart, frames at one place are counted in the order they were taken in: the n-th of every place is the n-th volume.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.dicom.frames import Frame, Moment
from viewer.imaging.dicom.numbering import by_number
from viewer.imaging.image import VolumeInfo
from viewer.imaging.volumes import UNWEIGHTED

_MOMENTS: tuple[tuple[str, Callable[[Moment], float | None]], ...] = (
    ("time", lambda moment: moment.temporal),
    ("phase", lambda moment: moment.trigger),
    ("acquisition", lambda moment: moment.acquisition),
    ("time", lambda moment: moment.time),
    ("time", lambda moment: moment.content),
)
_NAMED = 3


@dataclass(frozen=True, eq=False)
class Volume:
    """Frames at ascending positions, one each.

    Attributes
    ----------
    info : its name for a menu.
    whole : False for frames that are left where another lies already: a part of something.
    """

    frames: tuple[Frame, ...]
    info: VolumeInfo
    whole: bool = True

    @property
    def b_value(self) -> float | None:
        return self.frames[0].diffusion.b_value

    @property
    def trace(self) -> bool:
        return self.frames[0].diffusion.trace


@dataclass(frozen=True)
class _Group:
    """Frames that say the same of themselves, in volumes by time."""

    frames: tuple[Frame, ...]
    parts: tuple[tuple[Frame, ...], ...]
    word: str
    complete: bool


def volumes_of(
    frames: Sequence[Frame], level: dict[int, int], segments: dict[int, str]
) -> tuple[tuple[Volume, ...], int]:
    """Part frames into volumes.

    Parameters
    ----------
    frames : frames of one orientation and size, each with a position.
    level : number of the place of each frame, by `id` of the frame.
    segments : names of segments by number.

    Returns
    -------
    volumes in the order of the series, each named; and how many frames lie where another lies already for no reason
    that the files give.
    """
    groups = _groups(frames, level)
    labels = _numbered([group.frames[0] for group in groups], segments)
    volumes: list[Volume] = []
    doubled = 0
    for group, label in zip(groups, labels, strict=True):
        if not group.complete:
            doubled += len(group.frames) - len(group.parts[0])
        for turn, part in enumerate(group.parts):
            words = [label] if label else []
            if len(group.parts) > 1:
                words.append(f"{group.word} {turn + 1}")
            diffusion = part[0].diffusion
            name = ", ".join(words) or f"volume {len(volumes) + 1}"
            info = VolumeInfo(name, len(part), diffusion.b_value, diffusion.trace)
            volumes.append(Volume(part, info, group.complete or turn == 0))
    return tuple(volumes), doubled


def _groups(frames: Sequence[Frame], level: dict[int, int]) -> list[_Group]:
    separate = len(frames) > len({level[id(frame)] for frame in frames})
    varies = _varying(frames, level) if separate else ()
    buckets: dict[tuple[object, ...], list[Frame]] = defaultdict(list)
    for frame in frames:
        buckets[tuple(_FACTS[name](frame) for name in varies)].append(frame)
    ordered = sorted(buckets.values(), key=lambda bucket: min(frame.order for frame in bucket))
    return [_in_time(bucket, level) for bucket in ordered]


def _gradient(frame: Frame) -> tuple[float, ...] | None:
    gradient = frame.diffusion.gradient
    return None if gradient is None else tuple(round(part, 3) for part in gradient)


_FACTS: dict[str, Callable[[Frame], object]] = {
    "weighting": lambda frame: (frame.diffusion.b_value, _gradient(frame), frame.diffusion.trace, frame.turn),
    "echo": lambda frame: (frame.echo_number, None if frame.echo is None else round(frame.echo, 2)),
    "inversion": lambda frame: frame.inversion,
    "segment": lambda frame: frame.segment,
    "kind": lambda frame: frame.kind,
}


def _varying(frames: Sequence[Frame], level: dict[int, int]) -> tuple[str, ...]:
    """The facts in which frames at one place differ."""
    found = []
    for name, fact in _FACTS.items():
        seen: dict[int, object] = {}
        if any(seen.setdefault(level[id(frame)], fact(frame)) != fact(frame) for frame in frames):
            found.append(name)
    return tuple(found)


def _in_time(frames: list[Frame], level: dict[int, int]) -> _Group:
    places: dict[int, list[Frame]] = defaultdict(list)
    for frame in frames:
        places[level[id(frame)]].append(frame)
    for same in places.values():
        same.sort(key=lambda frame: frame.order)
    most = max(len(same) for same in places.values())
    everything = tuple(frames)
    if most == 1:
        return _Group(everything, (_ascending(frames, level),), "time", True)
    by_moment = _by_moment(frames, level, most)
    if by_moment is not None:
        word, parts = by_moment
        if word == "acquisition" and len({len(part) for part in parts}) == 1:
            # Repetitions of everything are points in time; different ranges are acquisitions of their own.
            word = "time"
        return _Group(everything, tuple(_ascending(part, level) for part in parts), word, True)
    complete = all(len(same) == most for same in places.values())
    numbered = None if complete else by_number(frames, level, most)
    if numbered is not None:
        return _Group(everything, tuple(_ascending(part, level) for part in numbered), _word(frames), True)
    turns = [[same[turn] for same in places.values() if turn < len(same)] for turn in range(most)]
    word = _word(frames) if complete else "part"
    return _Group(everything, tuple(_ascending(part, level) for part in turns), word, complete)


def _by_moment(frames: list[Frame], level: dict[int, int], most: int) -> tuple[str, list[list[Frame]]] | None:
    """Parts by the first statement of time that has as many values as there are frames at one place.

    More values than that are times too where each has most of the places: every place may lack a time.
    """
    half = len({level[id(frame)] for frame in frames}) / 2
    for word, moment in _MOMENTS:
        parts: dict[float, list[Frame]] = defaultdict(list)
        for frame in frames:
            value = moment(frame.moment)
            if value is None:
                break
            parts[value].append(frame)
        else:
            enough = len(parts) == most or (
                len(parts) > most and min(len(part) for part in parts.values()) > max(half, 1)
            )
            if enough and all(
                len({level[id(frame)] for frame in part}) == len(part) for part in parts.values()
            ):
                return word, [parts[value] for value in sorted(parts)]
    return None


def _word(frames: list[Frame]) -> str:
    """What follows each other where no single statement parts the frames."""
    triggers = {frame.moment.trigger for frame in frames}
    times = {frame.moment.temporal for frame in frames}
    return "phase" if len(triggers) > 1 and None not in triggers and len(times) == 1 else "time"


def _ascending(frames: Sequence[Frame], level: dict[int, int]) -> tuple[Frame, ...]:
    return tuple(sorted(frames, key=lambda frame: level[id(frame)]))


def _labels(firsts: list[Frame], segments: dict[int, str]) -> list[str]:
    """What tells the groups apart, in words; empty for a single group."""
    if len(firsts) == 1:
        return [""]
    different = {name for name, fact in _FACTS.items() if len({fact(frame) for frame in firsts}) > 1}
    shared = set.intersection(*(set(frame.kind) for frame in firsts)) if firsts else set()
    return [_label(frame, different, shared, segments) for frame in firsts]


def _label(frame: Frame, different: set[str], shared: set[str], segments: dict[int, str]) -> str:
    words: list[str] = []
    if "weighting" in different:
        diffusion = frame.diffusion
        words.append("no b-value" if diffusion.b_value is None else f"b {diffusion.b_value:.0f}")
        if diffusion.trace:
            words.append("trace")
    if "echo" in different:
        number = f"echo {frame.echo_number:.0f}" if frame.echo_number is not None else "echo"
        words.append(f"{number} (TE {frame.echo:g} ms)" if frame.echo is not None else number)
    if "inversion" in different and frame.inversion is not None:
        words.append(f"TI {frame.inversion:g} ms")
    if "segment" in different and frame.segment is not None:
        words.append(f"segment {frame.segment}")
        words.extend([segments[frame.segment]] if segments.get(frame.segment) else [])
    if "kind" in different:
        own = [value for value in frame.kind if value not in shared]
        words.extend([" ".join(dict.fromkeys(own)).lower()] if own else [])
    return ", ".join(words)


def names_of(firsts: list[Frame], segments: dict[int, str]) -> list[str]:
    """What tells volumes apart, by the first frame of each; empty where nothing but time does."""
    return _numbered(firsts, segments) if any(_labels(firsts, segments)) else [""] * len(firsts)


def _numbered(firsts: list[Frame], segments: dict[int, str]) -> list[str]:
    """Labels of the groups; those that are alike get a number: the directions of one b-value."""
    labels = _labels(firsts, segments)
    total, seen = Counter(labels), Counter[str]()
    numbered = []
    for frame, label in zip(firsts, labels, strict=True):
        seen[label] += 1
        if total[label] > 1:
            weighted = (frame.diffusion.b_value or 0) >= UNWEIGHTED
            label += f", {'direction' if weighted else 'image'} {seen[label]}"
        numbered.append(label.removeprefix(", "))
    return numbered


def default_volume(volumes: Sequence[Volume]) -> int:
    """The highest b-value, the most slices, a trace before a direction, else the first."""

    def rank(place: int) -> tuple[bool, float, int, bool, int]:
        volume = volumes[place]
        b_value = -1.0 if volume.b_value is None else volume.b_value
        return volume.whole, b_value, len(volume.frames), volume.trace, -place

    return max(range(len(volumes)), key=rank)


def incomplete(volumes: Sequence[Volume], places: int) -> tuple[Diagnosis, ...]:
    """Words for volumes that lack slices which most of the others have.

    Parameters
    ----------
    places : number of places of all volumes together.
    """
    whole = [volume for volume in volumes if volume.whole]
    short = [volume for volume in whole if len(volume.frames) < places]
    # Acquisitions of different ranges lack nothing; segments are only where something is marked.
    if not short or 2 * len(short) > len(volumes) or any(volume.frames[0].segment for volume in short):
        return ()
    lacks = [f"{volume.info.label} lacks {places - len(volume.frames)}" for volume in short[:_NAMED]]
    words = ", ".join(lacks) + f" of {places} slices"
    words += f", and {len(short) - _NAMED} more lack some" if len(short) > _NAMED else ""
    return (
        Diagnosis(
            "incomplete-volume",
            "warning",
            f"{words[0].upper()}{words[1:]}.",
            "Ask for a complete export of the series; the other volumes are whole.",
        ),
    )
