"""Where the segments of a map meet, as fine lines over the picture."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF
from PySide6.QtGui import QColor, QPainter, QPen, QTransform

from viewer.state.segment_lines import Lines
from viewer.ui.canvas.picture_view import PictureView

_COLOUR = QColor(255, 236, 110, 170)


class BoundaryMarks:
    """Draws the boundaries of the shown map; they are made into lines once, and placed by the painter."""

    def __init__(self) -> None:
        self._of: Lines | None = None
        self._lines: list[QLineF] = []

    def show_lines(self, lines: Lines | None) -> None:
        if lines is self._of:
            return
        self._of = lines
        ends = np.empty((0, 4)) if lines is None else lines[..., ::-1].reshape(-1, 4)
        self._lines = [QLineF(*each) for each in ends.tolist()]

    def __call__(self, painter: QPainter, view: PictureView) -> None:
        if not self._lines:
            return
        start, end = view.to_screen(0, 0), view.to_screen(1, 1)
        painter.save()
        placed = QTransform.fromTranslate(start.x(), start.y())
        painter.setTransform(placed.scale(end.x() - start.x(), end.y() - start.y()), True)
        pen = QPen(_COLOUR, 1.1)
        pen.setCosmetic(True)  # as fine at any zoom
        painter.setPen(pen)
        painter.drawLines(self._lines)
        painter.restore()
