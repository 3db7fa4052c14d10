"""Names and the default of the volumes that lie on one grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.image import VolumeInfo

Direction = tuple[float, float, float]

UNWEIGHTED = 50.0
"""Below this b-value an image counts as unweighted, s/mm2: scanners write 5 or 10 for what was meant as 0."""


def numbered(word: str, count: int, slices: int) -> tuple[VolumeInfo, ...]:
    """``time 1``, ``time 2``...; nothing for a single volume.

    Parameters
    ----------
    word : what the volumes are: ``time``, ``volume``, ``component``.
    """
    if count < 2:
        return ()
    return tuple(VolumeInfo(f"{word} {number}", slices) for number in range(1, count + 1))


def weighted(
    b_values: Sequence[float], directions: Sequence[Direction | None], slices: int
) -> tuple[VolumeInfo, ...]:
    """Diffusion volumes: ``b 0``, ``b 1000, direction 3``, ``b 1000, trace``.

    Parameters
    ----------
    b_values : one for each volume, s/mm2.
    directions : gradient of each volume; zero for an image without a direction, None where nothing is said. A weighted
        image without a direction is a trace image.
    """
    total, seen = Counter(round(b) for b in b_values), Counter[int]()
    found = []
    for b, direction in zip(b_values, directions, strict=True):
        rounded = round(b)
        seen[rounded] += 1
        words = f"b {rounded}"
        if is_trace(b, direction):
            words += ", trace"
        elif total[rounded] > 1:
            words += f", {'image' if b < UNWEIGHTED else 'direction'} {seen[rounded]}"
        found.append(VolumeInfo(words, slices, float(b), is_trace(b, direction)))
    return tuple(found)


def is_trace(b_value: float, direction: Direction | None) -> bool:
    """Whether a weighted image has no direction of its own."""
    return b_value >= UNWEIGHTED and direction is not None and not any(direction)


def best_weighted(b_values: Sequence[float], directions: Sequence[Direction | None]) -> int:
    """The volume to show first: the highest b-value, trace before a single direction, else the first of them."""
    ranks = [(round(b), is_trace(b, direction)) for b, direction in zip(b_values, directions, strict=True)]
    return ranks.index(max(ranks))


def one_of_several(volumes: tuple[VolumeInfo, ...], shown: int, *, default: bool) -> Diagnosis | None:
    """Words for what is not on screen; None for a single volume.

    Parameters
    ----------
    default : whether nobody asked for this volume.
    """
    if len(volumes) < 2:
        return None
    volume = volumes[shown]
    total = sum(each.slices for each in volumes)
    why = ", the highest b-value" if default and volume.b_value else ""
    named = "" if volume.label == f"volume {shown + 1}" else f" ({volume.label}{why})"
    return Diagnosis(
        "several-volumes",
        "note",
        f"{volume.slices} of {total} images are shown: volume {shown + 1} of {len(volumes)}{named}.",
        "Choose another volume to see the rest.",
    )
