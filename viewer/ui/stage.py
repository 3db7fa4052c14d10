"""The middle of the window: a page for each workspace, and what lies over every one of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QPoint, QPointF, Qt, Signal
from PySide6.QtWidgets import QApplication, QSplitter, QStackedWidget, QWidget

from viewer.controllers.workbench import Workbench
from viewer.state.session import View, Workspace
from viewer.ui.canvas.reading_canvas import ReadingCanvas
from viewer.ui.panels.advice import Advice

if TYPE_CHECKING:
    from viewer.ui.canvas.planes_canvas import PlanesCanvas
    from viewer.ui.panels.cohort_panel import CohortPanel
    from viewer.ui.panels.compare_board import CompareBoard
    from viewer.ui.panels.layers_board import LayersBoard

_Page = TypeVar("_Page", bound=QWidget)


class Stage(QStackedWidget):
    """The pages; all but Reading are loaded and made when they are first asked for.

    Most people never open most of them, and the window is there sooner and changes its look sooner without them.

    Parameters
    ----------
    act : does the action of an id.
    """

    menu_wanted = Signal(QPoint)
    """A right click on a picture; global position."""

    def __init__(self, bench: Workbench, canvas: ReadingCanvas, act: Callable[[str], None]) -> None:
        super().__init__()
        self._bench, self._canvas, self._act = bench, canvas, act
        canvas.menu_wanted.connect(self.menu_wanted)
        self.reading = QSplitter(Qt.Orientation.Horizontal)
        """The page of Reading, empty: a picture, and beside it perhaps a second one."""
        self.addWidget(self.reading)
        self.advice = Advice(bench, self, canvas)

    @cached_property
    def planes(self) -> PlanesCanvas:
        """The page of Volume."""
        from viewer.ui.canvas.planes_canvas import PlanesCanvas

        page = self._added(PlanesCanvas(self._bench))
        page.menu_wanted.connect(self.menu_wanted)
        self.advice.lie_over(page.place)
        return page

    @cached_property
    def layers(self) -> LayersBoard:
        """The page of Layers."""
        from viewer.ui.panels.layers_board import LayersBoard

        page = self._added(LayersBoard(self._bench))
        page.menu_wanted.connect(self.menu_wanted)
        return page

    @cached_property
    def compare(self) -> CompareBoard:
        """The page of Compare."""
        from viewer.ui.panels.compare_board import CompareBoard

        page = self._added(CompareBoard(self._bench))
        page.menu_wanted.connect(self.menu_wanted)
        return page

    @cached_property
    def cohort(self) -> CohortPanel:
        """The page of Cohort."""
        from viewer.ui.panels.cohort_panel import CohortPanel

        return self._added(CohortPanel(self._bench, self._act))

    @property
    def settled(self) -> bool:
        """Whether nothing is still to be placed."""
        return "planes" not in vars(self) or self.planes.settled

    def show_workspace(self, workspace: Workspace) -> bool:
        """Show the page of a workspace, with the keyboard where it was; whether it is another one than before."""
        page: QWidget = getattr(self, "planes" if workspace == "volume" else workspace)
        if page is self.currentWidget():
            return False
        focused = QApplication.focusWidget()
        had_focus = focused is not None and self.isAncestorOf(focused)
        self.setCurrentWidget(page)
        self.advice.raise_()  # a stack puts its page above everything
        if had_focus:
            (self._canvas if workspace == "reading" else page).setFocus()
        return True

    def zoom(self, factor: float) -> None:
        """Show what is shown so many times as large, about its middle; 0 fits it."""
        page = self.currentWidget()
        if page is self.reading:
            view = self._canvas.picture
            if factor:
                view.zoom(factor, QPointF(view.rect().center()))
            else:
                self._canvas.fit()
        elif "planes" in vars(self) and page is self.planes:
            if factor:
                self.planes.zoom(factor)
            else:
                self.planes.fit()
        else:
            self._bench.viewing.zoom_tiles(factor or View().tile / self._bench.session.view.tile)

    def _added(self, page: _Page) -> _Page:
        self.addWidget(page)
        self.advice.raise_()
        return page
