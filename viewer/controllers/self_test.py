"""Whether this installation works: every plugin, every bundled model, and an explanation of the demo case by each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from viewer.controllers.headless import predict_image
from viewer.explainers.declaration import EXPLAINERS
from viewer.explainers.explanation import map_state
from viewer.foundation import paths
from viewer.foundation.errors import ReadError, WhySliceError, one_sentence
from viewer.foundation.progress import SILENT, Progress
from viewer.imaging.image import MedicalImage
from viewer.imaging.reading import read_image
from viewer.models.applicability import applicability
from viewer.models.card import ModelCard
from viewer.models.shelf import model_cards
from viewer.plugin_host import host


@dataclass(frozen=True)
class Check:
    """One thing that works or does not.

    Attributes
    ----------
    name : ``plugin stroke_dwi``, ``model stroke-gap``...
    sentence : what was seen.
    """

    name: str
    ok: bool
    sentence: str


def self_test(device: str = "auto", progress: Progress = SILENT) -> list[Check]:
    """Try everything that came with the program; a failure is a line, never an exception."""
    progress.report(0, 1, "loading plugins")
    checks = [
        Check(f"plugin {state.name}", state.status == "loaded", state.sentence or state.title)
        for state in host.activate()
        if state.bundled
    ]
    demos: list[MedicalImage] = []

    def open_demos() -> str:
        folders = sorted(path for path in (paths.resources() / "demo").iterdir() if path.is_dir())
        demos.extend(read_image(_image_of(folder)) for folder in folders)
        slices = " and ".join(str(demo.plane.count(demo.geometry.shape)) for demo in demos)
        return f"the demo cases have {slices} slices"

    checks.append(_tried("demo", open_demos))
    bundled = [card for card in model_cards()[0] if card.folder and paths.resources() in card.folder.parents]
    if not bundled:
        checks.append(Check("models", False, "There is no bundled model."))
    for number, card in enumerate(bundled):
        progress.report(number, len(bundled), f"trying {card.id}")
        checks.append(_tried(f"model {card.id}", lambda card=card: _explained(card, demos, device)))  # type: ignore[misc]
    return checks


def _image_of(folder: Path) -> Path:
    return next(path for path in sorted(folder.glob("image.*")) if path.suffix in (".gz", ".dcm"))


def _tried(name: str, attempt: Callable[[], str]) -> Check:
    try:
        return Check(name, True, attempt())
    except Exception as error:  # noqa: BLE001 whatever is broken, the other checks still say something
        return Check(name, False, one_sentence(error))


def _explained(card: ModelCard, demos: list[MedicalImage], device: str) -> str:
    """Predict the demo case that it was made for and explain it at the default layer, every way.

    Of a network of slices that is the slice where the class is most probable.
    """
    from viewer.controllers import engine

    loaded = engine.load(card.id, device)
    if card.parameters and loaded.parameters != card.parameters:
        raise WhySliceError(
            f"The model '{card.id}' has {loaded.parameters:,} parameters and its card says {card.parameters:,}."
        )
    demo = next((each for each in demos if applicability(card, each).fits), None)
    if demo is None:
        raise ReadError("There is no demo case that it was made for.")
    prediction = predict_image(demo, card.id, device=device, progress=SILENT).prediction
    target = (
        card.classes.index(card.positive_class) if card.positive_class else int(np.argmax(prediction.case))
    )
    peak = max(prediction.slices, key=lambda each: each.probabilities[target], default=None)
    request = engine.TraceRequest(
        card.id,
        device,
        demo,
        peak.index if peak else 0,
        False,
        card.input.crop,
        "logit",
        layers=(loaded.default_layer,),
        targets=(target,),
    )
    reply = engine.trace_slice(request) if peak else engine.trace_volume(request)
    name = card.classes[target]
    explainers = [each for each, info in EXPLAINERS.items() if info.in_atlas]
    for explainer in explainers:
        signed = reply.maps[target, loaded.default_layer, explainer]
        reference = card.reference(loaded.default_layer, name, explainer)
        state = map_state(signed, reference, shared=EXPLAINERS[explainer].shares_score)
        if state != "ok":
            raise WhySliceError(
                f"The {explainer} map of '{card.id}' on the demo case is {state.replace('_', ' ')}."
            )
    said = (
        f"{peak.probabilities[target]:.2f} on slice {peak.index}"
        if peak
        else f"{prediction.case[target]:.2f}"
    )
    return (
        f"{loaded.parameters:,} parameters on {loaded.device}; {name} {said} of the demo case, explained by "
        f"{', '.join(explainers)}"
    )
