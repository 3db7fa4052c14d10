"""The Volume workspace: three planes through one place, side by side at one scale, and what is known of the place."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFormLayout, QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from viewer.controllers.workbench import Workbench
from viewer.imaging.plane import ReadingPlane
from viewer.state.boxes_view import BoxesView
from viewer.state.planes_view import PlanesView, PlaneView
from viewer.state.rulers import RulerMark
from viewer.ui import theme
from viewer.ui.canvas.boundary_marks import BoundaryMarks
from viewer.ui.canvas.box_marks import BoxMarks
from viewer.ui.canvas.colour_bar import ColourBar
from viewer.ui.canvas.gestures import Gestures
from viewer.ui.canvas.marks import Crosshair, EdgeLetters, Words
from viewer.ui.canvas.picture_pane import Canvas, PicturePane
from viewer.ui.canvas.ruler_marks import Point, RulerMarks

_PLACES = ((0, 0), (0, 1), (1, 0))
"""(row, column) of the planes in the grid; the fourth place is for words."""


class _PlaneGestures(Gestures):
    """The mouse on one of the planes: the wheel scrolls this plane, a click moves the other two."""

    def __init__(self, pane: PlanePane, bench: Workbench) -> None:
        super().__init__(pane, pane.boxes, pane.rulers, bench, lambda: pane.view is not None)
        self._pane = pane

    def double_click(self, event: QMouseEvent) -> None:
        super().double_click(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._pane.fit_wanted.emit()

    def _scrolled(self, notches: int) -> None:
        if (view := self._pane.view) is not None:
            self._bench.planes.scroll(view.plane, notches)

    def _zoom(self, factor: float, at: QPointF) -> None:
        self._pane.zoom_wanted.emit(factor, at)

    def _pointed(self, row: float, column: float) -> None:
        if (view := self._pane.view) is not None:
            self._bench.planes.point(view.plane, view.index, row, column)

    def _picture(self) -> tuple[ReadingPlane, int] | None:
        view = self._pane.view
        return None if view is None or not self._pane.own_grid else (view.plane, view.index)

    def _line(self, start: Point, end: Point) -> RulerMark | None:
        return super()._line(start, end) if self._picture() is not None else None


class PlanePane(PicturePane):
    """One plane with its crosshair, letters and words."""

    zoom_wanted = Signal(float, QPointF)
    fit_wanted = Signal()

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view: PlaneView | None = None
        self.own_grid = True
        """What is shown is the image as it was read, so lines can be kept on it."""
        self.setMinimumSize(120, 100)
        self.letters, self.words, self.crosshair = EdgeLetters(), Words(), Crosshair()
        self.boxes, self.rulers, self.boundaries = BoxMarks(), RulerMarks(), BoundaryMarks()
        self.boxes.letters = self.letters
        self.foreground += [
            self.boundaries,
            self.crosshair,
            self.boxes,
            self.rulers,
            self.letters,
            self.words,
        ]
        self.gestures = _PlaneGestures(self, bench)

    def show_plane(self, planes: PlanesView, view: PlaneView, boxes: BoxesView | None) -> None:
        """Draw a plane and the maps that it cuts; what has not changed is not drawn again."""
        self.view = view
        self.own_grid = not planes.mark
        self.letters.letters = view.background.letters
        self.words.title = f"{view.name}  {view.index + 1} / {view.count}"
        self.words.notes = (*([planes.mark] if planes.mark else []), *view.background.notes)
        self.words.side_unknown = view.background.letters is None
        self.crosshair.cursor = view.cursor
        self.boxes.marks = boxes.marks if view.reading and boxes is not None else ()
        self.rulers.marks = view.rulers
        self.boundaries.show_lines(view.boundaries)
        self.setAccessibleName(f"{view.name} plane")
        self.show_background(view.background)
        self.show_map(planes.map, view.values, planes.style, hard=view.across)
        self.update()


class PlaceCard(QFrame):
    """Where the crosshair is, in words, beside the colour bar."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Place of the crosshair")
        self.bar = ColourBar(self)
        self._lines = QFormLayout()
        self._lines.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self._lines.setHorizontalSpacing(14)
        self._lines.setVerticalSpacing(5)
        self._names: list[QLabel] = []
        self._values: list[QLabel] = []
        words = QVBoxLayout()
        words.setContentsMargins(12, 10, 4, 8)
        words.setSpacing(7)
        heading = QLabel("CROSSHAIR")
        heading.setObjectName("heading")
        heading.setStyleSheet(f"color: {theme.DARK_MUTED.name()};")
        words.addWidget(heading)
        words.addLayout(self._lines)
        words.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addLayout(words, 1)
        row.addWidget(self.bar)

    @property
    def words(self) -> tuple[tuple[str, str], ...]:
        """(name, words) as they are shown."""
        shown = zip(self._names, self._values, strict=True)
        return tuple((name.text(), value.text()) for name, value in shown if not value.isHidden())

    def show_place(self, view: PlanesView) -> None:
        while len(self._values) < len(view.where):
            name, value = QLabel(), QLabel()
            name.setStyleSheet(f"color: {theme.DARK_MUTED.name()};")
            value.setStyleSheet(f"color: {theme.DARK.text};")
            value.setWordWrap(True)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._names.append(name)
            self._values.append(value)
            self._lines.addRow(name, value)
        for number, (name, value) in enumerate(zip(self._names, self._values, strict=True)):
            there = number < len(view.where)
            for label, text in zip((name, value), view.where[number] if there else ("", ""), strict=True):
                label.setVisible(there)
                if label.text() != text:
                    label.setText(text)
        large = theme.scaled(100) > 125  # names beside values would leave these no room
        policy = QFormLayout.RowWrapPolicy
        self._lines.setRowWrapPolicy(policy.WrapAllRows if large else policy.DontWrapRows)
        self.bar.show_scale(view.map, view.style)
        self.bar.setVisible(view.map is not None and view.style.visible)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), theme.colour("canvas"))


