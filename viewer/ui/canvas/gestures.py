"""What the mouse means on a picture. Turns Qt's events into verbs; remembers only the drag that is going on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, QPoint, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent, QWheelEvent

from viewer.controllers.workbench import Workbench
from viewer.imaging.plane import ReadingPlane
from viewer.state.rulers import RulerMark, length_words
from viewer.ui.attempt import attempt
from viewer.ui.canvas.box_marks import BoxMarks, Edges, Grip, edges_of
from viewer.ui.canvas.picture_view import PictureView
from viewer.ui.canvas.ruler_marks import Point, RulerGrip, RulerMarks

_NOTCH = 120
"""Eighths of a degree of one notch of a wheel."""
_DRAG = 4
"""Way below which a press and release is a click, screen pixels."""
_ZOOM = 1.0015
"""Zoom per eighth of a degree of the wheel; per pixel of a drag to the fourth power."""


@dataclass
class _Drag:
    """A drag that is going on."""

    kind: str
    start: QPointF
    last: QPointF
    moved: bool = False
    grip: Grip | None = None
    edges: Edges | None = None
    ruler: RulerGrip | None = None


def left_drag(bench: Workbench, *, shift: bool) -> str:
    """What a left drag does as the user prefers it, ``crosshair`` or ``window``; with Shift the other."""
    preferred = bench.session.settings.left_drag
    return {"crosshair": "window", "window": "crosshair"}[preferred] if shift else preferred


class Gestures(QObject):
    """Mouse and wheel on the picture of the Reading workspace; other pictures change what a part of it means."""

    menu_wanted = Signal(QPoint)
    """Right click without a drag; global position."""

    def __init__(
        self,
        view: PictureView,
        boxes: BoxMarks,
        rulers: RulerMarks,
        bench: Workbench,
        boxes_shown: Callable[[], bool],
    ) -> None:
        super().__init__(view)
        self._view = view
        self._boxes = boxes
        self._rulers = rulers
        self._bench = bench
        self._boxes_shown = boxes_shown
        self._drag: _Drag | None = None
        self._turned = 0
        self._scroll = QTimer(self)
        self._scroll.setSingleShot(True)
        self._scroll.setInterval(0)
        self._scroll.timeout.connect(self._step)

    # --- wheel -------------------------------------------------------------------------------------------------------

    def wheel(self, event: QWheelEvent) -> None:
        """Slice; with Ctrl zoom, with Shift opacity. Some systems turn Shift+wheel sideways: both axes count."""
        turned = event.angleDelta().y() or event.angleDelta().x()
        held = event.modifiers()
        event.accept()
        if held & Qt.KeyboardModifier.ControlModifier:
            self._zoom(_ZOOM**turned, event.position())
        elif held & Qt.KeyboardModifier.ShiftModifier:
            self._bench.viewing.set_opacity(self._bench.session.overlay.opacity + 0.05 * turned / _NOTCH)
        else:
            self._turned += turned
            self._scroll.start()

    def _step(self) -> None:
        """One verb for everything that was turned since the last turn of the event loop."""
        notches = int(self._turned / _NOTCH)
        self._turned -= notches * _NOTCH
        if notches:
            self._scrolled(notches)

    # --- buttons -----------------------------------------------------------------------------------------------------

    def press(self, event: QMouseEvent) -> None:
        at, held, button = event.position(), event.modifiers(), event.button()
        event.accept()
        if self._drag is not None:
            return
        self._bench.recording.begin()
        if button == Qt.MouseButton.MiddleButton or (
            button == Qt.MouseButton.LeftButton and held & Qt.KeyboardModifier.AltModifier
        ):
            self._drag = _Drag("pan", at, at)
            self._view.setCursorShape(Qt.CursorShape.ClosedHandCursor)
        elif button == Qt.MouseButton.RightButton:
            self._drag = _Drag("zoom", at, at)
        elif button == Qt.MouseButton.LeftButton:
            self._drag = self._left(at, bool(held & Qt.KeyboardModifier.ShiftModifier))

    def _left(self, at: QPointF, shift: bool) -> _Drag:
        session = self._bench.session
        if self._boxes_shown():
            if session.rulers.drawing:
                return _Drag("measure", at, at)
            if session.view.erasing:
                return _Drag("erase", at, at)
            drawing = session.view.drawing
            grip = self._boxes.grip(self._view, at, handles=drawing)
            if grip is not None and grip.identity in session.boxes.drawn:
                self._bench.boxing.select(grip.identity)
                return _Drag("box", at, at, grip=grip, edges=edges_of(session.boxes.drawn[grip.identity]))
            if drawing:
                return _Drag("draw", at, at)
            ruler = self._rulers.grip(self._view, at)
            if ruler is not None:
                self._bench.measuring.select(ruler.identity)
                return _Drag("ruler", at, at, ruler=ruler)
            under = self._boxes.line_under(self._view, at)
            if under in session.boxes.drawn and under is not None:
                self._bench.boxing.select(under)
                edges = edges_of(session.boxes.drawn[under])
                return _Drag("box", at, at, grip=Grip(under, move=True), edges=edges)
        profile = left_drag(self._bench, shift=shift)
        drag = _Drag(profile, at, at)
        if profile == "crosshair":
            self._put_cursor(at)
        return drag

    def move(self, event: QMouseEvent) -> None:
        at, drag = event.position(), self._drag
        event.accept()
        if drag is None:
            self._hover(at)
            return
        by = at - drag.last
        if not drag.moved and (at - drag.start).manhattanLength() < _DRAG:
            return
        drag.moved, drag.last = True, at
        if drag.kind == "pan":
            self._view.pan(by)
        elif drag.kind == "zoom":
            self._zoom(_ZOOM ** (-4 * by.y()), drag.start)
        elif drag.kind == "crosshair":
            self._put_cursor(at)
        elif drag.kind == "window":
            self._bench.viewing.drag_window(by.x() / 300, -by.y() / 300)
        elif drag.kind in ("draw", "erase"):
            self._boxes.rubber = self._between(drag.start, at)
            self._view.update()
        elif drag.kind == "box":
            self._drag_box(drag, at)
        elif drag.kind == "measure":
            self._rulers.rubber = self._line(self._centre(drag.start), self._centre(at))
            self._view.update()
        elif drag.kind == "ruler" and drag.ruler is not None:
            a, b = self._view.to_picture(drag.start), self._view.to_picture(at)
            self._move_ruler(drag.ruler, *drag.ruler.dragged(b.y() - a.y(), b.x() - a.x()))

    def release(self, event: QMouseEvent) -> None:
        drag, self._drag = self._drag, None
        self._bench.recording.end()
        event.accept()
        if drag is None:
            return
        if drag.kind == "zoom" and not drag.moved:
            self.menu_wanted.emit(event.globalPosition().toPoint())
        elif drag.kind == "draw":
            self._boxes.rubber = None
            self._bench.boxing.add(*self._between(drag.start, event.position()))
        elif drag.kind == "erase":
            self._boxes.rubber = None
            edges = self._between(drag.start, event.position())
            attempt(self._bench, lambda: self._bench.erasing.add(*edges))
        elif drag.kind == "measure":
            self._rulers.rubber = None
            self._add_ruler(self._centre(drag.start), self._centre(event.position()))
        elif drag.kind in ("crosshair", "window") and not drag.moved:
            self._bench.boxing.select(None)
            self._bench.measuring.select(None)
        self._hover(event.position())

    def double_click(self, event: QMouseEvent) -> None:
        event.accept()
        self._drag = None
        if event.button() == Qt.MouseButton.LeftButton:
            self._view.fit()

    # --- parts -------------------------------------------------------------------------------------------------------

    def _hover(self, at: QPointF) -> None:
        shape = Qt.CursorShape.CrossCursor
        if self._boxes_shown():
            grip = self._boxes.grip(self._view, at, handles=self._bench.session.view.drawing)
            if grip is not None:
                shape = grip.cursor(flipped=self._view.flipped)
            elif (
                self._boxes.line_under(self._view, at) is not None
                or self._rulers.grip(self._view, at) is not None
            ):
                shape = Qt.CursorShape.PointingHandCursor
        self._view.setCursorShape(shape)

    def _put_cursor(self, at: QPointF) -> None:
        shape = self._view.shape
        if shape is None or not self._boxes_shown():
            return
        point = self._view.to_picture(at)
        row, column = point.y() - 0.5, point.x() - 0.5  # the state speaks of pixel centres
        if -0.5 <= row < shape[0] - 0.5 and -0.5 <= column < shape[1] - 0.5:
            self._pointed(row, column)

    def _centre(self, at: QPointF) -> Point:
        """(row, column) of a point of the screen, as the state speaks of it."""
        point = self._view.to_picture(at)
        return point.y() - 0.5, point.x() - 0.5

    # --- what it means on this picture -------------------------------------------------------------------------------

    def _scrolled(self, notches: int) -> None:
        self._bench.viewing.step(notches)

    def _zoom(self, factor: float, at: QPointF) -> None:
        self._view.zoom(factor, at)

    def _pointed(self, row: float, column: float) -> None:
        self._bench.viewing.set_cursor(row, column)

    def _picture(self) -> tuple[ReadingPlane, int] | None:
        """The plane and the index of the picture; None without one."""
        case = self._bench.session.case
        return None if case is None else (case.plane, self._bench.session.view.slice)

    def _line(self, start: Point, end: Point) -> RulerMark | None:
        """A line that is not kept yet, with its length."""
        case, picture = self._bench.session.case, self._picture()
        if case is None or picture is None:
            return None
        plane, index = picture
        a, b = (plane.voxel(case.image.geometry, index, *point) for point in (start, end))
        text = length_words(case.image, (a[0], a[1], a[2]), (b[0], b[1], b[2]))
        return RulerMark(0, start, end, text)

    def _add_ruler(self, start: Point, end: Point) -> None:
        if (picture := self._picture()) is not None:
            self._bench.measuring.add(start, end, plane=picture[0], index=picture[1])

    def _move_ruler(self, grip: RulerGrip, start: Point, end: Point) -> None:
        if (picture := self._picture()) is not None:
            self._bench.measuring.move(grip.identity, start, end, plane=picture[0], index=picture[1])

    # --- boxes -------------------------------------------------------------------------------------------------------

    def _between(self, start: QPointF, end: QPointF) -> Edges:
        a, b = self._view.to_picture(start), self._view.to_picture(end)
        return min(a.y(), b.y()), min(a.x(), b.x()), max(a.y(), b.y()), max(a.x(), b.x())

    def _drag_box(self, drag: _Drag, at: QPointF) -> None:
        if drag.grip is None or drag.edges is None or self._view.shape is None:
            return
        a, b = self._view.to_picture(drag.start), self._view.to_picture(at)
        down, across = b.y() - a.y(), b.x() - a.x()
        if drag.grip.move:  # a box that is pushed against the edge keeps its size
            rows, columns = self._view.shape
            top, left, bottom, right = drag.edges
            down = min(max(down, -top), rows - bottom)
            across = min(max(across, -left), columns - right)
        self._bench.boxing.move(drag.grip.identity, *drag.grip.dragged(drag.edges, (down, across)))
