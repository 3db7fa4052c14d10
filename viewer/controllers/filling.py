"""The background work that fills the atlas of the open case, one slice a job.

After each job the chain looks again which slice is visible, so the visible one always comes next, then its neighbours
outward. A choice that needs other maps (model, mirror, crop) raises the generation: the old chain ends, and what it
still brings is kept in the reading it was made for.

A trace makes six maps of every layer and class. Measured on the demo patient (26 slices, 25 layers, 192 x 192) that
is 104 MB and 15 s, against 52 MB and 12 s for the three that a menu begins with: cheap in time, dear in memory. So a
series gets all six when they fit into half of the budget; of a larger one the slices that nobody looks at get three,
and the others are made when their slice is looked at.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from viewer.controllers.volume_filling import VolumeFilling
from viewer.explainers.atlas import Atlas
from viewer.explainers.fill_order import fill_order
from viewer.explainers.map_store import MapStore
from viewer.foundation.errors import Cancelled, one_sentence
from viewer.foundation.job_runner import JobHandle, JobRunner
from viewer.foundation.progress import Progress
from viewer.state.method import FIRST, is_segmentation, method_of, traced_methods
from viewer.state.series_reading import SeriesReading, Variant
from viewer.state.session import Notice, Session, Work

if TYPE_CHECKING:
    from viewer.controllers.engine import TraceReply


class Filling:
    """Keeps the readings of the open case and fills the chosen one."""

    def __init__(self, session: Session, runner: JobRunner) -> None:
        self._session = session
        self._runner = runner
        self._store = MapStore(session.atlas_budget)
        self._readings: dict[Variant, SeriesReading] = {}
        self._volumes = VolumeFilling(session, runner, lambda: self._store)
        self._generation = 0
        self._running: JobHandle | None = None
        self._waiting = False  # a job of this chain is on the compute lane
        self._held_back = (
            False  # an explanation on demand goes first: only visible slices are traced meanwhile
        )
        self._lean = False  # the series takes more memory than there is for it: the first explainers only
        self._stopped = False  # the user stopped the chain: only visible slices are still explained
        session.view.events.slice.connect(self._look_again)
        session.choice.events.layer.connect(self._look_again)
        session.choice.events.explainer.connect(self._look_again)

    def forget(self) -> None:
        """Drop every reading: another case is open."""
        self.stop()
        self._readings = {}
        self._volumes.forget()
        self._store = MapStore(self._session.atlas_budget)
        self._session.atlas_bytes = 0

    def restart(self) -> None:
        """Fill the reading of what is chosen now; what is already there is kept."""
        session = self._session
        self.stop()
        self._stopped = self._lean = False
        session.reading = session.plain = None
        if session.model is None or session.judgement is None or not session.judgement.may_run:
            return
        choice, card = session.choice, session.model.card
        if card.dims == 3:
            self._volumes.restart()
            return
        region = choice.region if card.task == "segmentation" else "all"
        session.plain = self._reading(Variant(session.model_id, False, card.input.crop, choice.score, region))
        chosen = Variant(session.model_id, choice.mirror, choice.crop, choice.score, region, choice.erased)
        session.reading = self._reading(chosen)
        self._next(self._generation, time.monotonic())

    def stop(self) -> None:
        """End the chain; what is there stays, and slices that are looked at are still explained."""
        self._generation += 1
        self._stopped = True
        self._volumes.stop()
        if self._running is not None:
            self._running.cancel()
        if self._waiting:
            self._waiting = False
            self._session.work = None

    def hold_back(self, held: bool) -> None:
        """Let an explanation on demand go first, or go on after it."""
        self._held_back = held
        if not held:
            self._look_again()

    @property
    def finished(self) -> bool:
        """Whether the whole series is traced, or the user wants no more of it."""
        session = self._session
        if session.reading is None or session.case is None or self._stopped:
            return True
        return not self._waiting and len(session.reading.filled) >= session.case.slices

    def go_on(self) -> None:
        """Trace the whole series after all."""
        self._stopped = False
        self._look_again()

    def want(self) -> None:
        """The chosen layer of a volume is wanted, also after the user has stopped its trace."""
        self._volumes.want()

    def _reading(self, variant: Variant) -> SeriesReading:
        assert self._session.model is not None
        return self.reading(variant, self._session.model.card.classes)

    def want_all_layers(self) -> None:
        """The layers of a volume that are not traced yet are wanted too."""
        self._volumes.want_all()

    def reading(self, variant: Variant, classes: Sequence[str]) -> SeriesReading:
        """Where the maps of a variant of the open case are kept, for this model or another one with `classes`."""
        assert self._session.case is not None
        if variant not in self._readings:
            atlas = Atlas(self._store, variant, classes, self._session.case.slices)
            self._readings[variant] = SeriesReading(variant, atlas)
        return self._readings[variant]

    def _next(self, generation: int, started: float) -> None:
        """Submit the job for the slice that is wanted most, or end."""
        session = self._session
        case, reading = session.case, session.reading
        if generation != self._generation or case is None or reading is None:
            return
        reading, index = self._wanted(reading, case.slices)
        self._waiting = index is not None
        if index is None:
            if not self._held_back:
                session.work = None
            return
        if not self._held_back:
            done_so_far = len(session.reading.filled) if session.reading is not None else 0
            session.work = Work("explaining the series", done_so_far, case.slices, started)
        variant, device = reading.variant, session.device
        visible = index == session.view.slice
        methods = FIRST if self._lean and not visible else None

        def work(progress: Progress) -> TraceReply:
            from viewer.controllers import engine

            request = engine.TraceRequest(
                variant.model,
                device,
                case.given(variant.erased),
                index,
                variant.mirror,
                variant.crop,
                variant.score,
                methods=methods,
                region=variant.region,
            )
            return engine.trace_slice(request, progress)

        def done(reply: TraceReply) -> None:
            if self._readings.get(variant) is reading:
                self.keep(reading, reply)
            if generation != self._generation:
                return
            if reading is not session.reading or self._held(reading, index):
                self._next(generation, started)
            else:
                budget = session.atlas_budget >> 20
                self._fail(f"The maps of one slice do not fit into the memory budget for maps ({budget} MB).")

        def failed(error: Exception) -> None:
            if generation == self._generation and not isinstance(error, Cancelled):
                self._fail(one_sentence(error), getattr(error, "action", ""))

        self._running = self._runner.submit("compute", work, done=done, failed=failed)

    def _wanted(self, reading: SeriesReading, slices: int) -> tuple[SeriesReading, int | None]:
        """The slice to trace next: the visible one (also when its maps were pushed out of memory), then outward.

        Where the input was changed the visible one comes a second time, as the model takes it: the numbers in brackets.
        """
        visible, plain = self._session.view.slice, self._session.plain
        if not self._held(reading, visible):
            return reading, visible
        if self._stopped or self._held_back:
            return reading, None
        if plain is not None and visible not in plain.filled:
            return plain, visible
        return reading, next((i for i in fill_order(slices, visible) if i not in reading.filled), None)

    def _held(self, reading: SeriesReading, index: int) -> bool:
        """Whether the maps of a slice on the chosen layer can be read now, the chosen one among them."""
        if is_segmentation(self._session):
            return index in reading.filled
        if not reading.atlas.has(index, layer=self._session.choice.layer, methods=traced_methods()):
            return False
        method, target = method_of(self._session), self._session.target_index
        if method.on_demand or target is None:
            return True
        return reading.atlas.facts(method.layer, target, method.key, index) is not None

    def _look_again(self) -> None:
        """The visible slice or layer changed: if the chain has ended, its maps may be missing or pushed out."""
        if self._session.reading is not None and self._session.reading.whole:
            return  # the question is the volume, not the slice: `VolumeFilling` looks after it
        if not self._waiting and self._session.reading is not None:
            self._next(self._generation, time.monotonic())

    def keep(self, reading: SeriesReading, reply: TraceReply) -> None:
        """Keep what a trace has brought."""
        before, fresh = self._store.bytes_used, reply.index not in reading.views
        for (target, layer, method), signed in reply.maps.items():
            reading.atlas.put(reply.index, target, layer, method, signed)
        reading.atlas.put_probabilities(reply.index, reply.probabilities)
        reading.views[reply.index] = reply.view
        reading.flags.update(reply.flags)
        if fresh and len(reading.views) == 1 and reading is self._session.reading:
            taken = (self._store.bytes_used - before) * reading.atlas.slices
            self._lean = taken > self._store.budget_bytes // 2
        self.count()
        self._session.revision += 1

    def set_budget(self, budget_bytes: int) -> None:
        """Memory for maps; those beyond it leave, and come back when their slice is looked at."""
        self._session.atlas_budget = budget_bytes
        self._store.set_budget(budget_bytes)
        self.count()
        self._look_again()

    def count(self) -> None:
        """Say how much memory the maps take."""
        self._session.atlas_bytes = self._store.bytes_used

    def _fail(self, sentence: str, action: str = "") -> None:
        self.stop()
        self._session.notice = Notice(sentence, action)
