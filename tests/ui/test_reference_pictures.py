"""Every panel looks as it did when somebody looked at it. How to renew a picture: `tests/ui/reference_picture.py`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QWidget

from tests.tiny_cohort import write_tiny_cohort
from tests.ui.reference_picture import FOLDER, compared, difference, small_grey
from viewer.state.session import Notice

READING = (
    *("top", "case_panel", "may_read", "canvas", "strip", "model", "prediction", "explainer", "rail"),
    *("overlay", "input", "bottom", "status"),
)


def panels(driver, names, prefix: str) -> dict[str, QWidget]:
    return {f"{prefix}-{name}": getattr(driver.window, name) for name in names}


def themed(driver, theme: str) -> None:
    driver.session.settings = replace(driver.session.settings, theme=theme)
    driver.settle()


@pytest.fixture
def looked_at(driver):
    """Without a caret, a focus frame or a mouse over anything; dark again afterwards."""
    driver.window.setFocus()
    driver.bench.boxing.add(6, 18, 13, 26)
    driver.settle()
    yield driver
    themed(driver, "dark")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_reading(looked_at, theme):
    themed(looked_at, theme)
    assert compared(panels(looked_at, READING, theme)) == []


def test_the_pages_under_the_picture(looked_at):
    found = {}
    for tab in ("importance", "checks", "notes"):
        looked_at.bench.viewing.show_tab(tab)
        looked_at.settle()
        found |= panels(looked_at, (tab,), "dark")
        assert compared(found) == []


@pytest.mark.parametrize(
    ("workspace", "name"),
    [("compare", "compare"), ("layers", "layers"), ("volume", "planes"), ("cohort", "cohort")],
)
def test_workspaces(looked_at, workspace, name):
    looked_at.bench.viewing.set_workspace(workspace)
    looked_at.settle()
    assert compared({f"dark-{name}": getattr(looked_at.window.stage, name)}) == []


def test_the_sheet_of_layers(looked_at):
    looked_at.bench.viewing.set_workspace("layers")
    looked_at.bench.viewing.toggle_sheet()
    looked_at.settle()
    assert compared({"dark-sheet": looked_at.window.stage.layers}) == []


def test_a_lesson(looked_at, tmp_path):
    looked_at.bench.teaching.begin(write_tiny_cohort(tmp_path / "class"))
    looked_at.bench.teaching.count(1, 9)
    looked_at.settle()
    found = compared({"dark-lesson-open": looked_at.window.lesson})
    looked_at.bench.teaching.reveal()
    looked_at.settle()
    assert found + compared({"dark-lesson-revealed": looked_at.window.lesson}) == []


def test_a_notice(looked_at):
    looked_at.session.notice = Notice("This is a sentence of the program.", severity="warning")
    looked_at.settle()
    assert compared(panels(looked_at, ("notice",), "dark")) == []


def test_pictures_are_small():
    assert sum(path.stat().st_size for path in FOLDER.glob("*.png")) < 2 << 20


def test_what_is_gone_moved_or_cut_is_seen(looked_at):
    """The comparison can fail: each of these is what a change of a panel by mistake looks like."""
    window = looked_at.window
    wanted = small_grey(window.case_panel)
    assert difference(small_grey(window.case_panel), wanted) == ""
    window.prediction.hide()
    assert difference(small_grey(window.model), small_grey(window.prediction)) != ""
    window.case_panel._row.hide()
    assert difference(small_grey(window.case_panel), wanted) != ""
    with Image.open(FOLDER / "dark-canvas.png") as picture:
        canvas = np.asarray(picture.convert("L"))
    assert difference(canvas[:, ::-1].copy(), canvas) != ""  # left and right exchanged
    assert difference(np.roll(canvas, 8, axis=0), canvas) != ""
    assert difference(255 - canvas, canvas) != ""
