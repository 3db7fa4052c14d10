"""Why: which model, explainer, class, layer and input. The maps themselves are made behind it, see `filling`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from viewer.controllers.filling import Filling
from viewer.explainers.declaration import EXPLAINERS
from viewer.explainers.layer_info import LayerInfo
from viewer.foundation.errors import Cancelled, ExplainError, UsageError, one_sentence
from viewer.foundation.job_runner import JobHandle, JobRunner
from viewer.foundation.progress import Progress
from viewer.foundation.registry import nearest
from viewer.models.applicability import applicability
from viewer.models.card import Crop
from viewer.models.shelf import model_cards
from viewer.state.case import Judgement
from viewer.state.session import DIFFERENCE, ModelFacts, Notice, Session, Work

if TYPE_CHECKING:
    from viewer.controllers.engine import LoadedModel


class Explaining:
    """Verbs that decide what is explained."""

    def __init__(self, session: Session, runner: JobRunner) -> None:
        self._session = session
        self._runner = runner
        self._filling = Filling(session, runner)
        self._loading: JobHandle | None = None
        session.models = model_cards()[0]

    # --- what is explained -------------------------------------------------------------------------------------------

    def select_model(self, model_id: str) -> None:
        """Use a model for the opened case. Loading goes on behind the window."""
        session = self._session
        if self._loading is not None:
            self._loading.cancel()
        self._filling.stop()
        session.model_id = model_id
        session.model = session.judgement = session.reading = session.plain = None
        session.work = Work(f"loading {model_id}", started=time.monotonic())
        device = session.device

        def work(_: Progress) -> LoadedModel:
            from viewer.controllers import engine

            return engine.load(model_id, device)

        def done(loaded: LoadedModel) -> None:
            if session.model_id == model_id:
                self._loaded(loaded)

        def failed(error: Exception) -> None:
            if session.model_id == model_id and not isinstance(error, Cancelled):
                session.work, session.model_id = None, ""
                session.notice = Notice(one_sentence(error), getattr(error, "action", ""))

        self._loading = self._runner.submit("compute", work, done=done, failed=failed)

    def select_device(self, device: str) -> None:
        """``auto``, ``cpu``, ``cuda`` or ``mps``."""
        self._session.device = device
        self._filling.forget()  # what another device made must not stand under the name of this one
        if self._session.model_id:
            self.select_model(self._session.model_id)

    def confirm_applicability(self) -> None:
        """The user has read why the model does not apply and wants its answer all the same."""
        session = self._session
        if session.judgement is not None:
            session.judgement = Judgement(session.judgement.applicability, confirmed=True)
            self._filling.restart()

    def select_explainer(self, name: str) -> None:
        EXPLAINERS.find(name)
        self._session.choice.explainer = name

    def step_explainer(self, steps: int) -> None:
        names = [name for name, info in EXPLAINERS.items() if info.in_atlas]
        self._session.choice.explainer = names[
            (names.index(self._session.choice.explainer) + steps) % len(names)
        ]

    def select_target(self, name: str) -> None:
        """Explain a class, or the difference between it and its opponent."""
        names = self.targets()
        if name not in names:
            raise UsageError(f"There is no class '{name}'{nearest(name, names)}.", code="no-such-class")
        self._session.choice.target = name

    def step_target(self, steps: int = 1) -> None:
        if names := self.targets():
            current = self._session.choice.target
            self._session.choice.target = names[
                (names.index(current) + steps) % len(names) if current in names else 0
            ]

    def targets(self) -> list[str]:
        """The classes of the model, the finding first, then the difference."""
        if self._session.model is None:
            return []
        card = self._session.model.card
        first = [card.positive_class] if card.positive_class else []
        names = first + [c for c in card.classes if c not in first]
        return [*names, DIFFERENCE] if len(names) > 1 else names

    def select_layer(self, name: str) -> None:
        known = self._session.model.layers if self._session.model else ()
        names = self._layers(known)
        if name in (layer.name for layer in known) and name not in names:
            raise ExplainError(
                f"No gradient reaches the layer '{name}' from the score, so there is no map on it.",
                code="no-gradient",
            )
        if name not in names:
            raise UsageError(f"There is no layer '{name}'{nearest(name, names)}.", code="no-such-layer")
        self._session.choice.layer = name

    def step_layer(self, steps: int) -> None:
        """Go towards the output (positive) or the input (negative) of the network."""
        if self._session.model is not None and self._session.choice.layer:
            names = self._layers(self._session.model.layers)
            if self._session.choice.layer in names:
                at = names.index(self._session.choice.layer) + steps
                self._session.choice.layer = names[min(max(at, 0), len(names) - 1)]

    @staticmethod
    def _layers(known: Iterable[LayerInfo]) -> list[str]:
        """Names of the layers that have a map."""
        return [layer.name for layer in known if layer.differentiable]

    def toggle_mirror(self) -> None:
        """Give the network the mirrored input, or the patient as he is."""
        self._session.choice.mirror = not self._session.choice.mirror
        self._filling.restart()

    def set_crop(self, rule: Crop) -> None:
        """Crop the input: ``none``, ``percentile`` (the paper's 70th-percentile rule) or ``brain`` (robust mask)."""
        self._session.choice.crop = rule
        self._filling.restart()

    def step_crop(self) -> None:
        """The next cropping rule."""
        rules: tuple[Crop, ...] = ("none", "brain", "percentile")
        self.set_crop(rules[(rules.index(self._session.choice.crop) + 1) % len(rules)])

    # --- what follows from it ----------------------------------------------------------------------------------------

    def case_changed(self) -> None:
        """Another case is open: its maps are other maps, and what was done to the last input is undone."""
        self._filling.forget()
        self._session.choice.mirror = False
        if self._session.model is not None:
            self._session.choice.crop = self._session.model.card.input.crop
        self._session.view.seen = False
        self.resume()

    def voxels_changed(self) -> None:
        """The open case has other voxels (another volume, another grid): its maps are other maps."""
        self._filling.forget()
        self.resume()

    def pause(self) -> None:
        """A case comes on screen of which only a part is there: nothing is explained until `resume`.

        The maps of the case before it stay, in case it comes back.
        """
        self._filling.stop()
        self._session.reading = self._session.plain = self._session.judgement = None

    def resume(self) -> None:
        """Judge and explain the open case; what has been explained of it is kept."""
        self._judge()
        self._filling.restart()

    def cancel(self) -> None:
        """Stop the background work; what is there stays, and slices that are looked at are still explained."""
        self._filling.stop()

    def _loaded(self, loaded: LoadedModel) -> None:
        session = self._session
        session.work = None
        session.model = ModelFacts(loaded.card, loaded.layers, loaded.device)
        choice = session.choice
        if choice.layer not in self._layers(loaded.layers):
            choice.layer = loaded.default_layer
        if choice.target not in self.targets():
            choice.target = self.targets()[0]
        choice.crop = loaded.card.input.crop
        self._judge()
        self._filling.restart()

    def _judge(self) -> None:
        session = self._session
        session.judgement = (
            Judgement(applicability(session.model.card, session.case.image))
            if session.case and session.case.whole and session.model
            else None
        )
