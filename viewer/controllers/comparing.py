"""Comparing maps of one slice: what the grid shows, and the passes that other inputs and other models take.

What a trace makes is asked at once while the workspace is on screen, one input or model a job, and only for the shown
slice; what takes longer waits until it is pressed. All of it is kept where that input or model looks once it is chosen.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, get_args

from viewer.controllers.asking_on_demand import AskingOnDemand
from viewer.controllers.filling import Filling
from viewer.explainers.declaration import EXPLAINERS
from viewer.foundation.errors import Cancelled, UsageError, one_sentence
from viewer.foundation.job_runner import JobHandle, JobRunner
from viewer.foundation.progress import Progress
from viewer.models.card import ModelCard
from viewer.state.compare_view import (
    applicable,
    method_of_cell,
    missing_cells,
    missing_variants,
    reading_of,
)
from viewer.state.comparing import MOST, USUAL_SCALES, Cell, CompareKind, CompareScale
from viewer.state.method import menu
from viewer.state.series_reading import Place, SeriesReading, Variant
from viewer.state.session import Session, Work

if TYPE_CHECKING:
    from viewer.controllers.engine import ExplainReply, TraceReply

_WORK = "comparing"


class Comparing:
    """Verbs of the Compare workspace."""

    def __init__(self, session: Session, runner: JobRunner, filling: Filling, asking: AskingOnDemand) -> None:
        self._session = session
        self._runner = runner
        self._filling = filling
        self._asking = asking
        self._running: JobHandle | None = None
        self._generation = 0
        self._stopped: tuple[object, ...] = ()
        self._looking = self._pressed = False
        self._every = False  # every map of the grid is wanted, however long it takes
        for signal in (
            *(session.events.workspace, session.events.reading, session.events.model),
            *(session.view.events.slice, session.choice.events, session.comparing.events.kind),
        ):
            signal.connect(self._look)
        session.events.revision.connect(self._more)

    # --- verbs -------------------------------------------------------------------------------------------------------

    def select(self, kind: CompareKind) -> None:
        """Compare ``explainers``, ``noise`` (the chosen one under noise), ``models`` or ``inputs``, class by class."""
        if kind not in get_args(CompareKind):
            raise UsageError(f"There is nothing like '{kind}' to compare.", code="no-such-comparison")
        comparing = self._session.comparing
        if kind != comparing.kind:
            comparing.scale = USUAL_SCALES[kind]
            comparing.kind = kind

    def select_scale(self, scale: CompareScale) -> None:
        """One scale for the whole ``grid``, or for each ``column``."""
        self._session.comparing.scale = scale

    def toggle_explainer(self, name: str, shown: tuple[str, ...]) -> None:
        """Compare an explainer too, or no more.

        Parameters
        ----------
        shown : the explainers that are compared now.

        Raises
        ------
        UsageError
            When there is no such explainer, none would be left, or there is no room for more.
        """
        EXPLAINERS.find(name)
        wanted = {*shown} ^ {name}
        if not wanted:
            raise UsageError("One explainer has to stay.", code="none-left")
        if len(wanted) > MOST:
            raise UsageError(f"{MOST} explainers at a time: leave one out first.", code="too-many")
        self._session.comparing.explainers = tuple(each for each in menu() if each in wanted)

    def compute(self, cell: Cell) -> None:
        """Compute the map of a tile of the shown slice, however long it takes."""
        self._forgive(cell)
        self._stopped = ()
        method = method_of_cell(self._session, cell)
        self._halt()
        reading = reading_of(self._session, cell.variant)
        if method.on_demand and reading is not None and self._session.view.slice in reading.filled:
            self._explain(cell, reading)
        else:
            self._trace(cell.variant)

    def compute_all(self) -> None:
        """Compute every map of the grid that waits to be asked for, one after the other."""
        self._every = True
        if not self._pressed:
            self._look()

    def side_by_side(self, *explainers: str) -> None:
        """The maps of some explainers beside each other, in this order, computed at once.

        Raises
        ------
        UsageError
            When there is no such explainer.
        """
        for name in explainers:
            EXPLAINERS.find(name)
        self._session.comparing.explainers = explainers
        self.select("explainers")
        self._session.workspace = "compare"
        self.compute_all()

    def under_noise(self) -> None:
        """The chosen explainer beside its means over noisy inputs, computed at once."""
        self.select("noise")
        self._session.workspace = "compare"
        self.compute_all()

    def cancel(self) -> None:
        """Ask no more for this slice; what is there stays."""
        self._every = False
        if self._running is not None:
            self._stopped = self._subject()
        self._halt()

    def forget(self) -> None:
        """Other voxels, or another device: nothing that was asked has a meaning any more."""
        self._halt()
        comparing = self._session.comparing
        comparing.readings, comparing.failed, comparing.layers, self._stopped = {}, {}, {}, ()

    # --- what is asked by itself -------------------------------------------------------------------------------------

    def _look(self, *_: object) -> None:
        """Something changed: other inputs and models are asked about what is on screen now."""
        if self._looking or self._pressed:
            return  # what was pressed is finished first
        self._looking = True
        try:
            self._halt()
            if self._session.workspace == "compare" and self._subject() != self._stopped:
                self._next()
        finally:
            self._looking = False

    def _subject(self) -> tuple[object, ...]:
        session = self._session
        return session.reading, session.view.slice, session.comparing.kind, session.choice.score

    def _next(self) -> None:
        session = self._session
        if session.workspace != "compare":
            self._every = False
        elif wanted := missing_variants(session):
            self._trace(wanted[0])
        elif self._every:
            cells = missing_cells(session)
            reading = reading_of(session, cells[0].variant) if cells else None
            if reading is not None:
                self._explain(cells[0], reading)
            else:  # nothing is left, unless the slice itself is still being traced
                chosen = session.reading
                self._every = chosen is None or session.view.slice not in chosen.filled

    def _more(self, *_: object) -> None:
        """A slice has been traced: what waited for it can be asked now."""
        if self._every and self._running is None and not self._pressed and not self._looking:
            self._next()

    def _halt(self) -> None:
        self._generation += 1
        if self._running is not None:
            self._running.cancel()
        self._over()

    def _over(self) -> None:
        session = self._session
        self._running, self._pressed = None, False
        session.comparing.asked = None
        if session.work is not None and session.work.name.startswith(_WORK):
            session.work = None

    def _reading(self, variant: Variant, card: ModelCard) -> SeriesReading:
        comparing = self._session.comparing
        reading = self._filling.reading(variant, card.classes)
        if comparing.readings.get(variant) is not reading:
            comparing.readings = {**comparing.readings, variant: reading}
        return reading

    # --- the two kinds of jobs ---------------------------------------------------------------------------------------

    def _trace(self, variant: Variant) -> None:
        """All layers and classes of the shown slice by one input or model; then the next of those that are missing."""
        session, generation, index = self._session, self._generation, self._session.view.slice
        case = session.case
        card = next((each for each in applicable(session) if each.id == variant.model), None)
        if case is None or card is None:
            return
        reading, device = self._reading(variant, card), session.device
        left = len(missing_variants(session))
        session.comparing.asked = (index, variant)
        words = f"{_WORK}: asking {variant.model}" + (f", {left - 1} more to come" if left > 1 else "")
        session.work = Work(words, started=time.monotonic())

        def work(progress: Progress) -> tuple[TraceReply, str]:
            from viewer.controllers import engine

            layer = engine.load(variant.model, device).default_layer
            request = engine.TraceRequest(
                *(variant.model, device, case.given(variant.erased), index),
                *(variant.mirror, variant.crop, variant.score),
                region=variant.region,
            )
            return engine.trace_slice(request, progress), layer

        def done(found: tuple[TraceReply, str]) -> None:
            reply, layer = found
            if session.comparing.readings.get(variant) is reading:
                session.comparing.layers = {**session.comparing.layers, variant.model: layer}
                self._filling.keep(reading, reply)
            if generation != self._generation:
                return
            self._over()
            if index == session.view.slice and variant in missing_variants(session):
                self._fail((index, variant), "The maps do not fit into the memory budget for maps.")
            self._next()

        def failed(error: Exception) -> None:
            if generation == self._generation:
                self._over()
                if not isinstance(error, Cancelled):
                    self._fail((index, variant), one_sentence(error))
                    self._next()

        self._running = self._runner.submit("compute", work, done=done, failed=failed)

    def _explain(self, cell: Cell, reading: SeriesReading) -> None:
        """One explanation on demand, from its beginning to its end."""
        session, generation, index = self._session, self._generation, self._session.view.slice
        case, variant = session.case, cell.variant
        card = next((each for each in applicable(session) if each.id == variant.model), None)
        if case is None or card is None or cell.target not in card.classes:
            return
        target, self._pressed = card.classes.index(cell.target), True
        method = method_of_cell(session, cell)
        parameters = self._parameters(cell)
        device, layer = session.device, method.layer if method.info.needs_layer else ""
        session.comparing.asked = (index, cell)
        name, started = f"{_WORK}: {method.info.title}, {cell.target}", time.monotonic()
        session.work = Work(name, started=started)

        def work(progress: Progress) -> ExplainReply:
            from viewer.controllers import engine

            request = engine.ExplainRequest(
                *(variant.model, device, case.given(variant.erased), index),
                *(variant.mirror, variant.crop, variant.score, cell.explainer),
                layer=layer,
                target=target,
                parameters=parameters,
            )
            for reply in engine.explain_steps(request, progress):
                progress.report(reply.done, reply.total)
            return reply

        def done(reply: ExplainReply) -> None:
            if reading_of(session, variant) is reading:
                self._asking.talks.put(
                    reading, Place(reading.question(index), target, method.layer, method.key), reply
                )
                self._filling.count()
                session.revision += 1
            if generation == self._generation:
                self._over()
                self._next()

        def failed(error: Exception) -> None:
            if generation == self._generation:
                self._over()
                if not isinstance(error, Cancelled):
                    self._fail((index, cell), one_sentence(error))
                    self._next()

        def progress(count: int, total: int, _: str) -> None:
            if generation == self._generation:
                session.work = Work(name, count, total, started)

        self._running = self._runner.submit("compute", work, done=done, failed=failed, progress=progress)

    def _parameters(self, cell: Cell) -> Mapping[str, object]:
        """Those of the cell, else those that the user has set for its explainer."""
        if cell.settings is not None:
            return dict(cell.settings)
        given = self._session.choice.parameters.get(cell.explainer, {})
        return {name: value for name, value in given.items() if name != "region"}

    def _fail(self, key: tuple[int, Cell | Variant], sentence: str) -> None:
        comparing = self._session.comparing
        comparing.failed = {**comparing.failed, key: sentence}

    def _forgive(self, cell: Cell) -> None:
        comparing, index = self._session.comparing, self._session.view.slice
        gone = {(index, cell), (index, cell.variant)}
        comparing.failed = {key: why for key, why in comparing.failed.items() if key not in gone}
