"""Asking a class which of several maps is a decoy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random, SystemRandom
from typing import TYPE_CHECKING

import numpy as np

from viewer.controllers.decoys import Map, RealMap, checked_kind, decoy_question, possible, real_maps
from viewer.foundation.errors import Cancelled, UsageError
from viewer.foundation.job_runner import JobRunner
from viewer.foundation.progress import Progress
from viewer.state.lesson import DecoyKind, Lesson
from viewer.state.session import Notice, Session, Work
from viewer.state.veil import veil

if TYPE_CHECKING:
    from viewer.controllers.engine import TraceRequest

_TRIES = 6
"""Networks with random weights that are tried until one makes a map that is not empty."""
_WORK = "making a decoy"


class DecoyAsking:
    """Verbs of a decoy question.

    Parameters
    ----------
    press : keeps the case as it is, before its maps are hidden.
    draw : what chance decides by: the kind of a decoy and its place. None for one that nobody can foresee.
    """

    def __init__(
        self, session: Session, runner: JobRunner, press: Callable[[], None], draw: Random | None = None
    ) -> None:
        self._session = session
        self._runner = runner
        self._press = press
        self._draw = draw or SystemRandom()

    def ask(self, kind: DecoyKind | None = None) -> None:
        """Show real maps of the slice and a decoy among them; the class says which it is.

        Parameters
        ----------
        kind : of the decoy; None for one that chance decides.

        Raises
        ------
        UsageError
            Before the case has been revealed, or where the slice has too few maps.
        """
        session, lesson = self._session, self._lesson()
        if veil(session) or lesson.away or lesson.opening:
            raise UsageError("Reveal the answer first: the maps would show it.", code="voting")
        self._press()
        real = real_maps(session)
        if len(real) < 2:
            raise UsageError(
                "This slice has too few maps that differ.",
                code="no-maps",
                action="Go to the peak, or choose another class or layer.",
            )
        chosen = checked_kind(kind, possible(session, real), self._draw)
        if chosen != "random-weights":
            self._pose(real, chosen, None)
            return
        self._randomised(real, chosen, fallback=kind is None)

    def leave(self) -> None:
        """Back from the maps of a decoy question to the case."""
        lesson = self._lesson()
        if lesson.question is not None and not lesson.question.revealed:
            raise UsageError("The class is voting: reveal the answer first.", code="voting")
        self._session.lesson = replace(lesson, asking_maps=False)

    def _pose(self, real: tuple[RealMap, ...], kind: DecoyKind, random_weights: Map | None) -> None:
        session = self._session
        lesson = session.lesson
        if lesson is not None:
            question = decoy_question(session, real, kind, self._draw, random_weights)
            session.lesson = replace(lesson.with_step(replace(lesson.step, decoy=question)), asking_maps=True)

    def _randomised(self, real: tuple[RealMap, ...], kind: DecoyKind, *, fallback: bool) -> None:
        """Ask a network with random weights, on the lane where networks are asked."""
        session, like = self._session, real[0]
        lesson, reading, case = session.lesson, session.reading, session.case
        target, index = session.target_index, session.view.slice
        assert reading is not None
        assert case is not None
        assert target is not None
        variant, seed = reading.variant, self._draw.randrange(1 << 16)
        image = case.given(variant.erased)
        request = (
            *(variant.model, session.device, image, index, variant.mirror, variant.crop, variant.score),
            *((like.layer,), (target,), (like.explainer,)),
        )
        session.work = Work(_WORK)

        def work(progress: Progress) -> Map | None:
            from viewer.controllers import engine

            wanted: TraceRequest = engine.TraceRequest(*request)
            for number in range(_TRIES):
                progress.report(number, _TRIES)
                made = engine.trace_randomised(wanted, seed + number)
                found = np.maximum(made.maps[target, like.layer, like.explainer], 0)
                if np.isfinite(found).all() and found.max(initial=0.0) > 0:
                    return np.asarray(found, dtype=np.float32)
            return None

        def over() -> bool:
            """Whether somebody still waits for it."""
            if session.work is not None and session.work.name == _WORK:
                session.work = None
            return session.lesson is lesson and session.reading is reading and session.view.slice == index

        def done(found: Map | None) -> None:
            if not over():
                return
            if found is not None:
                self._pose(real, kind, found)
            elif fallback:
                self._pose(real, "random", None)
            else:
                session.notice = Notice("No network with random weights made a map that is not empty.")

        def failed(error: Exception) -> None:
            if over() and not isinstance(error, Cancelled):
                session.notice = Notice.of(error)

        self._runner.submit("compute", work, done=done, failed=failed)

    def _lesson(self) -> Lesson:
        if (lesson := self._session.lesson) is None:
            raise UsageError("There is no lesson: begin one first.", code="no-lesson")
        return lesson
