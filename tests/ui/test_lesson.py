"""Hands on a lesson: nothing on screen tells the answer before it is revealed, hands are counted, a clicker walks."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QListWidget, QWidget

from tests.tiny import bright_spot
from tests.tiny_cohort import write_tiny_cohort
from viewer.controllers import engine
from viewer.imaging.writing import write_nifti
from viewer.state.session import BottomTab
from viewer.state.veil import veil


@pytest.fixture
def class_(bare, tmp_path):
    """The first of five cases is being voted on."""
    bare.bench.explaining.select_model("tiny")
    bare.bench.teaching.begin(write_tiny_cohort(tmp_path / "stroke class"))
    bare.settle()
    bare.canvas.setFocus()
    bare.panel = bare.window.lesson
    return bare


def press(driver, button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    driver.settle()


def everything_said(window: QWidget) -> list[str]:
    """Whatever words a window holds for eyes, mice and screen readers."""
    words = [window.windowTitle()]
    for widget in window.findChildren(QWidget):
        if not widget.isVisibleTo(window):
            continue
        words += [
            widget.toolTip(),
            widget.statusTip(),
            widget.accessibleName(),
            widget.accessibleDescription(),
        ]
        if isinstance(widget, (QLabel, QAbstractButton)):
            words.append(widget.text())
        elif isinstance(widget, QComboBox):
            words.append(widget.currentText())
        elif isinstance(widget, QListWidget):
            words += [widget.item(row).text() for row in range(widget.count())]
    return words


def pixels(window: QWidget) -> np.ndarray:
    image = window.grab().toImage()
    return np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1).copy()


def write_case(folder, *, ill: bool):
    """One picture, and a table that says of it what it likes."""
    folder.mkdir()
    image = bright_spot(9, at=(7, 8, 20))
    mask = np.zeros(image.voxels.shape, np.uint8)
    if ill:
        mask[7, 8:12, 20:24] = 1
    write_nifti(folder / "a.nii.gz", image.voxels, image.geometry)
    write_nifti(folder / "m.nii.gz", mask, image.geometry)
    label = "stroke" if ill else "no stroke"
    (folder / "cohort.csv").write_text(f"path,case,label,mask\na.nii.gz,a,{label},m.nii.gz\n")
    return folder


def test_the_hidden_window_is_the_same_whatever_the_answer_is(bare, tmp_path, monkeypatch):
    """The strongest thing to be said: swap truth and network, and no pixel and no word of the window changes."""
    found = []
    for ill in (True, False):
        if not ill:
            real = engine.trace_slice

            def turned(request, *arguments, real=real):
                reply = real(request, *arguments)
                maps = {key: -values for key, values in reply.maps.items()}
                return replace(reply, probabilities=reply.probabilities[::-1].copy(), maps=maps)

            monkeypatch.setattr(engine, "trace_slice", turned)
        bare.bench.explaining.select_model("tiny")
        bare.bench.teaching.begin(write_case(tmp_path / f"case {ill}", ill=ill))
        bare.settle()
        bare.canvas.setFocus()
        looks, words = [], []
        for tab in get_args(BottomTab):
            bare.bench.viewing.show_tab(tab)
            for index in (4, 7):
                bare.bench.viewing.select_slice(index)
                bare.settle()
                looks.append(pixels(bare.window))
                words.append(everything_said(bare.window))
        bare.window.copy_view()
        looks.append(np.frombuffer(QGuiApplication.clipboard().image().constBits(), np.uint8).copy())
        bare.bench.dismiss_notice()
        bare.settle()
        menus = [
            (action.text(), action.isEnabled(), action.toolTip())
            for action in bare.window.menus.actions.values()
        ]
        probabilities = bare.session.reading.atlas.probabilities(7)
        found.append((looks, words, menus, float(probabilities[1])))
        bare.bench.teaching.end()
    (looks, words, menus, p), (other_looks, other_words, other_menus, other_p) = found
    assert abs(p - other_p) > 0.1  # the network did say something else
    assert words == other_words
    assert menus == other_menus
    for mine, theirs in zip(looks, other_looks, strict=True):
        assert np.array_equal(mine, theirs)


def test_names_of_files_tell_nothing_even_where_patients_are_shown(class_):
    class_.bench.viewing.toggle_phi()
    class_.settle()
    said = " ".join(everything_said(class_.window))
    assert "p0" not in said
    assert "stroke class" not in said
    assert class_.window.windowTitle() == "WhySlice"


def test_hands_are_counted_by_keys_buttons_and_numbers(class_):
    stroke = class_.panel.rows[1]
    class_.key(Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    class_.key(Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    press(class_, stroke.more)
    assert stroke.hands.value() == 3
    class_.key(Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    assert stroke.hands.value() == 2
    press(class_, class_.panel.rows[0].less)
    none = class_.panel.rows[0].hands
    none.setFocus()
    none.selectAll()
    QTest.keyClicks(none, "12")
    QTest.keyClick(none, Qt.Key.Key_Return)
    class_.settle()
    assert class_.session.lesson.step.ballot.hands == (12, 2)
    assert "stroke: 2 hands, 14%" in stroke.accessibleName()


def test_the_clicker_walks_from_wherever_the_keyboard_is(class_):
    class_.key(Qt.Key.Key_PageDown)
    assert veil(class_.session) == ""
    assert class_.panel.answer.text().startswith("The model says stroke")
    spin = class_.panel.rows[0].hands
    spin.setFocus()
    QTest.keyClick(spin, Qt.Key.Key_PageDown)
    class_.settle()
    assert class_.session.lesson.at == 1
    assert class_.panel.answer.text() == ""
    QTest.keyClick(class_.panel.cases, Qt.Key.Key_PageUp)
    class_.settle()
    assert class_.session.lesson.at == 0
    assert not class_.session.lesson.away
    assert class_.panel.cases.currentRow() == 0


def test_a_case_of_the_list_is_one_click_away(class_):
    cases = class_.panel.cases
    assert [cases.item(row).text().split()[-1] for row in range(cases.count())] == list("12345")
    place = cases.visualItemRect(cases.item(3)).center()
    QTest.mouseClick(cases.viewport(), Qt.MouseButton.LeftButton, pos=place)
    class_.settle()
    assert class_.session.lesson.at == 3


def test_revealing_moves_nothing(class_):
    parts = (
        class_.window.canvas,
        class_.window.strip,
        class_.panel.reveal,
        class_.panel.cases,
        class_.window.bottom,
    )

    def places():
        return [part.mapTo(class_.window, part.rect().topLeft()) for part in parts], [
            part.size() for part in parts
        ]

    before = places()
    press(class_, class_.panel.reveal)
    assert veil(class_.session) == ""
    assert places() == before


def test_the_maps_of_a_decoy_question_are_side_by_side(class_):
    press(class_, class_.panel.reveal)
    class_.bench.viewing.peak()
    class_.settle()
    class_.bench.teaching.decoys.ask("random")
    class_.settle()
    board = class_.window.stage.compare
    assert board.isVisible()
    assert not board.kinds["models"].isVisible()
    letters = [row.name.full for row in class_.panel.rows]
    assert letters == [cell.title.full for row in board.cells for cell in row]
    question = class_.session.lesson.question
    class_.settle()  # a scroll bar that is not needed any more goes one turn later
    before = pixels(class_.window)
    # The same maps under the other claim: the window must not know.
    flags = [replace(each, decoy=not each.decoy, title="x", how="y") for each in question.maps]
    step = replace(class_.session.lesson.step, decoy=replace(question, maps=tuple(flags)))
    class_.session.lesson = class_.session.lesson.with_step(step)
    class_.settle()
    assert np.array_equal(pixels(class_.window), before)
    class_.session.lesson = class_.session.lesson.with_step(replace(step, decoy=question))
    press(class_, class_.panel.reveal)
    marks = [cell.pane.words.watermark for row in board.cells for cell in row]
    assert marks.count("DECOY") == 1
    assert marks.index("DECOY") == question.answer
    press(class_, class_.panel.back)
    assert class_.canvas.isVisible()
    class_.bench.viewing.set_workspace("compare")
    class_.settle()
    assert board.kinds["models"].isVisible()


def test_the_end_of_the_lesson_brings_the_case_back(class_):
    press(class_, class_.panel.reveal)
    press(class_, class_.panel.end)
    assert class_.session.lesson is None
    assert class_.window.case_panel.isVisible()
    assert not class_.panel.isVisible()
    assert class_.session.case.truth is not None
