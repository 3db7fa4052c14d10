"""A window over a tiny model and a tiny patient; jobs run at once, so every state is a settled one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from tests.fake_contents import FakeSeries, contents, vanished
from tests.tiny import bright_spot, write_tiny_model
from viewer.controllers import engine, looking
from viewer.controllers.workbench import Workbench
from viewer.foundation.job_runner import InlineRunner
from viewer.imaging.image import PatientInfo
from viewer.imaging.series import Unreadable
from viewer.ui import theme
from viewer.ui.main_window import MainWindow


@pytest.fixture(autouse=True, scope="session")
def _styled(qapp):
    theme.apply(qapp, "dark")


@pytest.fixture
def tiny_model(user_folder) -> str:
    return write_tiny_model(user_folder).name


@pytest.fixture
def passes(monkeypatch) -> list[int]:
    """Slices that went through the network, in order."""
    seen: list[int] = []
    real = engine.trace_slice

    def counted(request, *arguments):
        seen.append(request.index)
        return real(request, *arguments)

    monkeypatch.setattr(engine, "trace_slice", counted)
    return seen


class Driver:
    """A window with hands."""

    def __init__(self, qtbot, window: MainWindow) -> None:
        self.qtbot = qtbot
        self.window = window
        self.bench = window.bench
        self.session = window.bench.session
        self.canvas = window.canvas
        self.picture = window.canvas.picture

    def settle(self) -> None:
        QApplication.processEvents()
        self.qtbot.waitUntil(lambda: self.window.settled)
        QApplication.processEvents()

    def wheel(
        self,
        notches: float,
        held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
        *,
        at: QPointF | None = None,
        sideways: bool = False,
        on: QWidget | None = None,
    ) -> None:
        target = on or self.picture
        place = at or QPointF(target.rect().center())
        turned = round(notches * 120)
        event = QWheelEvent(
            place,
            QPointF(target.mapToGlobal(place.toPoint())),
            QPoint(),
            QPoint(turned, 0) if sideways else QPoint(0, turned),
            Qt.MouseButton.NoButton,
            held,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(target, event)

    def drag(
        self,
        start: QPointF,
        end: QPointF,
        button: Qt.MouseButton = Qt.MouseButton.LeftButton,
        held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
        *,
        during: Callable[[], None] | None = None,
    ) -> None:
        view = self.picture
        QTest.mousePress(view, button, held, start.toPoint())
        for share in (0.3, 0.7, 1.0):
            point = start + (end - start) * share
            send_move(view, point.toPoint(), button, held)
        if during is not None:
            self.settle()
            during()
        QTest.mouseRelease(view, button, held, end.toPoint())
        self.settle()

    def at(self, row: float, column: float) -> QPointF:
        """Screen point of a picture position (edges)."""
        return self.picture.to_screen(column, row)

    def key(self, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self.picture, key, held)
        self.settle()


def send_move(view: QWidget, point: QPoint, button: Qt.MouseButton, held: Qt.KeyboardModifier) -> None:
    """A move with a button held, which QTest.mouseMove cannot say."""
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(point),
        QPointF(view.mapToGlobal(point)),
        Qt.MouseButton.NoButton,
        button,
        held,
    )
    QApplication.sendEvent(view, event)


@pytest.fixture
def bare(qtbot, tiny_model) -> Driver:
    """A window without a case."""
    window = MainWindow(Workbench(InlineRunner()))
    window.resize(1300, 900)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    driver = Driver(qtbot, window)
    driver.settle()
    return driver


@pytest.fixture
def driver(bare, passes) -> Driver:
    """A window with the tiny patient explained by the tiny model; on the slice with the bright spot."""
    bare.bench.opening.show(bright_spot(9, at=(4, 8, 20)))
    bare.bench.explaining.select_model("tiny")
    bare.bench.viewing.select_slice(4)
    bare.settle()
    bare.canvas.setFocus()
    return bare


ANNA = PatientInfo("Anna^Example", "A-17", "19700101", "F", "048Y", "20180918")


@pytest.fixture
def shelf(monkeypatch):
    held = {}
    monkeypatch.setattr(looking.Contents, "of", staticmethod(lambda path, *_: held[Path(path).name]))
    return held


@pytest.fixture
def study(bare, shelf):
    """Two patients: three series of the first, one of the second."""
    shelf["study"] = contents(
        FakeSeries("T1 sagittal", 4, patient=ANNA),
        FakeSeries("DWI", 6, patient=ANNA, volumes=5, b_values=(0.0, 1000.0)),
        FakeSeries("T2", 9, patient=ANNA, affine=np.diag([1, 1, 3.0, 1])),
        FakeSeries("CT head", 5, patient_key="two", modality="CT", broken=vanished()),
        unreadable=(Unreadable(Path("Anna_notes.txt"), "not-an-image", "'Anna_notes.txt' is not an image."),),
    )
    bare.bench.opening.open("study")
    bare.settle()
    return bare
