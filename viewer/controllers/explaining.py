"""Why: which model, explainer, class, layer and input; and the background work that fills the atlas.

A series is filled by a chain of one-slice jobs. After each the chain looks again which slice is visible, so the visible
one always comes next, then its neighbours outward. A choice that needs other maps (model, mirror, crop) raises the
generation; replies of an older generation are dropped.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from viewer.explainers.atlas import Atlas
from viewer.explainers.declaration import EXPLAINERS
from viewer.explainers.fill_order import fill_order
from viewer.explainers.map_store import MapStore
from viewer.foundation.errors import Cancelled, UsageError, one_sentence
from viewer.foundation.job_runner import JobHandle, JobRunner
from viewer.foundation.progress import Progress
from viewer.foundation.registry import nearest
from viewer.models.applicability import applicability
from viewer.models.card import Crop
from viewer.models.shelf import model_cards
from viewer.state.case import Judgement
from viewer.state.series_reading import SeriesReading, Variant
from viewer.state.session import DIFFERENCE, ModelFacts, Notice, Session, Work

if TYPE_CHECKING:
    from viewer.controllers.engine import LoadedModel, TraceReply


class Explaining:
    """Verbs that decide what is explained, and the filling of the atlas behind them."""

    def __init__(self, session: Session, runner: JobRunner) -> None:
        self._session = session
        self._runner = runner
        self._store = MapStore(session.atlas_budget)
        self._readings: OrderedDict[Variant, SeriesReading] = OrderedDict()
        self._generation = 0
        self._running: JobHandle | None = None
        self._idle = True
        self._cancelled = False
        session.models = model_cards()[0]
        session.view.events.slice.connect(self._wake)
        session.choice.events.layer.connect(self._wake)

    # --- what is explained -------------------------------------------------------------------------------------------

    def select_model(self, model_id: str) -> None:
        """Use a model for the opened case. Loading goes on behind the window."""
        session = self._session
        session.model_id = model_id
        session.model = None
        session.reading = session.plain = None
        self._renew()
        generation, device = self._generation, session.device
        session.work = Work(f"loading {model_id}", started=time.monotonic())

        def work(_: Progress) -> LoadedModel:
            from viewer.controllers import engine

            return engine.load(model_id, device)

        def done(loaded: LoadedModel) -> None:
            if generation == self._generation:
                self._loaded(loaded)

        self._running = self._runner.submit("compute", work, done=done, failed=self._failed(generation))

    def select_device(self, device: str) -> None:
        """``auto``, ``cpu``, ``cuda`` or ``mps``."""
        self._session.device = device
        if self._session.model_id:
            self.select_model(self._session.model_id)

    def confirm_applicability(self) -> None:
        """The user has read why the model does not apply and wants its answer all the same."""
        session = self._session
        if session.judgement is not None:
            session.judgement = Judgement(session.judgement.applicability, confirmed=True)
            self.restart()

    def select_explainer(self, name: str) -> None:
        EXPLAINERS.find(name)
        self._session.choice.explainer = name

    def step_explainer(self, steps: int) -> None:
        names = list(EXPLAINERS)
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
        names = [layer.name for layer in self._session.model.layers] if self._session.model else []
        if name not in names:
            raise UsageError(f"There is no layer '{name}'{nearest(name, names)}.", code="no-such-layer")
        self._session.choice.layer = name

    def step_layer(self, steps: int) -> None:
        """Go towards the output (positive) or the input (negative) of the network."""
        if self._session.model is not None:
            names = [layer.name for layer in self._session.model.layers]
            at = names.index(self._session.choice.layer) + steps
            self._session.choice.layer = names[min(max(at, 0), len(names) - 1)]

    def toggle_mirror(self) -> None:
        """Give the network the mirrored input, or the patient as he is."""
        self._session.choice.mirror = not self._session.choice.mirror
        self.restart()

    def set_crop(self, rule: Crop) -> None:
        """Crop the input: ``none``, ``percentile`` (the paper's 70th-percentile rule) or ``brain`` (robust mask)."""
        self._session.choice.crop = rule
        self.restart()

    def step_crop(self) -> None:
        """The next cropping rule."""
        rules: tuple[Crop, ...] = ("none", "brain", "percentile")
        self.set_crop(rules[(rules.index(self._session.choice.crop) + 1) % len(rules)])

    # --- the filling -------------------------------------------------------------------------------------------------

    def case_changed(self) -> None:
        """Another case is open: its maps are other maps."""
        self._readings.clear()
        self._store = MapStore(self._session.atlas_budget)
        self._session.choice.mirror = False
        self._session.view.seen = False
        self._judge()
        self.restart()

    def restart(self) -> None:
        """Fill the atlas of what is chosen now; what is already there is kept."""
        session = self._session
        self._renew()
        session.reading = session.plain = None
        if (
            session.case is None
            or session.model is None
            or session.judgement is None
            or not session.judgement.may_run
        ):
            return
        choice, card = session.choice, session.model.card
        session.plain = self._reading(Variant(card.id, False, card.input.crop, choice.score))
        session.reading = self._reading(Variant(card.id, choice.mirror, choice.crop, choice.score))
        self._next(self._generation, time.monotonic())

    def cancel(self) -> None:
        """Stop the background work; what is there stays, and the slices that are looked at are still explained."""
        self._renew()
        self._idle = self._cancelled = True

    def _reading(self, variant: Variant) -> SeriesReading:
        assert self._session.model is not None
        assert self._session.case is not None
        if variant not in self._readings:
            atlas = Atlas(self._store, variant, self._session.model.card.classes, self._session.case.slices)
            self._readings[variant] = SeriesReading(variant, atlas)
        return self._readings[variant]

    def _next(self, generation: int, started: float) -> None:
        """Submit the job for the slice that is wanted most, or finish."""
        session = self._session
        case, reading = session.case, session.reading
        if generation != self._generation or case is None or reading is None:
            return
        index = self._wanted(reading, case.slices)
        self._idle = index is None
        if index is None:
            session.work = None
            return
        session.work = Work("explaining the series", len(reading.filled), case.slices, started)
        variant, device, image = reading.variant, session.device, case.image

        def work(progress: Progress) -> TraceReply:
            from viewer.controllers import engine

            return engine.trace_slice(
                engine.TraceRequest(
                    variant.model, device, image, index, variant.mirror, variant.crop, variant.score
                ),
                progress,
            )

        def done(reply: TraceReply) -> None:
            if generation == self._generation:
                self._keep(reading, reply)
                self._next(generation, started)

        self._running = self._runner.submit("compute", work, done=done, failed=self._failed(generation))

    def _wanted(self, reading: SeriesReading, slices: int) -> int | None:
        """The slice to trace next: the visible one (also when its maps were pushed out of memory), then outward."""
        visible = self._session.view.slice
        if not reading.atlas.has(visible, layer=self._session.choice.layer):
            return visible
        if self._cancelled:
            return None
        filled = reading.filled
        return next((i for i in fill_order(slices, visible) if i not in filled), None)

    def _wake(self) -> None:
        """The visible slice or layer changed after the filling had ended: its maps may have been pushed out since."""
        if self._idle and self._session.reading is not None:
            self._next(self._generation, time.monotonic())

    def _keep(self, reading: SeriesReading, reply: TraceReply) -> None:
        for (target, layer, method), signed in reply.maps.items():
            reading.atlas.put(reply.index, target, layer, method, signed)
        reading.atlas.put_probabilities(reply.index, reply.probabilities)
        reading.views[reply.index] = reply.view
        self._session.atlas_bytes = self._store.bytes_used
        self._session.revision += 1

    def _loaded(self, loaded: LoadedModel) -> None:
        session = self._session
        session.work = None
        session.model = ModelFacts(loaded.card, loaded.layers, loaded.device)
        choice = session.choice
        if choice.layer not in [layer.name for layer in loaded.layers]:
            choice.layer = loaded.card.default_layer or loaded.layers[-1].name
        if choice.target not in self.targets():
            choice.target = self.targets()[0]
        choice.crop = loaded.card.input.crop
        self._judge()
        self.restart()

    def _judge(self) -> None:
        session = self._session
        session.judgement = (
            Judgement(applicability(session.model.card, session.case.image))
            if session.case and session.model
            else None
        )

    def _renew(self) -> None:
        self._generation += 1
        self._idle = self._cancelled = False
        if self._running is not None:
            self._running.cancel()
            self._running = None
        self._session.work = None

    def _failed(self, generation: int):  # type: ignore[no-untyped-def]
        def failed(error: Exception) -> None:
            if generation != self._generation or isinstance(error, Cancelled):
                return
            self._session.work = None
            self._session.notice = Notice(one_sentence(error), getattr(error, "action", ""))

        return failed
