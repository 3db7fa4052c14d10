"""Names of boxes and the mirrored input cover neither findings nor letters while there is room elsewhere."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication

from viewer.evaluation.regions import Region
from viewer.state.boxes_view import BoxMark

SIZE = (60.0, 16.0)


def marks(*boxes: tuple[float, float, float, float]) -> tuple[BoxMark, ...]:
    return tuple(BoxMark(Region(*edges, label="stroke"), "reader") for edges in boxes)


def placed(driver, boxes) -> list[tuple[QRectF, QRectF]]:
    """(box, its name) on the viewport."""
    own, view, names = driver.canvas.boxes, driver.picture, []
    own.marks, found = boxes, []
    for mark in boxes:
        region = mark.region
        rect = own.rect(view, (region.row_min, region.column_min, region.row_max, region.column_max))
        names.append(own._free(view, rect, SIZE, names))
        found.append((rect, names[-1]))
    return found


def test_names_of_small_findings_side_by_side_cover_none_of_them(driver):
    found = placed(driver, marks((10, 10, 11, 11), (10, 11.5, 11, 12.5), (11.5, 10, 12.5, 11)))
    for _, name in found:
        assert not any(name.intersects(rect) for rect, _ in found)
        assert sum(name.intersects(other) for _, other in found) == 1, "itself alone"


def test_a_name_leaves_the_letter_beside_the_picture_free(driver):
    view = driver.picture
    letter = driver.canvas.letters.taken(view)[1]
    at = view.to_picture(letter.center())
    columns = view.shape[1]
    edge = (
        at.y() + 1,
        columns - 1.0,
        at.y() + 4,
        float(columns),
    )  # above it the name would lie over the letter
    [(rect, name)] = placed(driver, marks(edge))
    above = QRectF(rect.left() - 1, rect.top() - SIZE[1] - 2, *SIZE)
    assert above.intersects(letter), "the case is one"
    assert not name.intersects(letter)
    assert QRectF(view.rect()).contains(name)


@pytest.mark.parametrize("size", [(1440, 980), (1366, 768), (1020, 700)])
def test_the_mirrored_input_leaves_the_letters_free_and_names_itself(driver, size):
    driver.window.resize(*size)
    driver.settle()
    driver.key(Qt.Key.Key_M, Qt.KeyboardModifier.ShiftModifier)
    QApplication.processEvents()
    inset = driver.canvas.inset
    place = QRectF(inset.geometry())
    assert inset.isVisible()
    for letter in driver.canvas.letters.taken(driver.picture):
        assert not place.intersects(letter)
    words = inset.inset.background.mark.split()
    assert max(map(QFontMetrics(inset._font).horizontalAdvance, words)) < inset.width()
