"""How long any single action holds the event loop up, over the demo patient: every row of the table, one by one.

Twice: by the clock, which a busy machine lengthens, and in processor time of the window's own thread, which says what
the window itself does but nothing of waiting for other threads. The changes of the whole style are measured as well.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from unittest import mock

from benchmarks.measuring import Report, Row
from viewer.state.session import Workspace

_GOAL = 50.0
"""Milliseconds for which an action may hold the event loop up."""
_SHOWN = 8
"""Actions that are named, the slowest first."""
Held = tuple[float, float]
"""Milliseconds by the clock, and of the processor time of the window's thread."""
_TIMES = 3
"""How often each is done; the least hold-up counts, because disturbance only ever adds time."""
_LEFT_OUT = ("open", "save", "load", "begin", "quit")
"""How the names of dialogs begin that are the system's own, for nobody is there to answer them; and the end."""
_PAGES: tuple[Workspace, ...] = ("volume", "layers", "compare", "cohort")


def heartbeat() -> Report:
    """Each action of the table: from its call until the loop has turned often enough for everything to be on screen."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as home, mock.patch.dict(os.environ, WHYSLICE_HOME=home):
        return _over_the_demo()


def _over_the_demo() -> Report:
    from PySide6.QtCore import QEvent
    from PySide6.QtWidgets import QDialog

    from viewer.actions.table import ACTIONS
    from viewer.app import _application
    from viewer.controllers.workbench import Workbench
    from viewer.foundation.settings import Settings
    from viewer.jobs.qt_runner import QtRunner
    from viewer.ui.main_window import MainWindow

    app, runner = _application(Settings()), QtRunner()
    window = MainWindow(Workbench(runner))
    window.resize(1440, 980)
    window.show()
    bench, session = window.bench, window.bench.session

    beat = _Beat(lambda: runner.idle and session.work is None and window.settled)
    settle = beat.settle

    bench.opening.open_demo()
    bench.explaining.select_model("stroke-gap")
    while (
        session.case is None or session.reading is None or len(session.reading.filled) < session.case.slices
    ):
        settle()
    bench.boxing.add(40, 40, 80, 90)
    for workspace in _PAGES:
        beat.measure(f"first look at {workspace}", partial(bench.viewing.set_workspace, workspace))
    bench.viewing.set_workspace("reading")
    settle()
    for action in ACTIONS:
        if bench.session.case is None:  # one of them closes it
            bench.opening.open_demo()
            settle()
        left_out = (action.dialog or "").partition("-")[0] in _LEFT_OUT
        if left_out or not action.is_enabled(session):
            continue
        for _ in range(_TIMES):
            if not action.is_enabled(session):
                break
            beat.measure(action.id, lambda name=action.id: window.act(name))  # type: ignore[misc]
            for dialog in window.findChildren(QDialog):
                dialog.reject()
            app.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
            if session.cine.playing:
                bench.playing.stop()
            settle()
    for name, values in (("theme", ("light", "dark")), ("text_size", (1.25, 1.0))):
        for value in values:
            beat.measure(f"change of {name.replace('_', ' ')}", partial(bench.preferring.set, name, value))
    window.close()
    runner.shutdown()
    return Report(agreements=(), rows=_rows(beat.held))


class _Beat:
    """Takes the times of steps in a window.

    Parameters
    ----------
    calm : whether nothing runs and everything is on screen.
    """

    def __init__(self, calm: Callable[[], bool]) -> None:
        self._calm = calm
        self.held: dict[str, Held] = {}

    def settle(self, seconds: float = 0.05) -> Held:
        """Turn the loop until nothing runs; the longest single turn."""
        from PySide6.QtWidgets import QApplication

        longest, until = (0.0, 0.0), time.monotonic() + seconds
        while time.monotonic() < until:
            longest = _most(longest, _held_by(QApplication.processEvents))
            if not self._calm():
                until = time.monotonic() + seconds
                time.sleep(0.0005)  # the lanes want the interpreter too
        return longest

    def measure(self, name: str, step: Callable[[], object]) -> None:
        """The least that a step of this name has held the loop up, with what follows from it."""
        took = _most(_held_by(step), self.settle())
        self.held[name] = _least(took, self.held.get(name, took))


def _held_by(step: Callable[[], object]) -> Held:
    begun, own = time.perf_counter(), time.thread_time()
    step()
    return (time.perf_counter() - begun) * 1000, (time.thread_time() - own) * 1000


def _rows(held: Mapping[str, Held]) -> tuple[Row, ...]:
    """The slowest by the clock, then the slowest by processor time."""
    by_clock, by_work = (sorted(held.items(), key=lambda one, n=n: -one[1][n]) for n in (0, 1))  # type: ignore[misc]
    (first, took), *others = by_clock[:_SHOWN]
    over = any(clock > _GOAL for clock, _ in held.values())
    what = f"{len(held)} actions, the slowest by the clock: {first}"
    return (
        Row(what, took[0], goal=f"<= {_GOAL:g} ms", met=not over),
        *(Row(name, each[0]) for name, each in others),
        *(Row(f"{name}, processor time", each[1]) for name, each in by_work[:_SHOWN]),
    )


def _most(one: Held, other: Held) -> Held:
    return max(one[0], other[0]), max(one[1], other[1])


def _least(one: Held, other: Held) -> Held:
    return min(one[0], other[0]), min(one[1], other[1])


BENCHMARKS = {"heartbeat": heartbeat}
