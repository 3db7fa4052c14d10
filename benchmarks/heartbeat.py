"""How long any single action holds the event loop up, over the demo patient: every row of the table, one by one."""

from __future__ import annotations

import os
import time

from benchmarks.measuring import Report, Row

_GOAL = 50.0
"""Milliseconds for which an action may hold the event loop up."""
_SHOWN = 8
"""Actions that are named, the slowest first."""
_TIMES = 3
"""How often each is done; the least hold-up counts, because disturbance only ever adds time."""
_LEFT_OUT = (
    *(
        "open-file",
        "open-folder",
        "open-beside",
        "load-truth",
        "save-figure",
        "save-maps",
    ),  # the system's dialogs
)


def heartbeat() -> Report:
    """Each action of the table: from its call until the loop has turned often enough for everything to be on screen."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
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

    def settle(seconds: float = 0.05) -> float:
        """Turn the loop until nothing runs; the longest single turn, milliseconds."""
        longest, calm = 0.0, time.monotonic() + seconds
        while time.monotonic() < calm:
            begun = time.perf_counter()
            app.processEvents()
            longest = max(longest, time.perf_counter() - begun)
            if not (runner.idle and session.work is None and window.settled):
                calm = time.monotonic() + seconds
                time.sleep(0.0005)  # the lanes want the interpreter too
        return longest * 1000

    bench.opening.open_demo()
    bench.explaining.select_model("stroke-gap")
    settle()
    bench.boxing.add(40, 40, 80, 90)
    held: dict[str, float] = {}
    for action in ACTIONS:
        if action.dialog in _LEFT_OUT or not action.is_enabled(session):
            continue
        for _ in range(_TIMES):
            if not action.is_enabled(session):
                break
            begun = time.perf_counter()
            window.act(action.id)
            took = max((time.perf_counter() - begun) * 1000, settle())
            held[action.id] = min(took, held.get(action.id, took))
            for dialog in window.findChildren(QDialog):
                dialog.reject()
            app.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
            if session.cine.playing:
                bench.playing.stop()
            settle()
    window.close()
    runner.shutdown()
    slowest = sorted(held.items(), key=lambda one: -one[1])
    over = [name for name, took in slowest if took > _GOAL]
    rows = [
        Row(
            f"{len(held)} actions, the slowest: {slowest[0][0]}",
            slowest[0][1],
            goal=f"<= {_GOAL:g} ms",
            met=not over,
        )
    ]
    rows += [Row(name, took) for name, took in slowest[1:_SHOWN]]
    return Report(agreements=(), rows=tuple(rows))


BENCHMARKS = {"heartbeat": heartbeat}
