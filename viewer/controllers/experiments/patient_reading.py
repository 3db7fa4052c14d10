"""A patient read as a patient: which slices are called, how sure that is, and where their maps lie.

Runs on the compute lane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.controllers.experiments.asked import Asked, Map, Scale
from viewer.controllers.experiments.order import ExperimentOrder
from viewer.controllers.experiments.series import series_maps
from viewer.controllers.steadying import PASSES
from viewer.evaluation.focus import focus_scores
from viewer.explainers.declaration import EXPLAINERS
from viewer.explainers.explainer_info import INPUT_LAYER
from viewer.explainers.explanation import IMPROBABLE, map_state
from viewer.foundation.progress import SILENT, Progress, Share
from viewer.imaging.body import body_mask
from viewer.imaging.image import MedicalImage
from viewer.state.rulers import sizes_known

_MIDDLE = 5.0
"""Millimetres from the middle of the body within which a place has no side."""
_FOCUSED = 0.02
"""A map is focused when at most this share of the picture has half of its maximum: 30 mm across in a head of 20 cm."""
_FIRST, _PREDICTED, _PASSED = 5, 15, 70
"""Percent of the time until the first map is there, and of the predictions, without and with dropout passes."""
Interval = tuple[float, float]


@dataclass(frozen=True)
class Place:
    """Where a map is largest.

    Attributes
    ----------
    row, column : of the picture, pixel centres.
    lps_mm : in the patient; None where positions are not known.
    side : ``left``, ``right`` or ``middle`` of the patient; empty where sides are not known.
    off_middle_mm : from the middle of the body on that slice; None where that is not known.
    """

    row: int
    column: int
    lps_mm: tuple[float, float, float] | None = None
    side: str = ""
    off_middle_mm: float | None = None

    @property
    def words(self) -> str:
        if not self.side:
            return "side unknown"
        if self.off_middle_mm is None:
            return self.side
        return "near the middle" if self.side == "middle" else f"{self.side}, {self.off_middle_mm:.0f} mm"


@dataclass(frozen=True)
class SliceReading:
    """One slice.

    Attributes
    ----------
    interval : 2.5th and 97.5th percentile over dropout passes; None where none were made.
    called : whether the probability reaches the threshold.
    state : of the map.
    place : None of a map that shows nothing.
    drawn_ml : of the map from the share of full colour on at which it is drawn; None where sizes are not known.
    half_share : share of the picture with at least half of the map's maximum; None of an empty map.
    z_mm : position along the slices; None where it is not known.
    """

    index: int
    probability: float
    interval: Interval | None
    called: bool
    state: str
    place: Place | None
    drawn_ml: float | None
    half_share: float | None
    z_mm: float | None

    def to_json(self) -> dict[str, Any]:
        place = self.place
        return {
            "index": self.index,
            "probability": self.probability,
            "interval": None if self.interval is None else list(self.interval),
            "called": self.called,
            "state": self.state,
            "side": place.side if place else "",
            "off_middle_mm": place.off_middle_mm if place else None,
            "peak_lps_mm": list(place.lps_mm) if place and place.lps_mm else None,
            "peak": [place.row, place.column] if place else None,
            "drawn_ml": self.drawn_ml,
            "half_max_share": self.half_share,
            "position_mm": self.z_mm,
        }


@dataclass(frozen=True, eq=False)
class PatientReading:
    """A patient, by one model and one class.

    Attributes
    ----------
    asked : the model on the slice that stands for the patient.
    probability, interval : of the patient.
    rule, peak : how it came from the slices, in words, and the one that it is of; None of a network of volumes.
    threshold : from which the class is called.
    scale : full colour of all maps.
    slices : one for each; of a network of volumes the probability of each is that of the whole.
    maps, signed : (slice, row, column) drawn on the pictures; of a network of slices each slice's own map.
    passes : dropout passes that were made.
    drops_out : whether the network has dropout at all.
    """

    asked: Asked
    probability: float
    interval: Interval | None
    rule: str
    peak: int | None
    threshold: float
    scale: Scale
    slices: tuple[SliceReading, ...]
    maps: Map
    signed: tuple[Map, ...] | None
    passes: int
    drops_out: bool

    @property
    def called(self) -> tuple[SliceReading, ...]:
        """Slices that are called; none of a network of volumes, which says nothing of single ones."""
        return () if self.asked.whole else tuple(each for each in self.slices if each.called)

    @property
    def focused(self) -> tuple[SliceReading, ...]:
        """Slices that are not called although their map is drawn and focused, the most focused first.

        Where the class is improbable the map may be an artefact, so such a slice is not among them.
        """
        if self.asked.whole:
            return ()
        found = [
            each
            for each in self.slices
            if not each.called
            and each.state == "ok"
            and each.probability >= IMPROBABLE
            and each.half_share is not None
            and each.half_share <= _FOCUSED
            and float(self.maps[each.index].max()) >= self.drawn_from * self.scale[0]
        ]
        return tuple(sorted(found, key=lambda each: each.half_share or 0.0))

    @property
    def drawn_from(self) -> float:
        """Share of full colour from which a map is drawn."""
        return self.asked.order.look.style.threshold

    @property
    def drawn_ml(self) -> float | None:
        """Of the map on slices that are called, of a volume everywhere."""
        chosen = self.slices if self.asked.whole else self.called
        if any(each.drawn_ml is None for each in chosen):
            return None
        return sum(each.drawn_ml or 0.0 for each in chosen)

    def to_json(self) -> dict[str, Any]:
        """The document of ``whyslice export --format pdf``, less its file."""
        asked = self.asked
        return {
            "model": asked.card.id,
            "class": asked.class_name,
            "explainer": asked.explainers[0],
            "layer": asked.layer if EXPLAINERS[asked.explainers[0]].needs_layer else INPUT_LAYER,
            "probability": self.probability,
            "interval": None if self.interval is None else list(self.interval),
            "mc_samples": self.passes,
            "rule": self.rule,
            "threshold": self.threshold,
            "called": self.probability >= self.threshold,
            "scale": self.scale[0],
            "scale_name": self.scale[1],
            "drawn_from": self.drawn_from,
            "drawn_ml": self.drawn_ml,
            "slices": [each.to_json() for each in self.slices],
            "called_slices": [each.index for each in self.called],
            "focused_negatives": [each.index for each in self.focused],
        }


def read_patient(
    order: ExperimentOrder, progress: Progress = SILENT, *, passes: int = PASSES, seed: int = 0
) -> PatientReading:
    """Predict and explain every slice.

    Parameters
    ----------
    order : its slice is of no meaning; the first of its explainers is taken.
    passes : Monte Carlo dropout passes; 0 for none.

    Raises
    ------
    UsageError, ModelError, ExplainError
        The sentence says what failed.
    """
    from viewer.controllers import engine

    percent = Share(progress, 0, _FIRST, 100)
    asked = Asked(order, percent)
    drops_out = engine.drops_out(asked.model, order.device)
    percent.go_on(_PASSED if drops_out and passes else _PREDICTED)
    found = engine.predict_case(
        *(asked.model, order.device, order.image),
        mirror=order.mirror,
        crop=asked.crop,
        mc_samples=passes if drops_out else 0,
        seed=seed,
        progress=percent,
    )
    percent.go_on(100 - _FIRST - (_PASSED if drops_out and passes else _PREDICTED))
    maps, signed, _ = series_maps(asked, percent)
    target = asked.target
    reference = asked.reference(asked.explainers[0], target)
    most = float(maps.max(initial=0.0))
    scale: Scale = (
        (reference, "model reference") if reference else (most or 1.0, "largest value of the series")
    )
    threshold = asked.card.threshold(asked.class_name)
    readings = []
    for index in range(len(maps)):
        own = found.slices[index] if found.slices else None
        p = own.probabilities[target] if own else found.case[target]
        interval = own.interval[target] if own and own.interval else None
        raw = asked.made().signed if signed is None else signed[index]
        readings.append(_slice(asked, index, p, interval, p >= threshold, maps[index], raw, scale))
    return PatientReading(
        asked,
        found.case[target],
        found.interval[target] if found.interval else None,
        found.rule,
        found.peak,
        threshold,
        scale,
        tuple(readings),
        maps,
        None if signed is None else tuple(signed),
        passes if found.interval else 0,
        drops_out,
    )


def _slice(
    asked: Asked,
    index: int,
    probability: float,
    interval: Interval | None,
    called: bool,
    drawn: Map,
    signed: Map,
    scale: Scale,
) -> SliceReading:
    info, image = EXPLAINERS[asked.explainers[0]], asked.order.image
    reference = asked.reference(asked.explainers[0], asked.target)
    state = map_state(signed, reference, shared=info.shares_score)
    share = next(each.value for each in focus_scores(drawn) if each.name == "half-max-share")
    there = drawn.any() and state == "ok"
    return SliceReading(
        index,
        float(probability),
        interval,
        bool(called),
        state,
        place_of(image, index, drawn) if there else None,
        drawn_ml(image, drawn, asked.order.look.style.threshold * scale[0]),
        None if np.isnan(share) else float(share),
        image.plane.position_mm(image.geometry, index),
    )


def place_of(image: MedicalImage, index: int, drawn: NDArray) -> Place:
    """Where a map on a picture (row, column) is largest, in the patient."""
    row, column = (int(n) for n in np.unravel_index(int(drawn.argmax()), drawn.shape))
    geometry, plane = image.geometry, image.plane
    if not geometry.oriented:
        return Place(row, column)
    peak = geometry.to_patient(plane.voxel(geometry, index, row, column))
    middle = _middle(image, index)
    off = float(peak[0] - middle)
    side = "middle" if abs(off) <= _MIDDLE else "left" if off > 0 else "right"
    known = sizes_known(image)
    lps = (float(peak[0]), float(peak[1]), float(peak[2])) if geometry.placed and known else None
    return Place(row, column, lps, side, abs(off) if known else None)


def _middle(image: MedicalImage, index: int) -> float:
    """Where the middle of the body is from right to left, mm: of the picture, across sagittal slices of the volume."""
    geometry, plane = image.geometry, image.plane
    rows, columns = plane.picture_shape(geometry.shape)
    if plane.name == "sagittal":
        last = plane.count(geometry.shape) - 1
        ends = [geometry.to_patient(plane.voxel(geometry, at, rows / 2, columns / 2)) for at in (0, last)]
        return float(np.mean([end[0] for end in ends]))
    places = np.argwhere(body_mask(image.grey(plane.picture(image.voxels, index)))).mean(axis=0)
    return float(geometry.to_patient(plane.voxel(geometry, index, *places))[0])


def drawn_ml(image: MedicalImage, drawn: NDArray, least: float) -> float | None:
    """Millilitres of a slice where a map is at least `least`; None where sizes are not known."""
    if not sizes_known(image) or image.geometry.shape[image.plane.axes[0]] < 2:
        return None
    voxel = float(np.prod(image.geometry.spacing_mm)) / 1000.0
    return float(np.count_nonzero((drawn >= least) & (drawn > 0))) * voxel
