"""The second series at the right of the first, linked to it by position; for looking only."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from viewer.controllers.workbench import Workbench
from viewer.state.beside import Beside, beside_facts
from viewer.state.canvas_view import background_of
from viewer.state.session import Session
from viewer.ui.attempt import attempt
from viewer.ui.canvas.gestures import left_drag
from viewer.ui.canvas.marks import Crosshair, EdgeLetters, Words
from viewer.ui.canvas.picture_view import PictureView
from viewer.ui.panels.card import Elided, described

_NOTCH, _ZOOM = 120, 1.0015


class BesidePicture(PictureView):
    """The second picture with its gestures: they are those of the first, as far as there is something to do."""

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(parent)
        self.setMinimumSize(120, 100)
        self._bench = bench
        self._kind = ""
        self._start = self._last = QPointF()
        self._turned = 0
        self._scroll = QTimer(self)
        self._scroll.setSingleShot(True)
        self._scroll.setInterval(0)
        self._scroll.timeout.connect(self._step)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y() or event.angleDelta().x()
        event.accept()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom(_ZOOM**turned, event.position())
        else:
            self._turned += turned
            self._scroll.start()

    def _step(self) -> None:
        """One verb for everything that was turned since the last turn of the event loop."""
        notches = int(self._turned / _NOTCH)
        self._turned -= notches * _NOTCH
        if notches:
            self._bench.beside.step(notches)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        held, button = event.modifiers(), event.button()
        self._start = self._last = event.position()
        if button == Qt.MouseButton.MiddleButton or held & Qt.KeyboardModifier.AltModifier:
            self._kind = "pan"
        elif button == Qt.MouseButton.RightButton:
            self._kind = "zoom"
        elif button == Qt.MouseButton.LeftButton:
            self._kind = left_drag(self._bench, shift=bool(held & Qt.KeyboardModifier.ShiftModifier))
            if self._kind == "crosshair":
                self._put_cursor(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        event.accept()
        by, self._last = event.position() - self._last, event.position()
        if self._kind == "pan":
            self.pan(by)
        elif self._kind == "zoom":
            self.zoom(_ZOOM ** (-4 * by.y()), self._start)
        elif self._kind == "window":
            self._bench.beside.drag_window(by.x() / 300, -by.y() / 300)
        elif self._kind == "crosshair":
            self._put_cursor(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()
        self._kind = ""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()
        self._kind = ""
        self.fit()

    def _put_cursor(self, at: QPointF) -> None:
        if self.shape is None:
            return
        point = self.to_picture(at)
        row, column = point.y() - 0.5, point.x() - 0.5  # the state speaks of pixel centres
        if -0.5 <= row < self.shape[0] - 0.5 and -0.5 <= column < self.shape[1] - 0.5:
            self._bench.beside.set_cursor(row, column)


class FirstHeading(QWidget):
    """Over the first picture while a second one is beside it, so that each says what it is and both lie level."""

    def __init__(self) -> None:
        super().__init__()
        self.title, self.words = Elided(name="title"), Elided(name="muted")
        self.words.set_full("First series: model, maps, boxes and distances are of this one.")
        body = QVBoxLayout(self)
        body.setContentsMargins(2, 0, 0, 4)
        body.setSpacing(8)
        body.addStretch(1)
        body.addWidget(self.title)
        body.addWidget(self.words)
        self.hide()

    def show_session(self, session: Session, height: int) -> None:
        """What the first series is; `height` is that of what stands over the second picture."""
        shown = session.beside is not None and session.case is not None
        self.setVisible(shown)
        if shown and session.case is not None:
            entry = session.entry
            self.title.set_full(entry.words(hidden=session.phi_hidden) if entry else session.case.title)
            self.setFixedHeight(max(height, self.minimumSizeHint().height()))


class BesidePanel(QWidget):
    """Heading, how the two are linked, picture, facts.

    Parameters
    ----------
    first : the picture at the left. Where places are known, a millimetre is as long in both.
    """

    arranged = Signal()
    """What stands over the picture has another height."""

    def __init__(self, bench: Workbench, first: PictureView) -> None:
        super().__init__()
        self._first = first
        self._beside: Beside | None = None
        self._key: tuple[object, ...] = ()
        self.setAccessibleName("Second series")
        body = QVBoxLayout(self)
        body.setContentsMargins(6, 0, 0, 0)
        body.setSpacing(4)
        head = QHBoxLayout()
        self.title, self.close_button = Elided(name="title"), QPushButton("Close")
        described(self.close_button, "Close the second series", "Show the first series alone.")
        self.close_button.clicked.connect(lambda: attempt(bench, bench.beside.close))
        head.addWidget(self.title, 1)
        head.addWidget(self.close_button)
        self.why, self.confirm = QLabel(), QPushButton("Link by position")
        self.why.setObjectName("muted")
        self.why.setWordWrap(True)
        described(
            self.confirm, "Link by position", "You say that positions agree: link the two all the same."
        )
        self.confirm.clicked.connect(lambda: attempt(bench, bench.beside.confirm_link))
        self.picture = BesidePicture(bench, self)
        self.picture.setAccessibleName("Slice of the second series")
        self.letters, self.words, self.crosshair = EdgeLetters(), Words(), Crosshair()
        self.picture.foreground += [self.crosshair, self.letters, self.words]
        self.facts = Elided(name="muted")
        self._level = QTimer(self)
        self._level.setSingleShot(True)
        self._level.setInterval(0)
        self._level.timeout.connect(self._one_scale)
        for view in (first, self.picture):
            view.resized.connect(self._level.start)
            view.shape_changed.connect(self._level.start)
        body.addLayout(head)
        body.addWidget(self.why)
        body.addWidget(self.confirm, 0, Qt.AlignmentFlag.AlignLeft)
        body.addWidget(self.picture, 1)
        body.addWidget(self.facts)
        self.hide()

    @property
    def settled(self) -> bool:
        return not self._level.isActive()

    @property
    def head(self) -> int:
        """Height of what stands over the picture, pixels."""
        return int(self.picture.y())

    @property
    def foot(self) -> int:
        """Height of what stands under the picture, pixels."""
        return int(self.height() - self.picture.geometry().bottom() - 1)

    def _one_scale(self) -> None:
        """Fit both pictures so that a millimetre is as long in each of them, where millimetres are those of places."""
        beside = self._beside
        views = (self._first, self.picture)
        common = beside is not None and beside.link != "number"
        scale = min(view.fitted_scale() for view in views) if common else None
        for view in views:
            if view.common_scale != scale:
                view.common_scale = scale
                if view.fitted:
                    view.fit()
        self.arranged.emit()

    def show_session(self, session: Session) -> None:
        """The second series of the session; returns at once where nothing has changed."""
        beside = session.beside
        key = (beside, session.view.convention, session.phi_hidden)
        if len(self._key) == len(key) and all(a is b for a, b in zip(key, self._key, strict=True)):
            return
        other = self._beside is None or beside is None or self._beside.case is not beside.case
        self._key, self._beside = key, beside
        self.setVisible(beside is not None)
        self._level.start()
        if beside is None:
            return
        words = beside.entry.words(hidden=session.phi_hidden) if beside.entry else beside.case.title
        self.title.set_full(words)
        self.why.setText(beside.why)
        self.confirm.setVisible(beside.link == "asked")
        background = background_of(
            beside.case, beside.slice, beside.window, convention=session.view.convention
        )
        self.picture.show_background(background)
        if other:
            self.picture.fit()
        self.letters.letters = background.letters
        self.words.mark, self.words.notes = background.mark, background.notes
        self.words.side_unknown = background.letters is None
        self.crosshair.cursor = beside.cursor
        self.facts.set_full("    ".join(beside_facts(beside)))
        self.picture.update()
