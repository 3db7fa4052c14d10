"""Opening, dropping, choosing, failing, closing; and how long the event loop was ever held up."""

from __future__ import annotations

import gc
import sys
import threading
import time

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QThread, QTimer, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication

from tests.tiny import bright_spot
from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import ReadError
from viewer.imaging.writing import write_nifti
from viewer.jobs.qt_runner import QtRunner
from viewer.ui import theme
from viewer.ui.dialogs.about import About
from viewer.ui.last_resort import LastResort
from viewer.ui.main_window import MainWindow


def drop(window, *paths) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    event = QDropEvent(
        QPointF(50, 50),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    window.dropEvent(event)


@pytest.fixture
def nifti(tmp_path):
    image = bright_spot(7)
    path = tmp_path / "head.nii.gz"
    write_nifti(path, image.voxels, image.geometry)
    return path


def test_an_empty_window_says_how_to_begin(bare):
    assert bare.window.screen_.canvas is None
    assert not bare.picture.isVisible()
    assert "Drop a file" in bare.window.status._hint.full


def test_a_dropped_file_is_opened(driver, nifti):
    drop(driver.window, nifti)
    driver.settle()
    assert driver.session.case.slices == 7


@pytest.mark.parametrize("content", [b"", b"no image at all", b"\x89PNG\r\n\x1a\nbroken"])
def test_a_dropped_file_that_is_no_image_is_one_sentence_and_leaves_the_case(driver, tmp_path, content):
    case, shown = driver.session.case, driver.window.screen_.canvas
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    drop(driver.window, path)
    driver.settle()
    assert driver.session.case is case
    assert driver.window.screen_.canvas is shown
    assert driver.window.notice.isVisible()
    words = driver.window.notice.sentence.text()
    assert "The file" in words
    assert "bad" not in words, "a file is often called like the patient"
    assert "Traceback" not in words
    driver.bench.viewing.toggle_phi()
    driver.settle()
    assert "bad.png" in driver.window.notice.sentence.text()
    driver.bench.viewing.toggle_phi()
    driver.settle()
    assert driver.window.notice.sentence.text() == words


def test_a_dropped_path_that_is_gone_leaves_the_case(driver, tmp_path):
    case = driver.session.case
    drop(driver.window, tmp_path / "gone")
    driver.settle()
    assert driver.session.case is case
    assert driver.window.notice.isVisible()


def test_about_says_what_it_is_not_for(qtbot):
    from PySide6.QtWidgets import QLabel

    dialog = About()
    qtbot.addWidget(dialog)
    text = " ".join(label.text() for label in dialog.findChildren(QLabel))
    assert "not a medical device" in text
    assert "Apache-2.0" in text


def test_a_spacing_that_the_file_does_not_know_is_stated_from_its_finding(driver, tmp_path):
    from PySide6.QtWidgets import QPushButton

    from viewer.ui.dialogs.voxel_spacing import VoxelSpacing

    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(tmp_path / "film.png")
    driver.bench.opening.open(tmp_path / "film.png")
    driver.settle()
    buttons = driver.window.case_panel.findChildren(QPushButton)
    [button] = [each for each in buttons if each.text() == "State the spacing\u2026"]
    button.click()
    [dialog] = driver.window.findChildren(VoxelSpacing)
    assert [box.isVisibleTo(dialog) for box in dialog.steps] == [False, True, True]
    dialog.steps[1].setValue(0.25)
    dialog.steps[2].setValue(0.5)
    dialog.accept()
    driver.settle()
    assert driver.session.case.image.geometry.spacing_mm == pytest.approx((1, 0.25, 0.5))
    assert "no-spacing" not in {finding.code for finding in driver.session.diagnoses}


# --- failures -------------------------------------------------------------------------------------------------------


def test_what_nobody_caught_becomes_one_sentence_from_any_thread(driver, caplog):
    resort = LastResort(driver.bench)
    resort.install()
    try:
        error = ValueError("Doe^Jane lives in a message")
        sys.excepthook(ValueError, error, None)
        driver.settle()
        QApplication.processEvents()
        driver.settle()
        assert "defect" in driver.window.notice.sentence.text()
        assert "Doe" not in driver.window.notice.sentence.text() + caplog.text
        driver.bench.dismiss_notice()

        def fail() -> None:
            raise ReadError("The disk is gone.")

        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        assert driver.session.notice is None, "the state is written in the GUI thread only"
        QApplication.processEvents()
        driver.settle()
        assert driver.window.notice.sentence.text() == "The disk is gone."
    finally:
        resort.remove()


# --- themes ---------------------------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", ["dark", "light"])
def test_words_have_contrast(name):
    found = theme.THEMES[name]
    for purpose in ("text", "muted", "amber", "red", "green", "grey", "accent", "mass_text"):
        for ground in ("ground", "card"):
            assert contrast(getattr(found, purpose), getattr(found, ground)) >= 4.5, (purpose, ground)
    for ground in ("raised", "selected", "hover"):
        assert contrast(found.text, getattr(found, ground)) >= 4.5
    assert contrast(found.on_accent, found.accent) >= 4.5
    for purpose in ("muted", "accent"):  # words in fields and on chosen rows
        for ground in ("raised", "selected"):
            assert contrast(getattr(found, purpose), getattr(found, ground)) >= 4.5, (purpose, ground)
    for ground in ("ground", "card", "raised"):  # the frame of what has the focus, and signs without words
        for purpose in ("accent", "amber", "red", "green", "muted"):
            assert contrast(getattr(found, purpose), getattr(found, ground)) >= 3, (purpose, ground)
    for purpose in ("letter", "drawn", "reader", "map_box"):
        assert contrast(getattr(found, purpose), found.canvas) >= 4.5


@pytest.mark.parametrize("name", ["dark", "light"])
def test_the_style_sheet_has_no_name_left(name):
    assert "@" not in theme.style_sheet(theme.THEMES[name])


# --- life -----------------------------------------------------------------------------------------------------------


def test_ten_windows_open_and_close_and_leave_no_thread(qtbot, qapp, tiny_model):
    threads = threading.active_count()
    for _ in range(10):
        runner = QtRunner()
        window = MainWindow(Workbench(runner))
        window.show()
        window.bench.opening.show(bright_spot(6))
        window.bench.explaining.select_model("tiny")
        qtbot.waitUntil(lambda s=window.bench.session: s.model is not None, timeout=10_000)
        qtbot.wait(5)
        window.close()
        assert runner.shutdown(10)
        window.deleteLater()
        qapp.sendPostedEvents(None, 0)
        qapp.processEvents()
    gc.collect()
    assert threading.active_count() == threads
    assert not [w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow) and w.isVisible()]
    assert not [child for child in qapp.findChildren(QThread) if child.isRunning()]


