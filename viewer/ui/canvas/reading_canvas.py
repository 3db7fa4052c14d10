"""The reading canvas: picture, overlay, boxes, letters, colour bar and inset of one slice."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from viewer.controllers.workbench import Workbench
from viewer.models.applicability import NOT_MADE_FOR_IT
from viewer.state.boxes_view import BoxesView
from viewer.state.canvas_view import CanvasView
from viewer.state.rulers import RulerMark
from viewer.ui import theme
from viewer.ui.canvas.boundary_marks import BoundaryMarks
from viewer.ui.canvas.box_marks import BoxMarks
from viewer.ui.canvas.colour_bar import ColourBar
from viewer.ui.canvas.erased_marks import ErasedMarks
from viewer.ui.canvas.finding_marks import FindingMarks
from viewer.ui.canvas.gestures import Gestures
from viewer.ui.canvas.inset import InsetView
from viewer.ui.canvas.marks import Crosshair, EdgeLetters, Words
from viewer.ui.canvas.picture_pane import Canvas, PicturePane
from viewer.ui.canvas.ruler_marks import RulerMarks

_CORNER = 10
"""From the corner of the canvas to the inset, logical pixels."""


class ReadingCanvas(Canvas):
    """One slice, large."""

    menu_wanted = Signal(QPoint)

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(bench, parent)
        self._view: CanvasView | None = None
        self._boxes_view: BoxesView | None = None
        self._ruler_marks: tuple[RulerMark, ...] = ()
        self._without = ""
        self._bar_keeps_room = True
        self.setAccessibleName("Image")
        self.picture = PicturePane(self)
        self.picture.setAccessibleName("Slice with map")
        self.setFocusProxy(self.picture)
        self.bar = ColourBar(self)
        self.letters, self.words, self.crosshair = EdgeLetters(), Words(), Crosshair()
        self.boxes, self.rulers, self.boundaries = BoxMarks(), RulerMarks(), BoundaryMarks()
        self.erased, self.findings = ErasedMarks(), FindingMarks()
        self.picture.foreground += [
            self.erased,
            self.boundaries,
            self.crosshair,
            self.boxes,
            self.rulers,
            self.findings,
            self.letters,
            self.words,
        ]
        self.boxes.letters = self.letters
        self.inset = InsetView(self)
        gestures = Gestures(self.picture, self.boxes, self.rulers, bench, self._patient_shown)
        gestures.menu_wanted.connect(self.menu_wanted)
        self.picture.gestures = gestures
        self.picture.left.connect(self.show_again)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.picture, 1)
        layout.addWidget(self.bar)
        self.picture.hide()
        self.bar.hide()
        self.picture.range_changed.connect(self._place_inset)
        self.inset.move(_CORNER, _CORNER)
        self.inset.raise_()

    def show_canvas(self, view: CanvasView | None, *, watermark: bool, without: str = "") -> None:
        """Draw the slice and its map, or the words `without` a case; returns at once for the same view."""
        if without != self._without:
            self._without = without
            self.update()
        words = NOT_MADE_FOR_IT if watermark and view is not None and view.map is not None else ""
        if view is self._view and self.words.watermark == words:
            return
        first = self._view is None and view is not None
        self._view, self.words.watermark = view, words
        self.picture.setVisible(view is not None)
        self._show_bar()
        if view is None:
            self.inset.hide()
            return
        self._show_words(view)
        self.picture.show_background(view.background)
        self.picture.show_map(view.map, view.values, view.style, hard=self._bench.session.overlay.true_grid)
        self.picture.show_findings(view.findings, view.style, hard=self._bench.session.overlay.true_grid)
        self.findings.view, self.findings.maps_visible = view.findings, view.style.visible
        self.boundaries.show_lines(view.boundaries)
        self.erased.erased = view.erased
        if first:
            self.picture.setFocus()
        self.bar.show_scale(view.map, view.style)
        self.inset.show_inset(view)
        self._place_inset()
        self.picture.update()

    def keep_room(self, wanted: bool) -> None:
        """Whether the colour bar has its place before there is a map; beside a second picture it costs too much."""
        if wanted != self._bar_keeps_room:
            self._bar_keeps_room = wanted
            self._show_bar()

    def _show_bar(self) -> None:
        view = self._view
        together = view is not None and view.findings is not None
        self.bar.setVisible(
            view is not None and not together and (self._bar_keeps_room or view.map is not None)
        )

    def show_boxes(self, view: BoxesView | None) -> None:
        """Draw the boxes; they lie on the patient and are hidden where the network's input is shown."""
        if view is not self._boxes_view:
            self._boxes_view = view
            self._put_boxes()

    def show_rulers(self, marks: tuple[RulerMark, ...]) -> None:
        """Draw the measured lines; they lie on the patient like the boxes."""
        if marks is not self._ruler_marks:
            self._ruler_marks = marks
            self._put_boxes()

    def fit(self) -> None:
        self.picture.fit()

    def _show_words(self, view: CanvasView) -> None:
        self.letters.letters = view.background.letters
        self.words.mark = view.background.mark
        self.letters.under_banner = bool(view.background.mark)
        self.words.side_unknown = view.background.letters is None
        self.words.notes = view.background.notes
        self.crosshair.cursor = self._bench.session.view.cursor if self._patient_shown() else None
        self._put_boxes()

    def _put_boxes(self) -> None:
        shown = self._boxes_view is not None and self._patient_shown()
        self.boxes.marks = self._boxes_view.marks if shown and self._boxes_view else ()
        self.rulers.marks = self._ruler_marks if self._patient_shown() else ()
        self.picture.update()

    def _place_inset(self) -> None:
        """Beside the picture where there is room, else over its corner; never over its letters."""
        if self.inset.isHidden():
            return
        places = self.letters.taken(self.picture)
        room, low = self.picture.picture_rect().left(), float(self.picture.height())
        if places:
            room, low = min(room, places[0].left()), places[0].top()
        self.inset.fit(round(room) - 2 * _CORNER, round(low) - 2 * _CORNER)

    def _patient_shown(self) -> bool:
        return self._view is not None and not self._view.background.mark

    # --- Qt ----------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colour("canvas"))
        if self._view is None:
            painter.setPen(theme.DARK_MUTED)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._without)
