"""The reading canvas: picture, overlay, boxes, letters, colour bar and inset of one slice."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from viewer.controllers.workbench import Workbench
from viewer.state.boxes_view import BoxesView
from viewer.state.canvas_view import CanvasView
from viewer.ui import theme
from viewer.ui.canvas.box_marks import BoxMarks
from viewer.ui.canvas.colour_bar import ColourBar
from viewer.ui.canvas.gestures import Gestures
from viewer.ui.canvas.inset import InsetView
from viewer.ui.canvas.marks import Crosshair, EdgeLetters, Words
from viewer.ui.canvas.picture_view import PictureView

WATERMARK = "MODEL NOT MADE FOR THIS IMAGE"


class _Picture(PictureView):
    """The picture view with its gestures; pyqtgraph's own handling of the mouse is never reached."""

    gestures: Gestures | None = None
    left = Signal()
    """The focus went elsewhere."""

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.gestures:
            self.gestures.wheel(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if self.gestures:
            self.gestures.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.gestures:
            self.gestures.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self.gestures:
            self.gestures.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.gestures:
            self.gestures.double_click(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()  # the canvas around it and the shortcuts decide

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        event.ignore()


class ReadingCanvas(QWidget):
    """One slice, large.

    Parameters
    ----------
    left_drag : what a left drag does, ``crosshair`` or ``window``.
    """

    menu_wanted = Signal(QPoint)

    def __init__(self, bench: Workbench, left_drag: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._view: CanvasView | None = None
        self._boxes_view: BoxesView | None = None
        self._hidden_by_space = False
        self._without = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Image")
        self.picture = _Picture(self)
        self.picture.setAccessibleName("Slice with map")
        self.setFocusProxy(self.picture)
        self.bar = ColourBar(self)
        self.letters, self.words, self.crosshair = EdgeLetters(), Words(), Crosshair()
        self.boxes = BoxMarks()
        self.picture.foreground += [self.crosshair, self.boxes, self.letters, self.words]
        self.inset = InsetView(self)
        gestures = Gestures(self.picture, self.boxes, bench, left_drag, self._patient_shown)
        gestures.menu_wanted.connect(self.menu_wanted)
        self.picture.gestures = gestures
        self.picture.left.connect(self._show_again)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.picture, 1)
        layout.addWidget(self.bar)
        self.picture.hide()
        self.bar.hide()
        self.inset.move(10, 10)
        self.inset.raise_()

    def show_canvas(self, view: CanvasView | None, *, watermark: bool, without: str = "") -> None:
        """Draw the slice and its map, or the words `without` a case; returns at once for the same view."""
        if without != self._without:
            self._without = without
            self.update()
        words = WATERMARK if watermark and view is not None and view.map is not None else ""
        if view is self._view and self.words.watermark == words:
            return
        first = self._view is None and view is not None
        self._view, self.words.watermark = view, words
        self.picture.setVisible(view is not None)
        self.bar.setVisible(view is not None)
        if view is None:
            self.inset.hide()
            return
        self._show_words(view)
        self.picture.show_background(view.background)
        self.picture.show_map(view.map, view.values, view.style, hard=self._bench.session.overlay.true_grid)
        if first:
            self.picture.setFocus()
        self.bar.show_scale(view.map, view.style)
        self.inset.show_inset(view)
        self.picture.viewport().update()

    def show_boxes(self, view: BoxesView | None) -> None:
        """Draw the boxes; they lie on the patient and are hidden where the network's input is shown."""
        if view is not self._boxes_view:
            self._boxes_view = view
            self._put_boxes()

    def fit(self) -> None:
        self.picture.fit()

    def _show_words(self, view: CanvasView) -> None:
        self.letters.letters = view.background.letters
        self.words.mark = view.background.mark
        self.letters.under_banner = bool(view.background.mark)
        self.words.side_unknown = view.background.letters is None
        self.crosshair.cursor = self._bench.session.view.cursor if self._patient_shown() else None
        self._put_boxes()

    def _put_boxes(self) -> None:
        shown = self._boxes_view is not None and self._patient_shown()
        self.boxes.marks = self._boxes_view.marks if shown and self._boxes_view else ()
        self.picture.viewport().update()

    def _patient_shown(self) -> bool:
        return self._view is not None and not self._view.background.mark

    # --- Qt ----------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colour("canvas"))
        if self._view is None:
            painter.setPen(theme.DARK_MUTED)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._without)

    def enterEvent(self, event: QEnterEvent) -> None:
        # Keys belong to the canvas as soon as the mouse is over it, except while somebody types elsewhere.
        focused = self.window().focusWidget()
        if not isinstance(focused, QLineEdit):
            self.picture.setFocus(Qt.FocusReason.MouseFocusReason)
        super().enterEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat() and self._bench.session.overlay.visible:
                self._hidden_by_space = True
                self._bench.viewing.show_overlay(False)
            event.accept()
            return
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self._show_again()
            event.accept()
            return
        super().keyReleaseEvent(event)

    def _show_again(self) -> None:
        """The overlay comes back when Space is released, wherever the release happens."""
        if self._hidden_by_space:
            self._hidden_by_space = False
            self._bench.viewing.show_overlay(True)
