"""Saving what is on screen: the figure of a slice, the maps of the series, each with its provenance.

What is saved is gathered at once from the state and is frozen; drawing and writing go on behind the window, so a user
who scrolls on still gets the slice that was shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from viewer.controllers.map_files import file_stem, map_unit, view_facts, write_map
from viewer.evaluation.regions import Region
from viewer.explainers.declaration import EXPLAINERS
from viewer.foundation.errors import Cancelled, ExportError, one_sentence
from viewer.foundation.job_runner import JobRunner
from viewer.foundation.log import logger
from viewer.foundation.progress import Progress
from viewer.foundation.provenance import provenance, write_provenance
from viewer.imaging.image import MedicalImage
from viewer.models.input_view import InputView
from viewer.state.boxes_view import BoxesView, boxes_view, map_boxes
from viewer.state.canvas_view import CanvasView, canvas_view
from viewer.state.map_view import MapView, Picture, map_view, opponent, shown_map, signed_map
from viewer.state.panel_views import PredictionView, prediction_view
from viewer.state.session import DIFFERENCE, Notice, Session

_NOT_MADE_FOR = "MODEL NOT MADE FOR THIS IMAGE"
_SCORE_WORDS = {
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
    """

    title: str
    canvas: CanvasView
    found: MapView
    unit: str
    watermark: str
    facts: tuple[tuple[str, str], ...]
    mirrored: bool
    regions: tuple[Region, ...]
    record: dict[str, Any]


@dataclass(frozen=True, eq=False)
class ShownMaps:
    """The chosen map of every slice that was traced when it was saved.

    Attributes
    ----------
    maps : slice -> (way back to the picture, map on its own grid).
    """

    stem: str
    image: MedicalImage
    maps: dict[int, tuple[InputView, Picture]]
    record: dict[str, Any]


class Exporting:
    """Verbs that write files. Success and failure are notices of the session."""

    def __init__(self, session: Session, runner: JobRunner) -> None:
        self._session = session
        self._runner = runner

    def save_figure(self, path: Path | str) -> None:
        """Save the shown slice with its map as a PNG, and beside it ``<stem>.provenance.json``."""
        path = Path(path)
        path = path if path.suffix else path.with_suffix(".png")
        try:
            shown = shown_slice(self._session)
        except ExportError as error:
            self._tell(error)
            return
        self._submit(lambda _: write_figure(path, shown), f"Saved '{path.name}'.")

    def save_maps(self, folder: Path | str) -> None:
        """Save the chosen map of all traced slices as one NIfTI in patient space, with its provenance."""
        folder = Path(folder)
        try:
            shown = shown_maps(self._session)
        except ExportError as error:
            self._tell(error)
            return
        missing = len(shown.record["unexplained_slices"])
        left = f" {missing} slices are not explained yet and are zero." if missing else ""
        self._submit(lambda _: write_maps(folder, shown), f"Saved '{shown.stem}.nii.gz'.{left}")

    def _submit(self, work: Callable[[Progress], None], success: str) -> None:
        def done(_: None) -> None:
            self._session.notice = Notice(success, severity="note")

        def failed(error: Exception) -> None:
            if not isinstance(error, Cancelled):
                logger.warning("not saved: %s", getattr(error, "code", type(error).__name__))
                self._tell(error)

        self._runner.submit("read", work, done=done, failed=failed)

    def _tell(self, error: Exception) -> None:
        self._session.notice = Notice(one_sentence(error), getattr(error, "action", ""))


# --- in the thread of the state ---


