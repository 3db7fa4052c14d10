"""Selecting, scrolling and switching move nothing: every area stays where it is, whatever notices come and go."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QLabel, QScrollArea, QTableView, QWidget

from tests.tiny import bright_spot, write_tiny_model
from viewer.imaging.diagnoses import Diagnosis
from viewer.state.experiment import ExperimentOnScreen
from viewer.state.session import Notice, Work

SHIFT = Qt.KeyboardModifier.ShiftModifier
AREAS = (
    *("top", "left", "may_read", "stage", "_line", "strip", "bottom"),
    *("model", "prediction", "explainer", "rail", "overlay", "input", "status"),
)
ON_DEMAND = ("smoothgrad", "integrated-gradients", "lime", "occlusion", "input-x-gradient", "lrp")


def places(driver) -> dict[str, tuple[int, int, int, int]]:
    """Where each area lies in the window: left, top, width, height."""
    window, found = driver.window, {}
    areas = {name: getattr(window, name) for name in AREAS}
    areas |= {"canvas": window.canvas, "picture": window.canvas.picture}
    areas |= {"explainers": window.explainer.explainers, "score": window.explainer.score}
    areas |= {f"tab {name}": button for name, button in window.bottom.tabs.buttons.items()}
    areas |= {"table": window.boxes.table, "cells": window.overlay.true_grid}
    for name, widget in areas.items():
        corner = widget.mapTo(window, QPoint())
        found[name] = (corner.x(), corner.y(), widget.width(), widget.height())
    return found


def cut(window) -> list[str]:
    """What of the window cannot be read to its end: words wider or higher than their place, columns, what is outside.

    Labels that end in dots are whole by their own account: their tooltips have the rest.
    """
    found = []
    for widget in window.findChildren(QWidget):
        if not widget.isVisible():
            continue
        name = type(widget).__name__
        area = _area_around(widget)
        if area is not None and area.widget().width() > area.viewport().width():
            found.append(f"{name} in a column that is wider than its place")
        if isinstance(widget, QLabel) and widget.text() == getattr(widget, "full", widget.text()) != "":
            high = widget.heightForWidth(widget.width()) if widget.wordWrap() else widget.sizeHint().height()
            wide = 0 if widget.wordWrap() else widget.sizeHint().width() - 4
            if wide > widget.width() + 4 or high > widget.height() + 2:
                found.append(f"{name} '{widget.text()}'")
        elif isinstance(widget, QAbstractButton) and widget.text():
            beside = 22 if isinstance(widget, QCheckBox) else 4
            if (
                widget.fontMetrics().horizontalAdvance(widget.text().replace("&&", "&")) + beside
                > widget.width()
            ):
                found.append(f"{name} '{widget.text()}'")
            if widget.fontMetrics().height() > widget.height():
                found.append(f"{name} '{widget.text()}', too low")
        elif isinstance(widget, QTableView):
            header = widget.horizontalHeader()
            for column in range(header.count()):
                if header.sectionSizeHint(column) > header.sectionSize(column):
                    found.append(f"the heading of column {column} of {widget.accessibleName()}")
    return found


def _area_around(widget) -> QScrollArea | None:
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QScrollArea):
        parent = parent.parentWidget()
    return parent


@pytest.fixture
def watched(driver):
    """Nothing has moved since the call before; says what has."""
    driver.settle()
    before = places(driver)

    def moved() -> dict[str, object]:
        driver.settle()
        now = places(driver)
        return {name: (before[name], now[name]) for name in before if before[name] != now[name]}

    return driver, moved


@pytest.mark.parametrize("size", [(1440, 980), (1280, 760), (1020, 700)])
def test_scrolling_selecting_and_switching(watched, size):
    driver, _ = watched
    driver.window.resize(*size)
    driver.settle()
    before = places(driver)

    def moved(what: str) -> None:
        driver.settle()
        now = places(driver)
        assert {n: (before[n], now[n]) for n in before if before[n] != now[n]} == {}, what

    driver.bench.boxing.add(6, 18, 13, 26)
    moved("a box")
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_P):
        driver.key(key)
        moved(f"slice: {key}")
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Right):
        driver.key(key)
        moved("layer")
    for _ in range(4):
        driver.key(Qt.Key.Key_Right, SHIFT)
        moved("explainer")
    for _ in range(3):
        driver.key(Qt.Key.Key_T)
        moved("class")
    for tab in ("importance", "checks", "notes", "boxes"):
        driver.bench.viewing.show_tab(tab)
        moved(f"tab {tab}")
    driver.bench.boxing.select(None)
    moved("no box")


@pytest.mark.parametrize("explainer", ON_DEMAND)
def test_an_explainer_that_asks_again(watched, explainer):
    driver, moved = watched
    for seconds in (0.0, 1.0):  # it begins by itself; it waits for its button
        driver.session.support = replace(driver.session.support, pass_seconds=seconds)
        driver.bench.explaining.set_parameters(explainer, {})
        driver.bench.explaining.select_explainer(explainer)
        assert moved() == {}
    driver.bench.viewing.step(1)
    assert moved() == {}
    driver.bench.explaining.select_explainer("grad-cam")
    assert moved() == {}


def test_another_model_of_the_same_classes(watched, user_folder):
    driver, moved = watched
    write_tiny_model(user_folder, "other")
    driver.bench.explaining.select_model("other")
    assert moved() == {}
    assert driver.session.model.card.id == "other"


def test_notices_questions_and_work_come_and_go(watched):
    driver, moved = watched
    session, window = driver.session, driver.window
    for words in ("Short.", "A sentence that is much longer than the window is wide. " * 12):
        session.notice = Notice(words)
        assert moved() == {}
        assert window.notice.isVisible()
        assert window.notice.height() >= window.notice.sentence.heightForWidth(window.notice.sentence.width())
    session.experiment = ExperimentOnScreen("mirror", "Mirror", stage="running")
    assert moved() == {}
    assert window.experiment.isVisible()
    session.work = Work("explaining", done=3, total=9)
    assert moved() == {}
    session.work = None
    session.notice = session.experiment = None
    assert moved() == {}
    assert not window.strips.isVisible()


def test_words_in_the_pixels(watched):
    driver, moved = watched
    case = driver.session.case
    image = replace(case.image, diagnoses=(Diagnosis("burned-in", "warning", "Words."),))
    driver.session.case = replace(case, image=image)
    assert moved() == {}
    assert driver.window.burned_in.isVisible()


def test_the_question_about_a_tilted_series_lies_over_the_planes(bare):
    tilted = np.array([[1, 0, 0, 0], [0, 1, 1.7, 0], [0, 0, 4.7, 0], [0, 0, 0, 1.0]])
    bare.bench.opening.show(bright_spot(6, affine=tilted))
    bare.settle()
    stage = bare.window.stage
    before = (stage.mapTo(bare.window, QPoint()), stage.size())
    bare.session.workspace = "volume"
    bare.settle()
    assert bare.window.grid.isVisible()
    assert stage.mapTo(bare.window, QPoint()) == before[0]


def test_a_notice_leaves_controls_of_a_workspace_and_its_own_button_free(watched):
    driver, _ = watched
    window = driver.window
    driver.session.notice = Notice("A sentence.")
    for workspace, at_foot in (("compare", True), ("layers", True), ("cohort", True), ("reading", False)):
        driver.bench.viewing.set_workspace(workspace)
        driver.settle()
        stage = window.stage
        top = stage.mapTo(window, QPoint()).y()
        strips = window.strips.mapTo(window, QPoint()).y()
        assert (strips > top + stage.height() / 2) == at_foot, workspace
        over = window.notice.dismiss.mapTo(window, window.notice.dismiss.rect().center())
        assert window.childAt(over) is window.notice.dismiss


def test_a_change_that_moves_something_is_seen(watched):
    """The comparison can fail."""
    driver, moved = watched
    driver.window.may_read.hide()
    assert "stage" in moved()


@pytest.mark.parametrize("size", [(1366, 700), (1280, 760), (1020, 700)])
def test_tables_under_the_picture_show_several_whole_lines_in_a_small_window(driver, size):
    driver.window.resize(*size)
    driver.settle()
    for tab in ("boxes", "importance", "checks"):
        driver.bench.viewing.show_tab(tab)
        driver.settle()
        table = getattr(driver.window, tab).table
        line = table.verticalHeader().defaultSectionSize()
        assert table.viewport().height() // line >= 3, tab
        assert line >= table.fontMetrics().height(), tab
    assert driver.window.canvas.height() > 0.3 * driver.window.height()


def test_a_word_that_is_cut_is_found(driver):
    """The search below can find something."""
    assert cut(driver.window) == []
    driver.window.overlay.true_grid.setText("A name that is far too long for a column of this width " * 2)
    driver.settle()
    assert cut(driver.window) != []


@pytest.mark.parametrize("size", [(1440, 980), (1366, 768), (1280, 760)])
def test_mirror_and_crop_cut_no_word_and_no_number(driver, size):
    driver.window.resize(*size)
    driver.settle()
    assert cut(driver.window) == []
    for key in (Qt.Key.Key_M, Qt.Key.Key_X, Qt.Key.Key_X, Qt.Key.Key_M):
        driver.key(key, SHIFT)
        assert cut(driver.window) == [], (driver.session.choice.mirror, driver.session.choice.crop)
        assert driver.window.prediction.subject.text() == driver.window.prediction.subject.full


@pytest.fixture
def larger(driver):
    """Text of another size, and back."""

    def larger(size: float) -> None:
        driver.session.settings = replace(driver.session.settings, text_size=size)
        driver.settle()

    yield larger
    larger(1.0)


@pytest.mark.parametrize(("text", "size"), [(1.5, (1366, 768)), (2.0, (1440, 980))])
def test_large_text_cuts_no_word_and_leaves_the_picture_room(driver, larger, text, size):
    driver.window.resize(*size)
    larger(text)
    window = driver.window
    for workspace in ("compare", "layers", "volume", "cohort", "reading"):
        driver.bench.viewing.set_workspace(workspace)
        driver.settle()
        assert cut(window) == [], workspace
        assert window.may_read.isVisible() == (workspace != "cohort")
        assert window.left.isVisible() == (workspace == "reading"), (
            "what has no room gives way to the pictures"
        )
    assert min(window.canvas.width(), window.canvas.height()) > 0.25 * window.height()


def test_menus_fold_into_one_button_where_there_is_no_room_for_them(driver, larger):
    top = driver.window.top
    driver.window.resize(1440, 980)
    driver.settle()
    assert top._menus.isVisible()
    assert not top.folded.isVisible()
    larger(2.0)
    assert not top._menus.isVisible()
    assert top.folded.isVisible()
    bar = [action.text() for action in top._menus.actions()]
    assert [action.text() for action in top.folded.menu().actions()] == bar != []
    assert top.research.width() >= top.research.sizeHint().width()
