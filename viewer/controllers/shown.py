"""What is on screen, frozen for saving: a slice with everything that is said of it, or the maps of the series.

Pure functions from the state to plain values, called in the thread that owns the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from viewer.controllers.findings_facts import findings_record, findings_words
from viewer.controllers.map_files import file_stem, grid_words, map_unit, view_facts
from viewer.evaluation.regions import Region
from viewer.evaluation.score import Score
from viewer.explainers.explainer_info import Value
from viewer.foundation.errors import ExportError
from viewer.foundation.provenance import provenance
from viewer.imaging.image import MedicalImage
from viewer.models.applicability import NOT_MADE_FOR_IT
from viewer.models.input_view import InputView
from viewer.models.volume_cut import VolumeCut
from viewer.state.boxes_view import BoxesView, boxes_view, map_boxes, paled
from viewer.state.canvas_view import CanvasView, canvas_view, shown_findings
from viewer.state.findings_view import FindingsView
from viewer.state.map_view import (
    MapView,
    Picture,
    is_difference,
    is_diverging,
    map_view,
    opponent,
    shown_map,
    shown_numbers,
    signed_map,
)
from viewer.state.method import Method, method_of
from viewer.state.panel_views import PredictionView, prediction_view
from viewer.state.planes_view import PlanesPresenter, PlanesView
from viewer.state.rulers import RulerMark, ruler_marks
from viewer.state.series_reading import SeriesReading
from viewer.state.session import DIFFERENCE, Session
from viewer.state.volume_reading import VolumeReading
from viewer.state.volume_words import WHOLE

_SCORE_WORDS = {
    "dice": "Dice",
    "peak-distance": "distance of the peak",
    "iou-best": "IoU (best box)",
    "iobb-best": "IoBB (best box)",
    "energy-inside": "energy inside",
    "pointing": "pointing game",
}


@dataclass(frozen=True, eq=False)
class ShownSlice:
    """The slice on screen as it was when it was saved.

    Attributes
    ----------
    record : the provenance.
    planes : the three planes through the place, of a network of volumes.
    """

    title: str
    canvas: CanvasView
    found: MapView
    unit: str
    watermark: str
    facts: tuple[tuple[str, str], ...]
    mirrored: bool
    regions: tuple[Region, ...]
    distances: tuple[RulerMark, ...]
    record: dict[str, Any]
    planes: PlanesView | None = None


@dataclass(frozen=True, eq=False)
class ShownMaps:
    """The chosen map of every slice that was traced when it was saved.

    Attributes
    ----------
    maps : slice -> (way back to the picture, map on its own grid).
    """

    stem: str
    image: MedicalImage
    maps: dict[int, tuple[InputView | VolumeCut, Picture]]
    record: dict[str, Any]


def shown_slice(session: Session) -> ShownSlice:
    """What a figure of the shown slice needs.

    Raises
    ------
    ExportError
        When there is no map on the slice yet.
    """
    reading = session.reading
    found = map_view(session, reading, session.view.slice)
    findings = shown_findings(session)
    canvas = canvas_view(session, found, findings=findings)
    if found is None or canvas is None or reading is None:
        raise _nothing_yet()
    planes = PlanesPresenter(session).view(found) if reading.whole else None
    assert session.case is not None
    assert session.model is not None
    assert session.judgement is not None
    prediction = prediction_view(session)
    boxes = boxes_view(session, found, map_boxes(session, found))
    boxes = None if boxes is None else paled(boxes, found, session.overlay.threshold)
    distances = _distances(session)
    choice, method = session.choice, method_of(session)
    title = f"deviation of {method.info.title}" if method.deviation else method.info.title
    fit = session.judgement.applicability
    marks = [NOT_MADE_FOR_IT] if fit.verdict == "does_not_apply" else []
    marks += ["SYNTHETIC PATIENT"] if session.case.synthetic else []
    facts = (
        *_prediction_facts(prediction),
        ("model", f"{session.model.card.id}: {fit.sentence}"),
        ("map", f"{title} of the {choice.score}, {_shown_words(session, findings)}, {_layer_words(method)}"),
        *_parameter_facts(method),
        *([("steady", "; ".join(prediction.steady))] if prediction and prediction.steady else []),
        ("scale", _scale_words(session, found, findings)),
        ("input", _input_words(session)),
        ("image", ", ".join(fact for fact in canvas.facts if not fact.startswith(method.words))),
        *([("display", ", ".join(canvas.background.notes))] if canvas.background.notes else []),
        *(
            [("planes", "through " + ", ".join(_at(name, words) for name, words in planes.where[:2]))]
            if planes
            else []
        ),
        *_box_facts(boxes),
        *([("distances", ", ".join(mark.text for mark in distances))] if distances else []),
    )
    record = {
        **record_of_map(session),
        "slice": session.view.slice,
        **(
            volume_facts(session)
            if reading.whole
            else {
                "against": _against(session, session.view.slice),
                "input": view_facts(reading.views[session.view.slice]),
            }
        ),
        "probability": found.probability,
        "state": found.state,
        "raw_max": float(found.raw.max(initial=0.0)),
        "scale": found.scale,
        "scale_name": found.scale_label,
        "may_read": (findings.verdict if findings else found.may_read).line,
        **({"findings": findings_record(findings)} if findings else {}),
        "facts": dict(shown_numbers(session, reading, session.view.slice)),
        "display": {
            "opacity": session.overlay.opacity,
            "threshold": session.overlay.threshold,
            "colour_map": session.overlay.colour_map,
            "true_grid": session.overlay.true_grid,
            "boundaries": canvas.boundaries is not None,
            "window": [session.view.window.low, session.view.window.high],
            "seen_by_the_network": session.view.seen,
            "convention": "neurological" if canvas.background.flipped else "radiological",
            "grey_inverted": session.view.inverted,
        },
        "boxes": [_box_record(mark.region, mark.kind) for mark in boxes.marks] if boxes else [],
        "boxes_rule": boxes.rule if boxes else "",
    }
    return ShownSlice(
        title=f"{session.case.title}: {_shown_words(session, findings)}, {title}, {method.layer}",
        canvas=canvas,
        found=found,
        unit=map_unit(title, choice.score, difference=is_difference(session)),
        watermark="\n".join(marks),
        facts=facts,
        mirrored=session.view.seen and choice.mirror,
        regions=()
        if session.view.seen
        else (*_regions(boxes, choice.target if findings else ""), *_erased(session)),
        distances=distances,
        record=provenance(**record),
        planes=planes,
    )


def shown_maps(session: Session) -> ShownMaps:
    """The chosen map of every traced slice.

    Raises
    ------
    ExportError
        When no slice is traced yet.
    """
    reading, case, model = session.reading, session.case, session.model
    if reading is None or case is None or model is None or not reading.filled:
        raise _nothing_yet()
    maps: dict[int, tuple[InputView | VolumeCut, Picture]] = {}
    whole = _shown_of(session, reading, session.view.slice) if reading.whole else None
    for index in sorted(reading.filled):
        shown = whole if reading.whole else _shown_of(session, reading, index)
        if shown is not None:
            maps[index] = (reading.views[index], shown)
    if not maps:
        raise _nothing_yet()
    variant = reading.variant
    method = method_of(session)
    words = [session.choice.target, method.layer, method.info.name]
    words += [f"{name}={value}" for name, value in _unusual(method).items()]
    words += ["deviation"] if method.deviation else []
    words += [variant.score] if variant.score != "logit" else []
    words += [f"region-{variant.region}"] if variant.region != "all" else []
    words += ["mirrored"] if variant.mirror else []
    words += [f"crop-{variant.crop}"] if variant.crop != model.card.input.crop else []
    words += ["erased"] if variant.erased else []
    record = provenance(
        **record_of_map(session),
        slice_count=case.slices,
        explained_slices=list(maps),
        unexplained_slices=[index for index in range(case.slices) if index not in maps],
        values="after ReLU, not normalised" if not is_diverging(session) else "signed, not normalised",
        interpolation="linear between the centres of the map's cells",
        nifti_grid=grid_words(case.image),
        **(volume_facts(session) if reading.whole else _facts_of_slices(session, maps)),
    )
    return ShownMaps(file_stem(*words), case.image, maps, record)


def _at(name: str, words: str) -> str:
    return words if name == "patient, mm" else f"{name} {words}"


def _shown_of(session: Session, reading: SeriesReading, index: int) -> Picture | None:
    signed = signed_map(session, reading, index, session.choice.layer)
    return None if signed is None else shown_map(session, signed)


def _facts_of_slices(
    session: Session, maps: Mapping[int, tuple[InputView | VolumeCut, Picture]]
) -> dict[str, Any]:
    return {
        "against": {str(index): _against(session, index) for index in maps},
        "input": {str(index): view_facts(view) for index, (view, _) in maps.items()},
        "probabilities": {str(index): [float(p) for p in _probabilities(session, index)] for index in maps},
    }


def volume_facts(session: Session) -> dict[str, Any]:
    """Of one map of the whole volume: how it became the input, and its one probability per class."""
    reading, index = session.reading, session.view.slice
    assert isinstance(reading, VolumeReading)
    assert reading.view is not None
    return {
        "against": _against(session, index),
        "input": view_facts(reading.view),
        "reading_order": {"axes": list(reading.view.order.axes), "flips": list(reading.view.order.flips)},
        "probabilities": [float(p) for p in _probabilities(session, index)],
        "probability_of": WHOLE,
    }


def _layer_words(method: Method) -> str:
    return f"layer {method.layer}" if method.info.needs_layer else "on the input"


def _parameter_facts(method: Method) -> tuple[tuple[str, str], ...]:
    said = ", ".join(f"{name} {value}" for name, value in method.parameters.items())
    return (("parameters", said),) if said else ()


def _unusual(method: Method) -> dict[str, Value]:
    """Parameters that differ from their defaults."""
    usual = {parameter.name: parameter.default for parameter in method.info.parameters}
    return {name: value for name, value in method.parameters.items() if usual.get(name) != value}


def _nothing_yet() -> ExportError:
    return ExportError(
        "There is no map to save yet.", code="no-map", action="Wait until the slice is explained."
    )


def _probabilities(session: Session, index: int) -> Any:
    assert session.reading is not None
    row = session.reading.atlas.probabilities(index)
    return () if row is None else row


def record_of_map(session: Session) -> dict[str, Any]:
    """What a figure and a volume have in common."""
    assert session.case is not None
    assert session.model is not None
    card, choice, image = session.model.card, session.choice, session.case.image
    judgement, method = session.judgement, method_of(session)
    made = {
        f"{place.slice}, {card.classes[place.target]}": rounds
        for place, rounds in (session.reading.rounds if session.reading else {}).items()
        if (place.layer, place.key) == (method.layer, method.key)
    }
    return {
        "model": card.id,
        "weights_sha256": card.weights_sha256,
        "device": session.model.device,
        "input_sha256": image.source.sha256,
        "explainer": choice.explainer,
        "parameters": dict(method.parameters),
        "deviation": method.deviation,
        "region": choice.region,
        "rounds": {where: [rounds.done, rounds.total] for where, rounds in made.items()},
        "facts_of": {where: dict(rounds.facts) for where, rounds in made.items() if rounds.facts},
        "layer": method.layer,
        "class": choice.target,
        "score": choice.score,
        "mirror": choice.mirror,
        "crop": choice.crop,
        "erased": [each.to_json() for each in choice.erased],
        "plane": image.plane.name,
        "applicability": {
            "verdict": judgement.applicability.verdict if judgement else "",
            "reasons": list(judgement.applicability.reasons) if judgement else [],
        },
        "diagnoses": [finding.code for finding in image.diagnoses],
        "spacing_by_hand_mm": image.spacing_by_hand,
        "synthetic": session.case.synthetic,
    }


def _prediction_facts(prediction: PredictionView | None) -> tuple[tuple[str, str], ...]:
    if prediction is None:
        return ()
    bars = [f"{bar.name} {bar.probability:.3f}" for bar in prediction.bars if bar.probability is not None]
    facts = [("prediction", f"{', '.join(bars)} ({prediction.subject})")]
    return (*facts, ("", prediction.case_line)) if prediction.case_line else tuple(facts)


def _class_words(session: Session) -> str:
    """The explained class; of a difference, which from which on the shown slice."""
    against, model, target = _against(session, session.view.slice), session.model, session.target_index
    if not against or model is None or target is None:
        return session.choice.target
    return f"{model.card.classes[target]} minus {against}"


def _against(session: Session, index: int) -> str:
    """Of a difference, the class whose map was taken away on that slice; empty for the map of one class."""
    model, reading, target = session.model, session.reading, session.target_index
    if session.choice.target != DIFFERENCE or model is None or reading is None or target is None:
        return ""
    other = opponent(model, reading, index, target)
    return model.card.classes[other] if other is not None else ""


def _shown_words(session: Session, findings: FindingsView | None) -> str:
    """The explained class, or how many findings are shown together."""
    return _class_words(session) if findings is None else findings_words(findings)


def _scale_words(session: Session, found: MapView, findings: FindingsView | None) -> str:
    """What is full colour; each of several findings has a scale of its own, which the legend says."""
    full = (
        f"{found.scale:.4g} is full colour ({found.scale_label})"
        if findings is None
        else "each finding has its own, see the legend"
    )
    return f"{full}; {_threshold_words(session)}"


def _threshold_words(session: Session) -> str:
    return f"shown from {session.overlay.threshold:.0%} of the scale"


def _input_words(session: Session) -> str:
    mirrored = ", given to the network mirrored" if session.choice.mirror else ""
    erased = [each.words for each in session.choice.erased if each.on(session.view.slice)]
    taken_out = f", erased: {'; '.join(erased)}" if erased else ""
    return f"crop: {session.choice.crop}{mirrored}{taken_out}"


def _box_facts(boxes: BoxesView | None) -> tuple[tuple[str, str], ...]:
    facts = []
    for row in boxes.rows if boxes else ():
        if row.scores:
            scores = ", ".join(
                f"{_SCORE_WORDS[score.name]} {_value(score) if score.defined else 'not defined'}"
                for score in row.scores
            )
            who = "you" if row.mark.kind == "drawn" else row.mark.region.reader
            facts.append((row.mark.region.label, f"{who}: {scores}" if who else scores))
    return (*facts, ("boxes", boxes.rule)) if boxes and facts else ()


def _value(score: Score) -> str:
    """A score with its unit, if it has one."""
    return f"{score.value:.2f} mm" if "mm from" in score.rule else f"{score.value:.2f}"


def _distances(session: Session) -> tuple[RulerMark, ...]:
    """What has been measured on the shown slice; it lies on the patient, not on what the network saw."""
    case, view = session.case, session.view
    if case is None or view.seen:
        return ()
    return ruler_marks(session.rulers, case.image, case.plane, view.slice)


def _box_record(region: Region, kind: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "label": region.label,
        "reader": region.reader,
        "picture_edges": [region.row_min, region.column_min, region.row_max, region.column_max],
    }


def _erased(session: Session) -> tuple[Region, ...]:
    """What was taken out of the shown slice before the network saw it."""
    from viewer.controllers.slice_figures import erased_regions

    return erased_regions(session.choice.erased, session.view.slice)


def _regions(boxes: BoxesView | None, mapped: str) -> tuple[Region, ...]:
    """The boxes on the slice, each under the name of whoever drew it.

    Those of the map need no words, unless several maps are drawn: then they are of the class `mapped`.
    """
    regions = []
    for mark in boxes.marks if boxes else ():
        if mark.kind == "map":
            regions.append(replace(mark.region, reader="map, pale" if mark.pale else "map", label=mapped))
        else:
            regions.append(replace(mark.region, reader="you") if mark.kind == "drawn" else mark.region)
    return tuple(regions)