def shown_slice(session: Session) -> ShownSlice:
    """What a figure of the shown slice needs.

    Raises
    ------
    ExportError
        When there is no map on the slice yet.
    """
    found = map_view(session, session.reading, session.view.slice)
    canvas = canvas_view(session, found)
    if found is None or canvas is None:
        raise _nothing_yet()
    assert session.case is not None
    assert session.model is not None
    assert session.judgement is not None
    prediction = prediction_view(session)
    boxes = boxes_view(session, found, map_boxes(session, found))
    choice, title = session.choice, EXPLAINERS.find(session.choice.explainer).title
    fit = session.judgement.applicability
    marks = [_NOT_MADE_FOR] if fit.verdict == "does_not_apply" else []
    marks += ["SYNTHETIC PATIENT"] if session.case.synthetic else []
    facts = (
        *_prediction_facts(prediction),
        ("model", f"{session.model.card.id}: {fit.sentence}"),
        ("map", f"{title} of the {choice.score}, {_class_words(session)}, layer {choice.layer}"),
        ("scale", f"{found.scale:.4g} is full colour ({found.scale_label}); {_threshold_words(session)}"),
        ("input", _input_words(session)),
        ("image", ", ".join(fact for fact in canvas.facts if not fact.startswith(choice.explainer))),
        *_box_facts(boxes),
    )
    record = {
        **_record(session),
        "slice": session.view.slice,
        "input": view_facts(session.reading.views[session.view.slice]) if session.reading else {},
        "probability": found.probability,
        "state": found.state,
        "raw_max": float(found.raw.max(initial=0.0)),
        "scale": found.scale,
        "scale_name": found.scale_label,
        "may_read": found.may_read.line,
        "display": {
            "opacity": session.overlay.opacity,
            "threshold": session.overlay.threshold,
            "colour_map": session.overlay.colour_map,
            "true_grid": session.overlay.true_grid,
            "window": [session.view.window.low, session.view.window.high],
            "seen_by_the_network": session.view.seen,
        },
        "boxes": [_box_record(mark.region, mark.kind) for mark in boxes.marks] if boxes else [],
        "boxes_rule": boxes.rule if boxes else "",
    }
    return ShownSlice(
        title=f"{session.case.title}: {_class_words(session)}, {title}, {choice.layer}",
        canvas=canvas,
        found=found,
        unit=map_unit(title, choice.score, diverging=found.diverging),
        watermark="\n".join(marks),
        facts=facts,
        mirrored=session.view.seen and choice.mirror,
        regions=() if session.view.seen else _regions(boxes),
        record=provenance(**record),
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
    maps: dict[int, tuple[InputView, Picture]] = {}
    for index in sorted(reading.filled):
        signed = signed_map(session, reading, index, session.choice.layer)
        if signed is not None:
            maps[index] = (reading.views[index], shown_map(session, signed))
    if not maps:
        raise _nothing_yet()
    variant = reading.variant
    words = [session.choice.target, session.choice.layer, session.choice.explainer]
    words += ["mirrored"] if variant.mirror else []
    words += [f"crop-{variant.crop}"] if variant.crop != model.card.input.crop else []
    record = provenance(
        **_record(session),
        slice_count=case.slices,
        explained_slices=list(maps),
        unexplained_slices=[index for index in range(case.slices) if index not in maps],
        values="after ReLU, not normalised"
        if session.choice.target != DIFFERENCE
        else "signed, not normalised",
        interpolation="linear between the centres of the map's cells",
        input={str(index): view_facts(view) for index, (view, _) in maps.items()},
        probabilities={str(index): [float(p) for p in _probabilities(session, index)] for index in maps},
    )
    return ShownMaps(file_stem(*words), case.image, maps, record)


def _nothing_yet() -> ExportError:
    return ExportError(
        "There is no map to save yet.", code="no-map", action="Wait until the slice is explained."
    )


def _probabilities(session: Session, index: int) -> Any:
    assert session.reading is not None
    row = session.reading.atlas.probabilities(index)
    return () if row is None else row


def _record(session: Session) -> dict[str, Any]:
    """What a figure and a volume have in common."""
    assert session.case is not None
    assert session.model is not None
    card, choice, image = session.model.card, session.choice, session.case.image
    judgement = session.judgement
    return {
        "model": card.id,
        "weights_sha256": card.weights_sha256,
        "device": session.model.device,
        "input_sha256": image.source.sha256,
        "explainer": choice.explainer,
        "layer": choice.layer,
        "class": choice.target,
        "score": choice.score,
        "mirror": choice.mirror,
        "crop": choice.crop,
        "plane": image.plane.name,
        "applicability": {
            "verdict": judgement.applicability.verdict if judgement else "",
            "reasons": list(judgement.applicability.reasons) if judgement else [],
        },
        "diagnoses": [finding.code for finding in image.diagnoses],
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
    model, reading, target = session.model, session.reading, session.target_index
    if session.choice.target != DIFFERENCE or model is None or reading is None or target is None:
        return session.choice.target
    other = opponent(model, reading, session.view.slice, target)
    classes = model.card.classes
    return f"{classes[target]} minus {classes[other]}" if other is not None else classes[target]


def _threshold_words(session: Session) -> str:
    return f"shown from {session.overlay.threshold:.0%} of the scale"


def _input_words(session: Session) -> str:
    mirrored = ", given to the network mirrored" if session.choice.mirror else ""
    return f"crop: {session.choice.crop}{mirrored}"


def _box_facts(boxes: BoxesView | None) -> tuple[tuple[str, str], ...]:
    facts = []
    for row in boxes.rows if boxes else ():
        if row.scores:
            scores = ", ".join(
                f"{_SCORE_WORDS[score.name]} {f'{score.value:.2f}' if score.defined else 'not defined'}"
                for score in row.scores
            )
            facts.append((row.mark.region.label, scores))
    return (*facts, ("boxes", boxes.rule)) if boxes and facts else ()


def _box_record(region: Region, kind: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "label": region.label,
        "reader": region.reader,
        "picture_edges": [region.row_min, region.column_min, region.row_max, region.column_max],
    }


def _regions(boxes: BoxesView | None) -> tuple[Region, ...]:
    """The boxes on the slice, each under the name of whoever drew it; those of the map need no words."""
    regions = []
    for mark in boxes.marks if boxes else ():
        if mark.kind == "map":
            regions.append(replace(mark.region, reader="map", label=""))
        else:
            regions.append(replace(mark.region, reader="you") if mark.kind == "drawn" else mark.region)
    return tuple(regions)


# --- behind the window ---


def write_figure(path: Path, shown: ShownSlice) -> None:
    """Draw a figure and write it with its provenance.

    Raises
    ------
    ExportError
        When it cannot be written.
    """
    from viewer.controllers.slice_figures import figure_content
    from viewer.reporting.figure import save_figure

    content = figure_content(
        shown.canvas.background,
        shown.found,
        shown.canvas.values,
        shown.canvas.style,
        title=shown.title,
        unit=shown.unit,
        facts=shown.facts,
        regions=shown.regions,
        watermark=shown.watermark,
        mirrored=shown.mirrored,
    )
    save_figure(path, content)
    write_provenance(path.with_name(f"{path.stem}.provenance.json"), shown.record)


def write_maps(folder: Path, shown: ShownMaps) -> None:
    """Write the volume of a map and its provenance.

    Raises
    ------
    ExportError
        When the folder is not there or cannot be written to.
    """
    if not folder.is_dir():
        raise ExportError(f"There is no folder '{folder.name}'.", code="no-folder")
    pictures = {index: view.back(raw) for index, (view, raw) in shown.maps.items()}
    write_map(folder / f"{shown.stem}.nii.gz", shown.image, pictures)
    write_provenance(folder / f"{shown.stem}.provenance.json", shown.record)
