"""The panel of pixel importance, by hand."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest


def table(driver) -> list[list[str]]:
    found = driver.window.importance.table
    return [
        [found.item(row, column).text() for column in range(found.columnCount())]
        for row in range(found.rowCount())
    ]


def test_measure_by_button_then_look_at_it(driver):
    panel = driver.window.importance
    driver.bench.viewing.show_tab("importance")
    driver.settle()
    assert panel.isVisible()
    assert not panel.plot.isVisible()
    QTest.mouseClick(panel.measure, Qt.MouseButton.LeftButton)
    driver.settle()
    rows = table(driver)
    assert [row[0] for row in rows] == ["no stroke", "stroke"]
    assert rows[1][2].startswith("+")
    assert panel.plot.isVisible()
    assert [curve.name for curve in panel.plot.curves] == ["deletion", "random", "insertion", ""]
    assert "deletion" in panel.areas.text()
    first = panel.after.pixels
    heading = panel.table.horizontalHeader()
    x = heading.sectionViewportPosition(6) + heading.sectionSize(6) // 2
    QTest.mouseClick(
        heading.viewport(), Qt.MouseButton.LeftButton, pos=heading.rect().center().__class__(x, 8)
    )
    driver.settle()
    assert driver.session.replacing.fraction == 50
    assert (panel.after.pixels != first).any()
    assert panel.table.item(1, 6).font().bold()
    panel.transform.setCurrentIndex(3)
    panel.transform.activated.emit(3)
    driver.settle()
    assert driver.session.replacing.transform == "noise"
    assert table(driver) != rows
    panel.grab()


def test_the_menu_measures_and_shows_the_tab(driver):
    driver.window.act("map.pixel-importance")
    driver.settle()
    assert driver.session.tab == "importance"
    assert table(driver)


def test_without_a_case_nothing_can_be_pressed(bare):
    panel = bare.window.importance
    assert not panel.measure.isEnabled()
    assert panel.line.full == "Needs an image and a model"
    assert table(bare) == []
