"""An order of ``whyslice explain``, resolved against a model and an image; what is kept and written of every map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from viewer.controllers.explain_order import (
    ExplainOrder,
    check_slice,
    chosen_classes,
    chosen_layers,
    chosen_slices,
)
from viewer.controllers.headless import applicability_json
from viewer.controllers.map_files import file_stem, grid_words, write_raw
from viewer.controllers.truth import read_truth
from viewer.evaluation.agreement import class_overlap
from viewer.explainers.declaration import EXPLAINERS, equals, resolved
from viewer.explainers.explainer_info import INPUT_LAYER
from viewer.explainers.explanation import IMPROBABLE, map_state
from viewer.explainers.map_facts import POOR_FIT
from viewer.foundation.errors import ExportError, UsageError
from viewer.foundation.progress import Progress
from viewer.foundation.provenance import provenance
from viewer.imaging.erasing import with_erasures
from viewer.imaging.image import MedicalImage
from viewer.models.applicability import Applicability, applicability
from viewer.models.card import RECOVERED, SQUASHED
from viewer.state.case import Truth
from viewer.state.may_read import MapFacts, MayRead, may_read

if TYPE_CHECKING:
    from viewer.controllers.engine import ExplainReply, ExplainRequest, LoadedModel, TraceRequest


@dataclass(frozen=True)
class OrderedMap:
    """One class, layer and explainer."""

    target: int
    class_name: str
    layer: str
    explainer: str

    @property
    def stem(self) -> str:
        return file_stem(self.class_name, self.layer, self.explainer)


@dataclass(frozen=True)
class MadeMap:
    """What is remembered of one map of a slice or a volume; its values are in the file `raw`.

    Attributes
    ----------
    both_signs : the file with evidence against the class too, where that is drawn.
    reach : largest value that is drawn, of either sign.
    """

    state: str
    raw_max: float
    probability: float
    raw: Path
    verdict: MayRead
    flags: tuple[str, ...]
    equal_to: tuple[str, ...]
    deviation: Path | None
    both_signs: Path | None = None
    reach: float = 0.0
    facts: Mapping[str, float] = field(default_factory=dict)
    segments: NDArray[np.int32] | None = None


@dataclass(frozen=True, eq=False)
class Found:
    """What a pass brought of one slice or of the volume.

    Attributes
    ----------
    maps : (class index, layer, method) -> signed map on its own grid.
    probabilities : (class,).
    flags : what was found out about the network and the map.
    mirror : whether the network was given the mirrored patient.
    deviation : standard deviation of the map over what was sampled; None where nothing was.
    facts : numbers that say how far the map can be trusted, see `viewer.explainers.map_facts`.
    segments : which part of the input each cell belongs to; None where there are none.
    """

    maps: Mapping[tuple[int, str, str], NDArray[np.float32]]
    probabilities: NDArray[np.float32]
    flags: tuple[str, ...]
    mirror: bool
    deviation: NDArray[np.float32] | None = None
    facts: Mapping[str, float] = field(default_factory=dict)
    segments: NDArray[np.int32] | None = None

    @classmethod
    def of_map(cls, each: OrderedMap, reply: ExplainReply) -> Found:
        """What an explanation on demand has come to."""
        return cls(
            {(each.target, each.layer, each.explainer): reply.signed},
            reply.probabilities,
            reply.flags,
            reply.view.mirror,
            reply.deviation,
            reply.facts,
            reply.segments,
        )


@dataclass(frozen=True)
class ExplainJob:
    """An order, resolved against a model and an image.

    Attributes
    ----------
    slices : slices to explain; none for a model of volumes.
    truth : what readers marked, where the maps are compared with it.
    """

    order: ExplainOrder
    loaded: LoadedModel
    image: MedicalImage
    fit: Applicability
    maps: tuple[OrderedMap, ...]
    slices: tuple[int, ...]
    slice_rule: str
    truth: Truth | None = None

    @property
    def count(self) -> int:
        """Number of slices in the reading plane."""
        return self.image.plane.count(self.image.geometry.shape)

    @property
    def volumes(self) -> bool:
        """Whether the model reads volumes."""
        return self.loaded.card.dims == 3


def resolved_job(image: MedicalImage, order: ExplainOrder, progress: Progress) -> ExplainJob:
    """Load the model and decide what is to be made of which slices.

    Raises
    ------
    UsageError
        Unknown layer, class or slice; nearest names are offered.
    ModelError, ExplainError, ExportError
        The sentence says what failed.
    """
    from viewer.controllers import engine

    image = with_erasures(image, order.wish.erased)
    progress.report(0, 1, "loading the model")
    loaded = engine.load(order.model, order.device)
    card = loaded.card
    if order.region is not None and card.task != "segmentation":
        raise UsageError(
            f"'{card.id}' is no segmentation network, so there is no region to choose.", code="no-region"
        )
    places = {name: _layers(order, loaded, name) for name in dict.fromkeys(order.explainers)}
    if order.targets:
        chosen_classes(card, order.targets, None)
    count, volumes = image.plane.count(image.geometry.shape), card.dims == 3
    if volumes and order.truth is not None:
        raise UsageError(
            f"The model '{card.id}' reads whole volumes: 'evaluate' compares its maps with a truth.",
            code="truth",
        )
    truth = None if order.truth is None else read_truth(order.truth, image)
    if volumes and order.slices is not None:
        raise UsageError(
            f"The model '{card.id}' reads whole volumes and explains all slices at once: leave --slice out.",
            code="no-such-slice",
        )
    if isinstance(order.slices, int):
        check_slice(order.slices, count)  # before anything is computed
    prediction = None
    if not order.targets or (order.slices is None and count > 1 and not volumes):
        prediction = engine.predict_case(
            order.model,
            order.device,
            image,
            mirror=order.wish.mirror,
            crop=order.wish.crop_rule(card),
            progress=progress,
        )
    targets = chosen_classes(card, order.targets, prediction.case if prediction else None)
    slices: tuple[int, ...] = ()
    rule = "the volume as a whole"
    if not volumes:
        slices, rule = chosen_slices(order.slices, count, card.classes[targets[0]], targets[0], prediction)
    maps = tuple(
        OrderedMap(target, card.classes[target], layer, explainer)
        for target in targets
        for explainer, layers in places.items()
        for layer in layers
    )
    stems = {each.stem.casefold(): each for each in maps}
    if len(stems) < len(maps):
        taken = next(each for each in maps if stems[each.stem.casefold()] is not each)
        raise ExportError(
            f"Two of the maps would be written to '{taken.stem}.nii.gz': ask for them one at a time.",
            code="one-name",
        )
    return ExplainJob(order, loaded, image, applicability(card, image), maps, slices, rule, truth)


def in_trace(job: ExplainJob, each: OrderedMap) -> bool:
    """Whether a trace makes a map, together with others; else it is made on demand."""
    return EXPLAINERS[each.explainer].in_atlas and job.loaded.card.task != "segmentation"


def _layers(order: ExplainOrder, loaded: LoadedModel, explainer: str) -> tuple[str, ...]:
    if not resolved(explainer, dict(order.settings)).needs_layer:
        return (INPUT_LAYER,)
    return chosen_layers(order.layers, loaded.layers, loaded.default_layer)


def both_classes(job: ExplainJob, each: OrderedMap) -> tuple[int, ...]:
    """The class and, where there are just two that exclude each other, its opponent, for the verdict."""
    card = job.loaded.card
    both = len(card.classes) == 2 and card.task != "multilabel" and in_trace(job, each)
    return (each.target, 1 - each.target) if both else (each.target,)


def trace_request(job: ExplainJob, together: Sequence[OrderedMap], index: int = 0) -> TraceRequest:
    """All that a trace makes of one slice or of the volume: one forward pass and one backward pass per class."""
    from viewer.controllers import engine

    order = job.order
    return engine.TraceRequest(
        order.model,
        order.device,
        job.image,
        index,
        order.wish.mirror,
        order.wish.crop_rule(job.loaded.card),
        order.score,
        layers=tuple(dict.fromkeys(each.layer for each in together)),
        targets=tuple(dict.fromkeys(target for each in together for target in both_classes(job, each))),
        methods=tuple(dict.fromkeys(each.explainer for each in together)),
    )


def explain_request(job: ExplainJob, each: OrderedMap, index: int = 0) -> ExplainRequest:
    """One map that is made on demand."""
    from viewer.controllers import engine

    order = job.order
    return engine.ExplainRequest(
        order.model,
        order.device,
        job.image,
        index,
        order.wish.mirror,
        order.wish.crop_rule(job.loaded.card),
        order.score,
        each.explainer,
        each.layer,
        each.target,
        order.parameters(each.explainer),
        order.region,
    )


def kept(job: ExplainJob, each: OrderedMap, found: Found, suffix: str = "") -> MadeMap:
    """Write the raw values of a map and remember the rest.

    Parameters
    ----------
    suffix : of the file's name, e.g. ``__slice-003``.
    """
    spread = None
    if found.deviation is not None:
        spread = job.order.out / f"{each.stem}{suffix}__deviation.npy"
        write_raw(spread, found.deviation)
    place = next((layer for layer in job.loaded.layers if layer.name == each.layer), None)
    equal_to = equals(each.explainer, place) if place else ()
    maps = [
        np.maximum(found.maps[target, each.layer, each.explainer], 0) for target in both_classes(job, each)
    ]
    signed = found.maps[each.target, each.layer, each.explainer]
    path = job.order.out / f"{each.stem}{suffix}.npy"
    write_raw(path, maps[0])
    both_signs = None
    if is_diverging(job, each):
        both_signs = job.order.out / f"{each.stem}{suffix}__signed.npy"
        write_raw(both_signs, signed)
    raw_max = max(0.0, float(signed.max()))
    reach = float(np.abs(signed).max()) if both_signs else raw_max
    info = resolved(each.explainer, job.order.parameters(each.explainer))
    state = map_state(signed, reference_of(job, each), shared=info.shares_score)
    probability = float(found.probabilities[each.target])
    overlap = class_overlap(*maps).value if len(maps) == 2 and all(map_.any() for map_ in maps) else None
    card, flags = job.loaded.card, found.flags
    facts = MapFacts(
        state,
        each.class_name,
        probability,
        overlap,
        found.mirror,
        equal_to=tuple(EXPLAINERS[other].title for other in equal_to),
        squashed=SQUASHED in flags,
        recovered=RECOVERED in flags and job.order.score == "logit",
        warning=warning_of(job, each),
        score=job.order.score,
        two_classes=len(card.classes) == 2 and card.task != "multilabel",
        incomplete="incomplete" in flags,
        not_finite="not-finite" in flags,
        poor_fit=POOR_FIT in flags,
        numbers=found.facts,
        whole=job.volumes,
        erased=len(job.image.erased),
    )
    improbable = ("improbable_class",) if probability < IMPROBABLE else ()
    equal = ("equal_by_construction",) if equal_to else ()
    verdict, flags = may_read(facts, job.fit), (*improbable, *equal, *flags)
    return MadeMap(
        state,
        raw_max,
        probability,
        path,
        verdict,
        flags,
        equal_to,
        spread,
        both_signs,
        reach,
        found.facts,
        found.segments,
    )


def entry_of(
    job: ExplainJob,
    each: OrderedMap,
    fact: MadeMap,
    slice_: int | None,
    nifti: Path,
    scale: tuple[float, str],
) -> dict[str, Any]:
    """An entry of the document of ``whyslice explain``; the picture lies beside the raw values."""
    return {
        "class": each.class_name,
        "slice": slice_,
        "layer": each.layer,
        "explainer": each.explainer,
        "state": fact.state,
        "raw_max": fact.raw_max,
        "raw": str(fact.raw),
        "nifti": str(nifti),
        "picture": str(fact.raw.with_suffix(".png")),
        "probability": fact.probability,
        "flags": list(fact.flags),
        "equal_to": list(fact.equal_to),
        "warning": warning_of(job, each),
        "deviation": str(fact.deviation) if fact.deviation else None,
        "signed": str(fact.both_signs) if fact.both_signs else None,
        "facts": dict(fact.facts),
        "parameters": parameters_of(job, each),
        "may_read": {"answer": fact.verdict.answer, "line": fact.verdict.line},
        "scale": scale[0],
        "scale_name": scale[1],
    }


def record_of(
    job: ExplainJob, entries: list[dict[str, Any]], flags: tuple[str, ...], **facts: Any
) -> dict[str, Any]:
    """The provenance of every map that was written."""
    files = ("raw", "nifti", "picture", "deviation", "signed")
    return job_record(
        job,
        flags=list(flags),
        spacing_by_hand_mm=job.image.spacing_by_hand,
        erased=[each.to_json() for each in job.image.erased],
        nifti_grid=grid_words(job.image),
        **facts,
        maps=[{**entry, **{key: Path(entry[key]).name for key in files if entry[key]}} for entry in entries],
    )


def job_record(job: ExplainJob, **facts: Any) -> dict[str, Any]:
    """The provenance of what came of a job: which network was asked what of which image, and what is said beside it."""
    card = job.loaded.card
    return provenance(
        model=card.id,
        weights_sha256=card.weights_sha256,
        input_sha256=job.image.source.sha256,
        device=job.loaded.device,
        score=job.order.score,
        slice_rule=job.slice_rule,
        applicability=applicability_json(job.fit),
        diagnoses=[finding.code for finding in job.image.diagnoses],
        **facts,
    )


def is_diverging(job: ExplainJob, each: OrderedMap) -> bool:
    """Whether evidence against the class is drawn too."""
    return resolved(each.explainer, job.order.parameters(each.explainer)).diverging


def scale_words(scale: tuple[float, str], *, both: bool) -> str:
    """Which raw values the colours of a picture run over."""
    return f"{-scale[0] if both else 0:.4g} to {scale[0]:.4g}, {scale[1]}"


def shown_values(fact: MadeMap) -> NDArray[np.float32]:
    """What is drawn of a map, on its own grid: both signs where both are drawn."""
    values: NDArray[np.float32] = np.load(fact.both_signs or fact.raw, allow_pickle=False)
    return values


def reference_of(job: ExplainJob, each: OrderedMap) -> float | None:
    """The card's full scale, which was measured on logits."""
    if job.order.score != "logit":
        return None
    return job.loaded.card.reference(each.layer, each.class_name, each.explainer)


def parameters_of(job: ExplainJob, each: OrderedMap) -> dict[str, Any]:
    given = job.order.parameters(each.explainer)
    return dict(resolved(each.explainer, given).checked(given))


def warning_of(job: ExplainJob, each: OrderedMap) -> str:
    return resolved(each.explainer, job.order.parameters(each.explainer)).warning
