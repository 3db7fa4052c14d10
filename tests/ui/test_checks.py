"""The panel of the checks: one click, rows, colours, pictures, keys."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from tests.tiny import bright_spot
from tests.tiny_volume import write_tiny_volume_model
from viewer.evaluation.checks.declaration import CHECKS
from viewer.evaluation.checks.finding import Finding
from viewer.state.checks_view import checked_place
from viewer.ui import theme


@pytest.fixture
def panel(driver):
    driver.bench.viewing.show_tab("checks")
    driver.settle()
    return driver.window.checks


def column(panel, number: int) -> list[str]:
    return [panel.table.item(row, number).text() for row in range(panel.table.rowCount())]


def test_one_click_makes_every_check(driver, panel):
    assert column(panel, 0) == [info.title for info in CHECKS.values()]
    assert column(panel, 3) == [info.question for info in CHECKS.values()]
    assert "Check this map" in panel.button.text()
    QTest.mouseClick(panel.button, Qt.MouseButton.LeftButton)
    driver.settle()
    assert panel.button.text() == "Checked"
    assert not panel.button.isEnabled()
    assert set(column(panel, 2)) <= {"no objection", "doubtful", "fails", "not defined"}
    assert all(column(panel, 3))
    assert panel.sentence.full, "the row that needs looking at most is chosen"
    assert "grad-cam" in panel.subject.full


def test_a_row_says_its_threshold_and_shows_what_it_compared(driver, panel):
    driver.bench.explaining.checking.run(("mirror",))
    driver.settle()
    row = list(CHECKS).index("mirror")
    panel.table.selectRow(row)
    assert "mirrored back" in panel.sentence.full
    assert "brought back" in panel.pictures.accessibleDescription()
    tip = panel.table.item(row, 2).toolTip()
    assert "fails from 0.3" in tip
    assert CHECKS["mirror"].source in tip
    driver.settle()
    image = panel.pictures.grab().toImage()
    drawn = {image.pixel(x, y) for x in range(image.width()) for y in range(image.height() * 2 // 3)}
    assert len(drawn) > 10, "maps are drawn"


def test_enter_makes_one_check_alone(driver, panel):
    panel.table.setFocus()
    panel.table.setCurrentCell(list(CHECKS).index("crop"), 0)
    QTest.keyClick(panel.table, Qt.Key.Key_Return)
    driver.settle()
    made = [name for name, verdict in zip(CHECKS, column(panel, 2), strict=True) if verdict != "—"]
    assert made == ["crop"]


def test_no_verdict_is_green(driver, panel):
    place = checked_place(driver.session)
    verdicts = ("no objection", "doubtful", "fails", "not defined")
    driver.session.reading.checks[place] = {
        name: Finding(name, 0.5, verdict, "A sentence.")
        for name, verdict in zip(CHECKS, verdicts, strict=False)
    }
    driver.session.revision += 1
    driver.settle()
    found = [panel.table.item(row, 2).foreground().color() for row in range(4)]
    current = theme.current()
    assert found == [QColor(each) for each in (current.text, current.amber, current.red, current.muted)]
    assert QColor(current.green) not in found


def test_the_numbers_go_with_the_map(driver, panel):
    driver.bench.explaining.checking.run(("mirror",))
    driver.settle()
    row = list(CHECKS).index("mirror")
    assert panel.table.item(row, 1).text()
    driver.bench.explaining.select_target("no stroke")
    driver.settle()
    assert panel.table.item(row, 1).text() == ""
    driver.bench.explaining.select_target("difference")
    driver.settle()
    assert not panel.button.isEnabled()
    assert "one class" in panel.button.toolTip()
    assert not driver.window.menus.actions["map.check"].isEnabled()
    driver.bench.explaining.select_target("stroke")
    driver.settle()
    assert panel.table.item(row, 1).text()


def test_a_key_on_the_canvas_checks_and_shows(driver):
    driver.canvas.setFocus()
    driver.key(Qt.Key.Key_Q)
    assert driver.session.tab == "checks"
    assert driver.window.checks.isVisible()
    assert driver.window.checks.button.text() == "Checked"


def test_a_volume_has_one_answer_on_every_slice(bare, user_folder):
    write_tiny_volume_model(user_folder)
    bare.bench.opening.show(bright_spot(9, at=(4, 8, 20)))
    bare.bench.explaining.select_model("tiny3d")
    bare.bench.viewing.show_tab("checks")
    bare.settle()
    bare.bench.explaining.checking.run()
    bare.settle()
    panel = bare.window.checks
    assert "slice" not in panel.subject.full
    before = column(panel, 2)
    assert "—" not in before
    bare.bench.viewing.step(1)
    bare.settle()
    assert column(panel, 2) == before


def test_another_theme_gives_the_verdicts_its_colours(driver, panel):
    place = checked_place(driver.session)
    driver.session.reading.checks[place] = {"mirror": Finding("mirror", 0.1, "fails", "A sentence.")}
    driver.session.revision += 1
    driver.settle()
    assert driver.window.may_read.text.startswith("Read with care")
    assert "mirror" in driver.window.may_read.text  # the line above the image knows what a check has found
    row = list(CHECKS).index("mirror")
    try:
        driver.bench.preferring.set("theme", "light")
        driver.settle()
        driver.session.revision += 1
        driver.settle()
        assert panel.table.item(row, 2).foreground().color() == QColor(theme.LIGHT.red)
    finally:
        driver.bench.preferring.set("theme", "dark")
        driver.settle()
