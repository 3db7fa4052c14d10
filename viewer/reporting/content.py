"""What a figure shows. Plain arrays and words; there is no place in it for a patient's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from numpy.typing import NDArray

from viewer.evaluation.regions import Region
from viewer.reporting.blend import Overlay, Tint

Level = Literal["plain", "caution", "stop"]


@dataclass(frozen=True)
class Distance:
    """A measured line.

    Attributes
    ----------
    start, end : (row, column) in pixel edges of the picture, as those of a region.
    text : its length, in words.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    text: str


@dataclass(frozen=True, eq=False)
class FigureContent:
    """One explained slice.

    Attributes
    ----------
    picture : (row, column) in the units of the image, or (row, column, 3) uint8, as shown on screen.
    window : (low, high) of the grey values.
    spacing : (row, column) of a pixel, mm; gives the aspect.
    overlay : the map, or None.
    tints : the maps of several findings in place of `overlay`, in the order of the legend.
    tints_head : what the legend says above them; empty where one map alone is shown.
    overlay_unit : what the numbers of the colour bar are ("Grad-CAM of the logit, raw").
    inverted : whether low grey values are white.
    letters : (left, right, top, bottom) anatomical letters; None when the sides are unknown.
    regions : boxes on the picture's grid, of several readers.
    distances : lines on the picture's grid.
    convention : words about which way round the patient is shown; empty where that changes nothing.
    title : one short line.
    verdict : the line *may I read this map?*.
    level : how serious the verdict is.
    facts : (name, words) in order: prediction, explainer, layer, class, score, scale, slice ...
    watermark : words across the picture when the model does not apply or the case is synthetic; empty for none.
    mirrored : whether this is the mirrored input, which is said aloud.
    boundaries : (line, end, 2) where the segments of the map meet, (row, column) in pixel edges; None for none.
    """

    picture: NDArray
    window: tuple[float, float]
    spacing: tuple[float, float] = (1.0, 1.0)
    overlay: Overlay | None = None
    tints: tuple[Tint, ...] = ()
    tints_head: str = ""
    overlay_unit: str = ""
    inverted: bool = False
    letters: tuple[str, str, str, str] | None = None
    regions: tuple[Region, ...] = ()
    distances: tuple[Distance, ...] = ()
    convention: str = ""
    title: str = ""
    verdict: str = ""
    level: Level = "plain"
    facts: tuple[tuple[str, str], ...] = ()
    watermark: str = ""
    mirrored: bool = False
    boundaries: NDArray | None = None
