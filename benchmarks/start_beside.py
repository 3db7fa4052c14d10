"""From the start of a process to a window that has been painted, beside napari's.

napari is looked for in this environment, else in the one whose interpreter ``NAPARI_PYTHON`` names: it wants libraries
of its own. Where there is none the start of our own window is all that is measured. Both windows are empty, on Qt's
offscreen platform, and the runs take turns, so that a slow minute of the machine falls on both.
"""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measuring import Report, Row

_GOAL = 0.4
_RUNS = 5

_SEEN = """
{loaded}
import json, os, sys, time
from {binding}.QtCore import QEvent, QObject, QTimer

class Eye(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            # The event has yet to be handled: the next turn of the loop comes after it.
            QTimer.singleShot(0, told)
        return False

def told():
    print(json.dumps({{"visible": time.time() - BEGUN, "processor": time.process_time(), "version": VERSION}}))
    sys.stdout.flush()
    os._exit(0)
"""
_OURS_LOADED = """
from viewer.app import _application
from viewer.controllers.workbench import Workbench
from viewer.foundation.provenance import program_version
from viewer.foundation.settings import Settings
from viewer.jobs.qt_runner import QtRunner
from viewer.ui.main_window import MainWindow
VERSION = program_version()
"""
_OURS = """
app = _application(Settings())
window = MainWindow(Workbench(QtRunner()))
window.resize(1440, 980)
eye = Eye()
window.installEventFilter(eye)
window.show()
app.exec()
"""
_NAPARI_LOADED = """
import napari
VERSION = napari.__version__
"""
_NAPARI = """
viewer = napari.Viewer(show=False)
window = viewer.window._qt_window
window.resize(1440, 980)
eye = Eye()
window.installEventFilter(eye)
viewer.show()
napari.run()
"""


def _start(python: str, loaded: str, words: str, binding: str, home: str) -> dict[str, float | str]:
    """One fresh process: what it says of its first paint."""
    begun = time.time()
    done = subprocess.run(
        [python, "-c", f"BEGUN = {begun!r}\n{_SEEN.format(loaded=loaded, binding=binding)}\n{words}"],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=Path(__file__).resolve().parents[1],
        env={
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            "PYTHONPYCACHEPREFIX": f"{home}/compiled",
            "QT_QPA_PLATFORM": "offscreen",
            "WHYSLICE_HOME": home,
            "NAPARI_CONFIG": f"{home}/napari.yaml",
        },
        check=False,
    )
    if done.returncode != 0 or not done.stdout.strip():
        raise RuntimeError(f"the window did not come: {done.stderr.strip()[-2000:]}")
    said: dict[str, float | str] = json.loads(done.stdout.splitlines()[-1])
    return said


def _napari() -> str:
    """The interpreter that has napari; empty for none."""
    if os.environ.get("NAPARI_PYTHON"):
        return os.environ["NAPARI_PYTHON"]
    return sys.executable if importlib.util.find_spec("napari") else ""


def beside_napari() -> Report:
    """Process start to visible window."""
    peer = _napari()
    ours: list[dict[str, float | str]] = []
    theirs: list[dict[str, float | str]] = []
    with tempfile.TemporaryDirectory() as home:
        for _ in range(_RUNS + 1):
            ours.append(_start(sys.executable, _OURS_LOADED, _OURS, "PySide6", home))
            if peer:
                theirs.append(_start(peer, _NAPARI_LOADED, _NAPARI, "qtpy", home))
    rows = []
    for what, key in (("process to visible window", "visible"), ("the same, processor's time", "processor")):
        own = _middle(ours, key)
        if not theirs:
            rows.append(Row(what, own))
            continue
        other = _middle(theirs, key)
        goal = f"<= {_GOAL:g} of napari's" if key == "visible" else ""
        met = own <= _GOAL * other if goal else None
        rows.append(Row(what, own, f"napari {theirs[0]['version']}", other, goal, met))
    return Report(agreements=(), rows=tuple(rows))


def _middle(runs: list[dict[str, float | str]], key: str) -> float:
    """The median of all but the first, milliseconds: the runs take turns, so both have the same machine."""
    return statistics.median(float(run[key]) for run in runs[1:]) * 1000


BENCHMARKS: dict[str, Callable[[], Report]] = {"start_beside_napari": beside_napari}
