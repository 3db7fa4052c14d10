"""The maps of one slice, or of a volume, and all that they are compared with."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from viewer.controllers.cohort.order import CohortPlan
from viewer.controllers.cohort.truth_of import ImageTruth
from viewer.controllers.truth import MOST_PIECES
from viewer.evaluation.baseline_maps import brightness_map, centred_blob, random_map
from viewer.evaluation.marked import Marked
from viewer.evaluation.prediction_table import Predicted
from viewer.evaluation.regions import Region
from viewer.explainers.declaration import EXPLAINERS
from viewer.explainers.explainer_info import INPUT_LAYER
from viewer.foundation.errors import ExplainError
from viewer.imaging.image import MedicalImage
from viewer.models.card import ModelCard
from viewer.models.input_view import InputView
from viewer.models.volume_cut import stacked
from viewer.models.volume_view import VolumeView

if TYPE_CHECKING:
    from viewer.models.prediction import Prediction

BASELINE = "baseline:"
"""Before the names of maps that know nothing of the network, where explainers are listed."""
RANDOM, CENTRE, BRIGHTNESS = (f"{BASELINE}{name}" for name in ("random", "centre", "brightness"))

MapKey = tuple[int, str, str]
"""(class index, layer, explainer)"""


@dataclass(frozen=True, eq=False)
class Look:
    """The maps of one slice, or of the volume, and all that they are compared with.

    Attributes
    ----------
    index : None for a volume.
    maps : (class index, layer, explainer) -> signed map on its own grid.
    grey : (row, column) or (slice, row, column) of pictures in the reading plane.
    spacing : mm along each of its axes.
    correct : class name -> whether it was predicted rightly here; absent where that is not known.
    """

    index: int | None
    view: InputView | VolumeView
    image: MedicalImage
    maps: Mapping[MapKey, NDArray[np.float32]]
    regions: tuple[Region, ...]
    grey: NDArray[np.float32]
    spacing: tuple[float, ...]
    correct: Mapping[str, bool]
    problems: Counter[str] = field(default_factory=Counter)

    def drawn(self, raw: NDArray[np.float32]) -> NDArray[np.float32]:
        """A map on the picture, or on all of them."""
        if isinstance(self.view, InputView):
            return self.view.back(raw)
        return stacked(self.view, self.image.plane, raw)

    @cached_property
    def within(self) -> NDArray[np.bool_]:
        """What the network saw of the picture."""
        cells = np.ones((1,) * self.grey.ndim, dtype=np.float32)
        return np.asarray(self.drawn(cells) > 0)

    def marked(self, name: str) -> dict[str, Marked]:
        """Reader -> what he marked of a class here."""
        found: dict[str, list[Region]] = {}
        for region in self.regions:
            if region.label == name:
                found.setdefault(region.reader, []).append(region)
        return {reader: Marked(tuple(own), self.grey.shape) for reader, own in found.items()}


def look_at(
    plan: CohortPlan,
    card: ModelCard,
    image: MedicalImage,
    truth: ImageTruth,
    prediction: Prediction,
    index: int | None,
) -> Look:
    problems: Counter[str] = Counter()
    view, maps = _maps_of(plan, image, index, problems)
    plane = image.plane
    rows, columns = plane.spacing(image.geometry)
    if index is not None:
        grey = np.asarray(image.grey(plane.picture(image.voxels, index)), dtype=np.float32)
        regions = tuple(each for each in truth.regions if each.slice == index)
        probabilities = prediction.slices[index].probabilities
        spacing: tuple[float, ...] = (rows, columns)
        single = len(prediction.slices) == 1
        there = truth.classes if single else _classes_of_slice(card, truth, regions)
    else:
        count = plane.count(image.geometry.shape)
        grey = np.stack([image.grey(plane.picture(image.voxels, k)) for k in range(count)]).astype(np.float32)
        regions = _through_slices(truth.regions, grey.shape)
        probabilities, there = prediction.case, truth.classes
        spacing = (image.geometry.spacing_mm[plane.axes[0]], rows, columns)
    correct = {} if there is None else _correct(card, probabilities, there)
    return Look(index, view, image, maps, regions, grey, spacing, correct, problems)


def _classes_of_slice(card: ModelCard, truth: ImageTruth, regions: Sequence[Region]) -> frozenset[str] | None:
    """The classes of one slice of many: those that are marked on it, as far as anybody marked slices."""
    if not truth.readers:
        return None
    names = frozenset(region.label for region in regions)
    if card.task == "multilabel":
        return names
    others = [name for name in card.classes if name != card.positive_class]
    if not names and card.positive_class and len(others) == 1:
        return frozenset(others)
    return names if len(names) == 1 else None


def _correct(card: ModelCard, probabilities: Sequence[float], there: frozenset[str]) -> dict[str, bool]:
    """Whether each class was decided as it is."""
    found = predicted(card, [probabilities], [there], [""])
    right = found.decided[0] == found.truth[0]
    return {name: bool(so) for name, so in zip(card.classes, right, strict=True)}


def predicted(
    card: ModelCard,
    probabilities: Sequence[Sequence[float]],
    truth: Sequence[frozenset[str]],
    patients: Sequence[str],
) -> Predicted:
    """Predictions of a model with their truth."""
    classes = len(card.classes)
    return Predicted(
        card.classes,
        np.array(probabilities, dtype=np.float64).reshape(-1, classes),
        np.array([[name in there for name in card.classes] for there in truth], dtype=bool).reshape(
            -1, classes
        ),
        tuple(patients),
        exclusive=card.task != "multilabel",
        positive_class=card.positive_class,
        thresholds=card.thresholds,
    )


def _through_slices(regions: Sequence[Region], shape: tuple[int, ...]) -> tuple[Region, ...]:
    """Marks on pictures as regions in three dimensions: of a reader and a class, what touches is one."""
    from scipy import ndimage  # not before it is needed: the window is there first

    masks: dict[tuple[str, str], NDArray[np.bool_]] = {}
    for region in regions:
        mask = masks.setdefault((region.label, region.reader), np.zeros(shape, dtype=bool))
        if region.mask is not None and region.mask.ndim == 3:
            mask |= region.mask
        elif region.slice is not None:
            mask[region.slice] |= region.rasterised(shape[1:])
    found = []
    for (label, reader), mask in masks.items():
        labelled, pieces = ndimage.label(mask, structure=np.ones((3, 3, 3), dtype=bool))
        each = [labelled == piece for piece in range(1, pieces + 1)] if pieces <= MOST_PIECES else [mask]
        found += [Region.of_mask(one, label=label, reader=reader) for one in each]
    return tuple(found)


def _maps_of(
    plan: CohortPlan, image: MedicalImage, index: int | None, problems: Counter[str]
) -> tuple[InputView | VolumeView, dict[MapKey, NDArray[np.float32]]]:
    """All maps of a slice or the volume: one trace for those that come of it, then the others one by one."""
    from viewer.controllers import engine

    maps: dict[MapKey, NDArray[np.float32]] = {}
    view: InputView | VolumeView | None = None
    traced = [each for each in plan.maps if EXPLAINERS[each[1]].in_atlas]
    place = 0 if index is None else index
    chosen = (plan.model, plan.device, image, place, plan.mirror, plan.crop, plan.score)
    if traced:
        request = engine.TraceRequest(
            *chosen,
            layers=tuple(dict.fromkeys(layer for layer, _ in traced)),
            targets=traced_targets(plan),
            methods=tuple(dict.fromkeys(explainer for _, explainer in traced)),
        )
        reply = engine.trace_volume(request) if index is None else engine.trace_slice(request)
        view = reply.view
        maps |= {
            (target, layer, explainer): reply.maps[target, layer, explainer]
            for target in traced_targets(plan)
            for layer, explainer in traced
        }
    for layer, explainer in plan.maps:
        if (layer, explainer) in traced:
            continue
        for target in plan.targets:
            asked = engine.ExplainRequest(
                *chosen,
                explainer,
                "" if layer == INPUT_LAYER else layer,
                target,
                plan.parameters.get(explainer, {}),
            )
            try:
                *_, found = engine.explain_steps(asked)
            except ExplainError as error:
                problems[f"{explainer} on {layer}: {error.sentence}"] += 1
                continue
            view = found.view
            maps[target, layer, explainer] = found.signed
    if view is None:
        raise ExplainError("None of the explainers has a map of this image.", code="no-map")
    return view, maps


def traced_targets(plan: CohortPlan) -> tuple[int, ...]:
    """Classes to trace: of two that exclude each other both, as their overlap is asked for too."""
    return (0, 1) if len(plan.classes) == 2 else plan.targets


def candidates(plan: CohortPlan, look: Look, target: int) -> Iterator[tuple[str, str, NDArray[np.float32]]]:
    """(explainer, layer, map on the picture) of every map of a class, and of those that know nothing of the network."""
    grids: dict[tuple[int, ...], NDArray[np.float32]] = {}
    for layer, explainer in plan.maps:
        signed = look.maps.get((target, layer, explainer))
        if signed is not None:
            yield explainer, layer, look.drawn(np.maximum(signed, 0))
    for layer in plan.layers:
        grid = next((m.shape for (t, name, _), m in look.maps.items() if (t, name) == (target, layer)), None)
        if grid is None:
            continue
        if grid not in grids:
            grids[grid] = look.drawn(random_map(grid, seed_of(plan, look)))
        yield RANDOM, layer, grids[grid]
    yield from ((name, INPUT_LAYER, map_) for name, map_ in _plain(look).items())


def _plain(look: Look) -> dict[str, NDArray[np.float32]]:
    """The blob in the middle of what the network saw, and the image's own brightness."""
    size = look.view.rule.size
    return {CENTRE: look.drawn(centred_blob(size)), BRIGHTNESS: brightness_map(look.grey)}


def seed_of(plan: CohortPlan, look: Look) -> int:
    """Of the random maps of a slice: the same in every run, another one in every image."""
    return zlib.crc32(f"{plan.seed}:{look.image.source.sha256}:{look.index}".encode())
