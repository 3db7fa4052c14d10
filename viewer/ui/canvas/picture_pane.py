"""What every canvas has in common: the mouse goes to gestures, the keys to the canvas, Space hides the map."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from viewer.controllers.workbench import Workbench
from viewer.ui.canvas.gestures import Gestures
from viewer.ui.canvas.picture_view import PictureView


class PicturePane(PictureView):
    """The picture view with its gestures."""

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

    def enterEvent(self, event: QEnterEvent) -> None:
        # Keys belong to the picture as soon as the mouse is over it, except while somebody types elsewhere.
        if not isinstance(self.window().focusWidget(), QLineEdit):
            self.setFocus(Qt.FocusReason.MouseFocusReason)
        super().enterEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()  # the canvas around it and the shortcuts decide

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        event.ignore()


class Canvas(QWidget):
    """A widget around pictures: Space hides the map for as long as it is held."""

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self._hidden_by_space = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

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
                self.show_again()
            event.accept()
            return
        super().keyReleaseEvent(event)

    def show_again(self) -> None:
        """The overlay comes back when Space is released, wherever the release happens."""
        if self._hidden_by_space:
            self._hidden_by_space = False
            self._bench.viewing.show_overlay(True)
