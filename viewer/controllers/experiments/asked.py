"""One model asked about one slice, or one volume: every map made once, and drawn as a picture of a page.

Runs on the compute lane, as it keeps what the checks compare (`Subject`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from viewer.controllers.experiments.order import ExperimentOrder, class_of, refuse
from viewer.controllers.map_files import map_unit
from viewer.evaluation.agreement import class_overlap
from viewer.evaluation.checks.finding import Finding
from viewer.explainers.declaration import EXPLAINERS, resolved
from viewer.explainers.explanation import IMPROBABLE, map_state
from viewer.foundation.progress import Progress
from viewer.imaging.windows import default_window
from viewer.models.applicability import NOT_MADE_FOR_IT, Applicability, applicability
from viewer.models.card import Crop, ModelCard
from viewer.models.input_view import InputView
from viewer.reporting.page_content import PagePanel
from viewer.state.canvas_view import Background, background_of, seen_background
from viewer.state.case import Case
from viewer.state.map_view import MapView
from viewer.state.may_read import MapFacts, may_read

if TYPE_CHECKING:
    from viewer.controllers.engine import ExplainRequest
    from viewer.evaluation.checks.subject import Made, Subject

Map = NDArray[np.float32]
Scale = tuple[float, str]
"""Raw value of full colour, and what it is."""
_STATES = {
    "empty": "empty map",
    "negative_only": "only evidence against the class",
    "near_zero": "map near zero",
}


class Asked:
    """One model on one slice.

    Attributes
    ----------
    card, fit : the model, and whether it was made for the image.
    slice : None for a network of volumes.
    target : the class that is measured.
    layer : where its maps lie.
    subject : what the checks take.
    """

    def __init__(
        self,
        order: ExperimentOrder,
        progress: Progress,
        *,
        model: str = "",
        slice: int | None = None,
        target: int | None = None,
    ) -> None:
        from viewer.controllers import engine

        self.order = order
        self.model = model or order.model
        own = self.model == order.model
        progress.report(0, 0, f"loading {self.model}")
        loaded = engine.load(self.model, order.device)
        self.card: ModelCard = loaded.card
        if self.card.task == "segmentation":
            raise refuse(f"'{self.card.id}' is a segmentation network: it has no class of the whole image.")
        self.fit: Applicability = applicability(self.card, order.image)
        self.layers = loaded.layers
        self.layer = (order.layer if own else "") or loaded.default_layer
        wish = class_of(self.card, order.target if own else "") if target is None else target
        self.crop: Crop = self.card.input.crop if order.crop is None or not own else order.crop
        self.slice = None if self.card.dims == 3 else order.slice if slice is None else slice
        if self.card.dims == 2 and (self.slice is None or wish is None):
            self.slice, wish = self._peak(wish, progress)
        self.case = Case(order.image, "", synthetic=order.synthetic)
        self.window = order.look.window or default_window(order.image)
        self.subject: Subject = engine.check_subject(self._request(wish), progress)
        self.target = self.subject.target
        self.class_name = self.card.classes[self.target]
        self._progress = progress
        self._scored: dict[str, Subject] = {order.score: self.subject}

    @property
    def refusal(self) -> str:
        """Why none of it may be read, in a sentence that comes before everything else; empty where it may."""
        if self.fit.verdict != "does_not_apply":
            return ""
        return f"Do not read this: the model was not made for this image ({'; '.join(self.fit.reasons)})."

    def _request(self, target: int | None, score: str | None = None) -> ExplainRequest:
        from viewer.controllers import engine

        order = self.order
        needs = resolved(order.explainers[0], {}).needs_layer
        return engine.ExplainRequest(
            *(self.model, order.device, order.image, self.slice or 0, order.mirror, self.crop),
            score or order.score,  # type: ignore[arg-type]
            order.explainers[0],
            self.layer if needs else "",
            target,
        )

    def _peak(self, target: int | None, progress: Progress) -> tuple[int, int]:
        """The slice where the class is most probable, and the class; of the shown slice where that is given."""
        from viewer.controllers import engine

        order = self.order
        found = engine.predict_case(
            *(self.model, order.device, order.image), mirror=order.mirror, crop=self.crop, progress=progress
        )
        table = np.array([each.probabilities for each in found.slices])
        if self.slice is not None:
            return self.slice, int(table[self.slice].argmax())
        if target is None:
            target = int(np.argmax(found.case))
        return int(table[:, target].argmax()), target

    # --- what is asked -----------------------------------------------------------------------------------------------

    @property
    def whole(self) -> bool:
        """Whether the network reads volumes."""
        return self.card.dims == 3

    @property
    def explainers(self) -> tuple[str, ...]:
        """Those of the order that this network has on this layer."""
        from viewer.controllers import engine

        missing = engine.unsupported(self.model, self.order.device, self.layer)
        return tuple(name for name in self.order.explainers if name not in missing)

    @property
    def probabilities(self) -> Map:
        return self.subject.probabilities

    @property
    def opponent(self) -> int:
        """The most probable class beside the one that is measured."""
        others = [index for index in range(len(self.card.classes)) if index != self.target]
        return max(others, key=lambda index: self.probabilities[index], default=self.target)

    def made(
        self,
        explainer: str = "",
        target: int | None = None,
        *,
        mirror: bool | None = None,
        crop: Crop | None = None,
        score: str = "",
    ) -> Made:
        """A map, made once."""
        from viewer.controllers import engine

        subject = self.subject
        if score and score not in self._scored:
            self._scored[score] = engine.check_subject(self._request(self.target, score), self._progress)
        subject = self._scored.get(score, subject)
        return subject.other(
            explainer=explainer or None, target=target, mirror=mirror, crop=crop, progress=self._progress
        )

    def check(self, name: str) -> Finding:
        """One of the trust checks of the measured map."""
        from viewer.controllers import engine

        return engine.check_one(self.subject, name, self._progress)

    def overlap(self, explainer: str, score: str = "") -> float | None:
        """Of the maps of the class and its opponent; None where both are empty."""
        first = self.made(explainer, self.target, score=score)
        second = self.made(explainer, self.opponent, score=score)
        found = class_overlap(np.maximum(first.signed, 0), np.maximum(second.signed, 0))
        return found.value if found.defined else None

    # --- pictures ----------------------------------------------------------------------------------------------------

    @property
    def shown_slice(self) -> int:
        """The slice that pictures show: of a volume the one through the map's peak."""
        return self.slice if self.slice is not None else self.subject.peak or 0

    def picture(self, title: str = "", note: str = "", index: int | None = None) -> PagePanel:
        """The patient without a map."""
        return self._panel(self._patient(index), None, None, title, note)

    def seen(self, made: Made, title: str = "as the network saw it", note: str = "") -> PagePanel:
        """Exactly what the network got of the slice; of a volume the patient."""
        if not isinstance(made.view, InputView):
            return self.picture(title, note)
        background = seen_background(self.case, self.shown_slice, made.view)
        panel = self._panel(background, None, None, title, note)
        return replace(panel, content=replace(panel.content, mirrored=made.view.mirror))

    def scales(self, wanted: Sequence[tuple[str, int, Made]], score: str = "") -> dict[str, Scale]:
        """Explainer -> scale of its maps: the largest model reference where all are known, else the largest value."""
        found: dict[str, Scale] = {}
        for name in dict.fromkeys(explainer for explainer, _, _ in wanted):
            own = [(target, made) for explainer, target, made in wanted if explainer == name]
            known = [self.reference(name, target, score) for target, _ in own]
            references = [each for each in known if each]
            if len(references) == len(own):
                found[name] = (max(references), "model reference")
            else:
                most = max((float(np.abs(made.shown).max(initial=0.0)) for _, made in own), default=0.0)
                found[name] = (most or 1.0, "largest value of these maps")
        return found

    def reference(self, explainer: str, target: int, score: str = "", layer: str = "") -> float | None:
        """Full scale by the card, which was measured on logits."""
        if (score or self.order.score) != "logit":
            return None
        return self.card.reference(layer or self.layer, self.card.classes[target], explainer)

    def panel(
        self,
        made: Made,
        explainer: str,
        target: int,
        scale: Scale,
        title: str,
        *,
        note: str = "",
        score: str = "",
        index: int | None = None,
    ) -> PagePanel:
        """A map over the patient, with its probability below and what speaks against reading it."""
        drawn = made.drawn
        place = self.shown_slice if index is None else index
        flat = drawn if drawn.ndim == 2 else drawn[place]
        words = f"p {made.probability:.2f}"
        return self.drawn(
            flat,
            made.signed,
            explainer,
            target,
            scale,
            title,
            note=f"{words}\n{note}" if note else words,
            probability=made.probability,
            score=score,
            index=place,
        )

    def drawn(
        self,
        values: Map,
        signed: Map,
        explainer: str,
        target: int,
        scale: Scale,
        title: str,
        *,
        note: str,
        probability: float,
        score: str = "",
        index: int | None = None,
        layer: str = "",
    ) -> PagePanel:
        """Values on the picture, (row, column), over it.

        Parameters
        ----------
        signed : the map on its own grid, for what must be said of it.
        """
        info = EXPLAINERS[explainer]
        score = score or self.order.score
        reference = self.reference(explainer, target, score, layer)
        state = map_state(signed, reference, shared=info.shares_score)
        facts = MapFacts(state, self.card.classes[target], probability, score=score, whole=self.whole)
        found = MapView(
            *(signed, values, (0, 0, *values.shape), *scale, info.diverging, state),
            may_read(facts, self.fit),
            probability,
        )
        warned = [_STATES[state]] if state in _STATES else []
        if probability < IMPROBABLE:
            warned.append("improbable class: may be an artefact")
        panel = self._panel(self._patient(index), found, values, title, note, map_unit(info.title, score))
        return replace(panel, care="; ".join(warned))

    def _patient(self, index: int | None = None) -> Background:
        place, look = self.shown_slice if index is None else index, self.order.look
        return background_of(
            self.case, place, self.window, convention=look.convention, inverted=look.inverted
        )

    def _panel(
        self,
        background: Background,
        found: MapView | None,
        values: Map | None,
        title: str,
        note: str,
        unit: str = "",
    ) -> PagePanel:
        from viewer.controllers.slice_figures import figure_content

        content = figure_content(
            *(background, found, values, self.order.look.style),
            title="",
            unit=unit,
            facts=(),
            watermark=NOT_MADE_FOR_IT if self.fit.verdict == "does_not_apply" else "",
        )
        # Which way round the patient is shown stands once, below.
        return PagePanel(replace(content, convention=""), title, note)

    @property
    def place_words(self) -> str:
        """Where the maps lie: on a layer, or on the input."""
        needs = any(EXPLAINERS[name].needs_layer for name in self.order.explainers)
        return f"layer {self.layer}" if needs else "on the input"

    @property
    def first_words(self) -> str:
        """What is drawn where only the first explainer is."""
        return f"{EXPLAINERS[self.explainers[0]].title} of the {self.order.score}, {self.place_words}"

    # --- words -------------------------------------------------------------------------------------------------------

    def facts(
        self, scales: Mapping[str, Scale] | None = None, maps: str = "", place: str = ""
    ) -> tuple[tuple[str, str], ...]:
        """What is needed to read the page.

        Parameters
        ----------
        maps : what is drawn, where that is not the order's explainers on one layer.
        place : what of the image is shown, where that is not the slice.
        """
        order, plane = self.order, self.case.plane
        if not place and self.slice is None:
            place = "the volume as a whole"
        elif not place and self.slice is not None:
            place = f"{plane.name} slice {self.slice + 1} of {self.case.slices}"
        place += "".join(f"; {note.lower()}" for note in self._patient().notes)
        known = "".join(f"; {name} {value}" for name, value in order.facts)
        crop = f"crop: {self.crop}{', given to the network mirrored' if order.mirror else ''}"
        names = ", ".join(EXPLAINERS[name].title for name in order.explainers)
        drawn = maps or f"{names} of the {order.score}, {self.place_words}"
        lines = [
            ("model", f"{self.card.id}: {self.fit.sentence}"),
            (
                "image",
                f"{'synthetic patient, ' if order.synthetic else ''}{place}{known}",
            ),
            ("maps", f"{drawn}; {crop}"),
        ]
        if scales:
            words = "; ".join(
                f"{EXPLAINERS[name].title} {value:.3g} ({label})" for name, (value, label) in scales.items()
            )
            words += f"; drawn from {order.look.style.threshold:.0%} of it"
            lines.append(("full colour", words))
        return tuple(lines)
