"""Explanations that no trace makes: asked slice by slice, refined on screen, stopped and resumed.

Every answer is a job of its own on the compute lane. Between two of them the network is as it was found, so whatever
the user wants next comes next; an explanation that is left keeps its place and goes on from there when it is wanted.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from viewer.controllers.filling import Filling
from viewer.controllers.talk import Talk
from viewer.controllers.talks import Order, Talks
from viewer.explainers.fill_order import fill_order
from viewer.foundation.errors import Cancelled, one_sentence
from viewer.foundation.job_runner import JobRunner
from viewer.foundation.progress import Progress
from viewer.state.asking import AT_ONCE, Asking, Stage
from viewer.state.map_view import places_shown
from viewer.state.method import method_of, why_not
from viewer.state.series_reading import Place, SeriesReading, Variant
from viewer.state.session import Session, Work

if TYPE_CHECKING:
    from viewer.controllers.engine import ExplainReply


class AskingOnDemand:
    """Verbs and background work of explanations on demand."""

    def __init__(self, session: Session, runner: JobRunner, filling: Filling) -> None:
        self._session = session
        self._runner = runner
        self._filling = filling
        self.talks = Talks(session)
        self._order: Order | None = None
        self._running: Talk | None = None
        self._generation = 0
        self._left: set[tuple[Variant, Place]] = set()
        """Explanations that the user has stopped: they do not go on by themselves."""
        self._ordered: set[tuple[Variant, Place]] = set()
        """Explanations that the user has ordered: they go on by themselves when he comes back."""
        self._series: tuple[Variant, str, str, str] | None = None
        """The explanation that is wanted of every slice."""
        self._looking = self._holding = self._wanted = False
        for signal in (
            session.view.events.slice,
            session.choice.events,
            session.events.reading,
            session.events.revision,
            session.events.support,
        ):
            signal.connect(self._look)

    # --- verbs -------------------------------------------------------------------------------------------------------

    def compute(self) -> None:
        """Begin, or go on with, the explanation of the shown slice, however long it takes."""
        if self._order is not None:
            self._begin(self._order, forced=True)

    def want(self) -> None:
        """Compute whatever is chosen next without asking, once."""
        self._wanted = True

    def compute_series(self) -> None:
        """Explain every slice, the shown one first, then outward."""
        reading = self._session.reading
        if reading is None or reading.whole or not method_of(self._session).on_demand:
            return
        self._series = self._subject(reading)
        if not self._filling.finished or len(reading.filled) < reading.atlas.slices:
            self._filling.go_on()
        if self._order is not None and self._running is None:
            self._begin(self._order, forced=True)

    def cancel(self) -> None:
        """Stop; what is there stays, and it can go on later."""
        self._series = None
        if self._running is None:
            if self._session.asking is not None and self._session.asking.stage == "series":
                self._session.asking = None
            return
        if self._order is not None:
            self._left.update(self._order.keys)
            self._ordered.difference_update(self._order.keys)
        self._pause()
        if self._order is not None:
            self._show_stopped(self._order)

    def forget(self) -> None:
        """Another case, model or device: nothing of what was asked has a meaning any more."""
        self._series = None
        self._pause()
        self._order = None
        self.talks.forget()
        self._left.clear()
        self._ordered.clear()
        self._session.asking = None

    # --- what is wanted ----------------------------------------------------------------------------------------------

    def _look(self, *_: object) -> None:
        """Something changed: is another explanation wanted than the one that is under way?"""
        if self._looking:
            return
        self._looking = True
        try:
            self._decide()
        finally:
            self._looking = False

    def _decide(self) -> None:
        session, reading = self._session, self._session.reading
        method = method_of(session)
        if reading is None or not method.on_demand:
            self._drop()
            return
        if self._series is not None and self._series != self._subject(reading):
            self._series = None
        why = why_not(session, session.choice.explainer)
        if why:
            self._drop()
            session.asking = Asking("refused", sentence=why)
            return
        places = places_shown(session, reading, session.view.slice)
        order = Order(reading.variant, places) if places else None
        if order == self._order and (self._running is not None or session.asking is not None):
            if session.asking is not None and session.asking.stage == "offered":
                self._begin(order)  # by now somebody may have measured how long it takes
            return
        self._drop()
        self._order = order
        if order is not None:
            self._begin(order)

    def _drop(self) -> None:
        """Leave what is under way; it keeps its place."""
        self._pause()
        self._order = None
        if self._session.asking is not None:
            self._session.asking = None

    def _begin(self, order: Order | None, *, forced: bool = False) -> None:
        """Start or go on, unless it is done, was stopped by the user, or takes so long that he has to want it."""
        session, reading = self._session, self._session.reading
        if order is None or reading is None:
            return
        open_ = [place for place in order.places if not self.talks.done(reading, place)]
        if not open_:
            self._finished()
            return
        if forced or self._wanted:
            self._ordered.update(order.keys)
            self._left.difference_update(order.keys)
        forced = self._series is not None or not self._ordered.isdisjoint(order.keys)
        self._wanted = False
        left, seconds = self.talks.share_left(reading, order), self.talks.seconds_left(reading, order)
        if not forced and any((order.variant, place) in self._left for place in open_):
            self._show_stopped(order)
            return
        glance = False
        if not forced and (seconds is None or seconds > AT_ONCE):
            coarse = method_of(session).info.coarse_first
            if not coarse or left < 1:
                self._show_waiting(order, "offered" if coarse or left == 1 else "stopped")
                return
            glance = True
        self._generation += 1
        self._hold()
        done, total = self.talks.rounds(reading, order)
        session.asking = Asking(
            "running", done, total, method_of(session).info.round_unit, time.monotonic(), done, seconds
        )
        self._show_work()
        self._step(self._generation, reading, open_[0], order, glance)

    def _finished(self) -> None:
        """The shown slice is done: the other slices of a series, or nothing."""
        session, reading = self._session, self._session.reading
        self._running = None
        if reading is None or self._series is None:
            session.asking = None
            self._rest()
            return
        number = self._next_of_series(reading)
        if number is None and not self._filling.finished:
            session.asking = None
            self._rest()  # the slices that are not traced yet come first
            return
        if number is None:
            self._series, session.asking = None, None
            self._rest()
            return
        places = self._places(reading, number)
        total = reading.atlas.slices
        made = sum(self._slice_done(reading, i) for i in reading.filled)
        began = session.asking if session.asking is not None and session.asking.stage == "series" else None
        session.asking = (
            replace(began, done=made)
            if began is not None
            else Asking("series", made, total, "slices", time.monotonic(), made)
        )
        self._generation += 1
        self._hold()
        self._show_work()
        self._step(
            self._generation, reading, next(p for p in places if not self.talks.done(reading, p)), None
        )

    def _hold(self) -> None:
        self._holding = True
        self._filling.hold_back(True)

    def _rest(self) -> None:
        if not self._holding:
            return
        self._holding = False
        if self._session.work is not None and self._session.work.name == self._work_name():
            self._session.work = None
        self._filling.hold_back(False)

    # --- a step ------------------------------------------------------------------------------------------------------

    def _step(
        self,
        generation: int,
        reading: SeriesReading,
        place: Place,
        order: Order | None,
        glance: bool = False,
    ) -> None:
        """Take the next answer, and all that follow; of a glance only until it is known how long the rest takes."""
        talk = self.talks.of(reading, place)
        talk.resume()
        self._running = talk
        device = self._session.device

        def work(_: Progress) -> ExplainReply | None:
            return talk.step()

        def done(reply: ExplainReply | None) -> None:
            if self._session.device == device and self.talks.has(reading, place, talk):
                self._keep(reading, place, reply, talk)
            if generation != self._generation:
                self._tell_late(place)
                return
            if reply is not None and reply.done < reply.total:
                self._show_progress(reading, order)
                if glance and talk.measured:
                    self._weigh(order)
                else:
                    self._step(generation, reading, place, order, glance)
                return
            self.talks.end(reading, place, talk)
            self._next(generation, reading, place, order)

        def failed(error: Exception) -> None:
            self.talks.end(reading, place, talk)
            if generation != self._generation:
                return
            if isinstance(error, Cancelled):
                self._running = None
                self._rest()
                return
            self._fail(one_sentence(error))

        self._runner.submit("compute", work, done=done, failed=failed)

    def _next(self, generation: int, reading: SeriesReading, place: Place, order: Order | None) -> None:
        """A map is finished: the other one of a difference of classes, or no more."""
        self._running = None
        if order is None:
            self._finished()
            return
        self._show_progress(reading, order)
        open_ = [each for each in order.places if not self.talks.done(reading, each)]
        if open_ and open_[0] != place:
            self._step(generation, reading, open_[0], order)
        elif open_:
            self._fail("The map does not fit into the memory budget for maps.")
        else:
            self._finished()

    def _weigh(self, order: Order | None) -> None:
        """A coarse map is there, and it is known how long the rest takes: go on, or wait for the user."""
        self._running = None
        self._rest()
        self._begin(order)

    def _tell_late(self, place: Place) -> None:
        """What a step brought that was under way when the user stopped."""
        asking, order = self._session.asking, self._order
        if order is not None and place in order.places and asking is not None and asking.stage == "stopped":
            self._show_stopped(order)

    def _fail(self, sentence: str) -> None:
        self._series = None
        self._pause()
        self._session.asking = Asking("refused", sentence=sentence)

    def _keep(self, reading: SeriesReading, place: Place, reply: ExplainReply | None, talk: Talk) -> None:
        if reply is None:
            return
        self.talks.put(reading, place, reply)
        self.talks.learn(talk, reply)
        self._filling.count()
        self._session.revision += 1

    def _places(self, reading: SeriesReading, index: int) -> tuple[Place, ...]:
        return places_shown(self._session, reading, index)

    def _slice_done(self, reading: SeriesReading, index: int) -> bool:
        return all(self.talks.done(reading, place) for place in self._places(reading, index))

    def _next_of_series(self, reading: SeriesReading) -> int | None:
        order = fill_order(reading.atlas.slices, self._session.view.slice)
        return next((i for i in order if i in reading.filled and not self._slice_done(reading, i)), None)

    def _subject(self, reading: SeriesReading) -> tuple[Variant, str, str, str]:
        method = method_of(self._session)
        return reading.variant, self._session.choice.target, method.layer, method.key

    # --- saying so ---------------------------------------------------------------------------------------------------

    def _pause(self) -> None:
        """End the chain; the step that is under way is finished and kept."""
        self._generation += 1
        if self._running is not None:
            self._running.stop()
            self._running = None
            self._rest()

    def _show_progress(self, reading: SeriesReading, order: Order | None) -> None:
        asking = self._session.asking
        if order is not None and asking is not None:
            done, total = self.talks.rounds(reading, order)
            self._session.asking = replace(asking, done=done, total=total)
        self._show_work()

    def _show_stopped(self, order: Order) -> None:
        self._show_waiting(order, "stopped")

    def _show_waiting(self, order: Order, stage: Stage) -> None:
        """It waits for the user; what is there stays."""
        session, reading = self._session, self._session.reading
        if reading is None:
            return
        done, total = self.talks.rounds(reading, order)
        session.asking = Asking(
            stage,
            done,
            total,
            method_of(session).info.round_unit,
            seconds=self.talks.seconds_left(reading, order),
        )

    def _show_work(self) -> None:
        asking = self._session.asking
        if asking is not None:
            self._session.work = Work(self._work_name(), asking.done, asking.total, asking.started)

    def _work_name(self) -> str:
        return method_of(self._session).info.title
