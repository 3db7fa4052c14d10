"""Pages of workspaces that are made late, and a change of the whole look that is made once."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QLabel, QWidget

PAGES = {"volume": "planes", "layers": "layers", "compare": "compare", "cohort": "cohort"}


def made(driver) -> set[str]:
    return set(PAGES.values()) & set(vars(driver.window.stage))


@pytest.mark.parametrize("workspace", PAGES)
def test_a_page_is_made_when_its_workspace_is_first_shown(driver, workspace):
    assert made(driver) == set()
    driver.bench.viewing.set_workspace(workspace)
    driver.settle()
    assert made(driver) == {PAGES[workspace]}
    page = getattr(driver.window.stage, PAGES[workspace])
    assert page.isVisible()
    driver.bench.viewing.set_workspace("reading")
    driver.settle()
    assert driver.canvas.isVisible()
    driver.bench.viewing.set_workspace(workspace)
    driver.settle()
    assert driver.window.stage.currentWidget() is page, "made once"


def test_a_page_that_is_made_late_takes_over_the_keyboard(driver):
    driver.canvas.setFocus()
    driver.bench.viewing.set_workspace("volume")
    driver.settle()
    assert driver.window.stage.planes.isAncestorOf(driver.window.focusWidget())


class Styled(QObject):
    """Counts how often widgets are told of another style."""

    def __init__(self, widgets: list[QWidget]) -> None:
        super().__init__()
        self.times = dict.fromkeys(map(id, widgets), 0)
        for widget in widgets:
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.StyleChange:
            self.times[id(watched)] += 1
        return False


@pytest.mark.parametrize(("name", "value"), [("theme", "light"), ("text_size", 1.5)])
def test_another_look_is_taken_on_at_once_and_given_back(driver, name, value):
    """A sheet in place of another one would let every widget look at it once for each widget around it."""
    before = {"theme": "dark", "text_size": 1.0}[name]
    labels = [label for label in driver.window.findChildren(QLabel) if label.isVisible()]
    places = [(label.size(), label.sizeHint()) for label in labels]
    styled = Styled(driver.window.overlay.findChildren(QWidget))
    driver.bench.preferring.set(name, value)
    driver.settle()
    assert set(styled.times.values()) <= {1, 2}
    if name == "text_size":
        assert [(label.size(), label.sizeHint()) for label in labels] != places
    driver.bench.preferring.set(name, before)
    driver.settle()
    assert [(label.size(), label.sizeHint()) for label in labels] == places