class PlanesCanvas(Canvas):
    """Axial, coronal and sagittal, linked."""

    menu_wanted = Signal(QPoint)

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(bench, parent)
        self.setAccessibleName("Three planes")
        self._view: PlanesView | None = None
        self._boxes: BoxesView | None = None
        self._without = ""
        self._zoomed = False
        self.panes = tuple(PlanePane(bench, self) for _ in _PLACES)
        self.place = PlaceCard()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        for pane, (row, column) in zip(self.panes, _PLACES, strict=True):
            grid.addWidget(pane, row, column)
            pane.left.connect(self.show_again)
            pane.zoom_wanted.connect(self._zoom)
            pane.fit_wanted.connect(self.fit)
            pane.shape_changed.connect(self._fit_soon)
            assert pane.gestures is not None
            pane.gestures.menu_wanted.connect(self.menu_wanted)
        grid.addWidget(self.place, 1, 1)
        for number in (0, 1):
            grid.setRowStretch(number, 1)
            grid.setColumnStretch(number, 1)
        self.setFocusProxy(self.panes[0])
        self._fit = QTimer(self)
        self._fit.setSingleShot(True)
        self._fit.setInterval(0)
        self._fit.timeout.connect(self.fit)

    @property
    def settled(self) -> bool:
        return not self._fit.isActive()

    def show_planes(
        self, view: PlanesView | None, boxes: BoxesView | None, *, watermark: str = "", without: str = ""
    ) -> None:
        """Draw the planes, or the words `without` them; returns at once for the same views."""
        if without != self._without:
            self._without = without
            self.update()
        words = watermark if view is not None and view.map is not None else ""
        if view is self._view and boxes is self._boxes and words == self.panes[0].words.watermark:
            return
        came = self._view is None and view is not None
        self._view, self._boxes = view, boxes
        widgets: tuple[QWidget, ...] = (*self.panes, self.place)
        for widget in widgets:
            widget.setVisible(view is not None)
        if view is None:
            return
        for pane, plane in zip(self.panes, view.planes, strict=True):
            pane.words.watermark = words
            pane.show_plane(view, plane, boxes)
        self.place.show_place(view)
        if came:
            self._fit_soon()

    def fit(self) -> None:
        """All three planes whole, at one scale: a millimetre is as long in each of them."""
        self._zoomed = False
        shown = [pane for pane in self.panes if pane.shape is not None]
        scale = min((pane.fitted_scale() for pane in shown), default=None)
        for pane in shown:
            pane.common_scale = scale
            pane.fit()

    def zoom(self, factor: float) -> None:
        """Magnify all three about the crosshair."""
        self._zoom(factor, QPointF())

    def _fit_soon(self) -> None:
        """Once for all three, after the layout has given them their room."""
        self._fit.start()

    def _zoom(self, factor: float, at: QPointF) -> None:
        """Magnify all three: the one under the mouse about the mouse, the others about the crosshair."""
        self._zoomed = True
        for pane in self.panes:
            if pane is self.sender():
                pane.zoom(factor, at)
            elif pane.view is not None:
                row, column = pane.view.cursor
                pane.zoom(factor, pane.to_screen(column + 0.5, row + 0.5))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if not self._zoomed:
            self._fit_soon()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colour("border"))
        if self._view is None:
            painter.fillRect(self.rect(), theme.colour("canvas"))
            painter.setPen(theme.DARK_MUTED)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._without)