class Heartbeat:
    """The longest time for which the event loop did not turn."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._last = time.perf_counter()
        self._timer = QTimer()
        self._timer.setInterval(1)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, now - self._last)
        self._last = now

    def stop(self) -> float:
        self._beat()
        self._timer.stop()
        return self.longest * 1000


def test_the_event_loop_keeps_turning_while_the_series_is_filled_scrolled_and_switched(
    qtbot, qapp, tiny_model
):
    runner = QtRunner()
    window = MainWindow(Workbench(runner))
    bench, session = window.bench, window.bench.session
    window.show()
    bench.explaining.select_model("tiny")
    qtbot.waitUntil(lambda: session.model is not None, timeout=20_000)
    rng = np.random.default_rng(0)
    image = bright_spot(24)
    bench.opening.show(image)
    qtbot.wait(20)
    heart = Heartbeat()
    try:
        for n in range(60):
            bench.viewing.step(int(rng.integers(-3, 4)))
            if n % 10 == 0:
                bench.explaining.step_target()
                bench.explaining.step_layer(-1 if n % 20 else 1)
            qtbot.wait(5)
        qtbot.waitUntil(lambda: runner.idle and session.work is None, timeout=30_000)
        longest = heart.stop()
        assert len(session.reading.filled) == 24
        print(f"longest block of the event loop: {longest:.0f} ms")
        assert longest < 1000, "far above what is wanted (50), so that a busy machine does not fail it"
    finally:
        window.close()
        assert runner.shutdown(10)
        window.deleteLater()
        qapp.sendPostedEvents(None, 0)
