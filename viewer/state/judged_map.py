"""What is known of a map beyond its boxes: those of every threshold, its focus, and maps that know nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.baseline_maps import centred_blob, random_map
from viewer.evaluation.boxes import BoxRule
from viewer.evaluation.focus import focus_scores
from viewer.evaluation.iou_curve import IouCurve
from viewer.evaluation.map_boxes import MapBoxes
from viewer.evaluation.score import Score
from viewer.foundation.progress import Progress


@dataclass(frozen=True, eq=False)
class JudgedMap:
    """Made off the thread of the window, because it takes as long as a dozen thresholds do.

    Attributes
    ----------
    picture : the map that it is of; another map has another picture.
    curve : None for a map of a whole volume, whose thresholds are of the volume.
    baselines : boxes, by `rule`, of maps that know nothing: ``random map``, as coarse as this one, ``centred blob``.
    """

    picture: NDArray[np.float32]
    curve: IouCurve | None
    focus: tuple[Score, ...]
    rule: BoxRule
    baselines: Mapping[str, MapBoxes] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class JudgeRequest:
    """A map to be judged.

    Attributes
    ----------
    picture : (row, column) on the picture.
    raw : on its own grid; (slice, row, column) of a volume.
    inside : (row_min, column_min, row_max, column_max) that the network saw.
    spacing : mm along rows and columns; None where that is not known.
    """

    picture: NDArray[np.float32]
    raw: NDArray[np.float32]
    inside: tuple[int, int, int, int]
    spacing: tuple[float, float] | None
    rule: BoxRule


def judge(request: JudgeRequest, progress: Progress) -> JudgedMap:
    """Make every threshold's boxes and measure the focus, of what the network saw."""
    if request.raw.ndim == 3:
        return JudgedMap(request.picture, None, focus_scores(request.raw), request.rule)
    row_min, column_min, row_max, column_max = request.inside
    within = np.zeros(request.picture.shape, dtype=bool)
    within[row_min:row_max, column_min:column_max] = True
    curve = IouCurve.of(request.picture, within=within, progress=progress)
    seen = request.picture[row_min:row_max, column_min:column_max]
    focus = focus_scores(seen, spacing=request.spacing)
    return JudgedMap(request.picture, curve, focus, request.rule, _baselines(request, within))


def _baselines(request: JudgeRequest, within: NDArray[np.bool_]) -> dict[str, MapBoxes]:
    rule = request.rule
    if (
        rule.rule == "top-area-of-truth"
    ):  # how much that is depends on the truth, and the map does not know it
        return {}
    row_min, column_min, row_max, column_max = request.inside
    shape = (row_max - row_min, column_max - column_min)
    made = {}
    for name, values in (
        ("random map", random_map(shape, grid=request.raw.shape)),
        ("centred blob", centred_blob(shape)),
    ):
        drawn = np.zeros(request.picture.shape, dtype=np.float32)
        drawn[row_min:row_max, column_min:column_max] = values
        made[name] = MapBoxes.of(
            drawn, rule=rule.rule, value=rule.value, within=within, spacing=request.spacing
        )
    return made


def focus_words(scores: tuple[Score, ...], *, whole: bool) -> str:
    """The focus of a map in one line.

    Parameters
    ----------
    whole : whether the map is of a whole volume.
    """
    found = {score.name: score for score in scores}
    if not found:
        return ""
    if not found["foci"].defined:
        return "Focus: the map is empty"
    area, share, foci = found["half-max-area"], found["half-max-share"], int(found["foci"].value)
    size = f"{share.value:.1%} of what the network saw"
    if area.rule.startswith("mm²"):
        square = area.value
        size = (f"{square / 100:.1f} cm²" if square >= 100 else f"{square:.0f} mm²") + f", {size}"
    where = " (in three dimensions, on the map's own grid)" if whole else ""
    return (
        f"Focus{where}: at least half the maximum on {size}, in {foci} place{'' if foci == 1 else 's'}; "
        f"entropy {found['entropy'].value:.2f}, Gini {found['gini'].value:.2f}, "
        f"vertical spread {found['vertical-spread'].value:.2f}"
    )
