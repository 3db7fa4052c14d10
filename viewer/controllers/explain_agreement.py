"""How the maps of ``whyslice explain`` agree with what a reader marked, the image's own brightness beside."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.baseline_maps import brightness_map
from viewer.evaluation.marked import Counted, Marked, agreement, energy, pointing
from viewer.evaluation.ranked import RankedMap
from viewer.imaging.image import MedicalImage
from viewer.models.input_view import InputView
from viewer.state.case import Truth
from viewer.state.map_view import pixels_inside

PERCENT = 5.0
"""The most important share of the network's input that counts for the IoU."""
RULE = (
    f"IoU with the best box of the most important {PERCENT:g}% of what the network saw; energy: share inside"
)
_OF_A_MASK = "truth"
"""The label of what a mask marks, which names no class."""


def against_truth(
    truth: Truth,
    image: MedicalImage,
    index: int,
    class_name: str,
    finding: str,
    drawn: NDArray[np.float32],
    view: InputView,
) -> dict[str, Any] | None:
    """Scores of a map and of the image's own brightness; None where nothing of the class is marked on the slice.

    Parameters
    ----------
    index : slice of the reading plane.
    finding : the class that a mask marks, which names none; empty where the model has no such class: the one asked for.
    drawn : (row, column) of the picture, after ReLU.
    """
    labels = (class_name, _OF_A_MASK) if class_name == (finding or class_name) else (class_name,)
    own = tuple(each for each in truth.regions if each.slice == index and each.label in labels)
    if not own:
        return None
    marked, within = Marked(own, drawn.shape), np.zeros(drawn.shape, dtype=bool)
    top, left, bottom, right = pixels_inside(view)
    within[top:bottom, left:right] = True
    grey = np.asarray(image.grey(image.plane.picture(image.voxels, index)), dtype=np.float32)
    return {
        "reader": truth.reader,
        "rule": RULE,
        "map": _scores(drawn, marked, within),
        "brightness": _scores(brightness_map(grey), marked, within),
    }


def _scores(drawn: NDArray[np.float32], marked: Marked, within: NDArray[np.bool_]) -> dict[str, float | None]:
    ranked = RankedMap(drawn, PERCENT, within)
    found = {
        "iou": agreement(Counted(ranked.mask(PERCENT)), marked).iou_best,
        "pointing": pointing(ranked.peak, marked),
        "energy": energy(drawn, marked, within),
    }
    return {name: None if math.isnan(value) else value for name, value in found.items()}
