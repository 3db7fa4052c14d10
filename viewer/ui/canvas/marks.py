"""What is written over the picture in screen pixels: letters, crosshair, marks. Each is called with a painter."""

from __future__ import annotations

import math
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPixmap

from viewer.state.display import Letters
from viewer.ui import theme
from viewer.ui.canvas.picture_view import PictureView

_HALO = QColor(0, 0, 0, 200)
_BANNER = 36.0
"""Height of the room for a mark."""
_GAP = 7.0
"""Between a letter and the edge of the picture, screen pixels."""


def outlined(painter: QPainter, at: QPointF, text: str, colour: QColor, font: QFont) -> None:
    """Text with a dark halo, readable on any picture; `at` is the left end of the base line."""
    ratio = painter.device().devicePixelRatioF()
    picture, base = _written(text, colour.rgba(), font.key(), ratio)
    painter.drawPixmap(QPointF(at.x() - _ROOM, at.y() - base), picture)


_AROUND = tuple((1.3 * math.cos(n * math.pi / 4), 1.3 * math.sin(n * math.pi / 4)) for n in range(8))
"""Steps of the halo, pixels."""
_ROOM = 3
"""Around a word, for its halo, pixels."""


@lru_cache(maxsize=256)
def _written(text: str, colour: int, font_key: str, ratio: float) -> tuple[QPixmap, float]:
    """A word with its halo, and its base line below the upper edge; drawn once."""
    font = QFont()
    font.fromString(font_key)
    metrics = QFontMetricsF(font)
    base = metrics.ascent() + _ROOM
    width, height = metrics.horizontalAdvance(text) + 2 * _ROOM, metrics.height() + 2 * _ROOM
    picture = QPixmap(max(math.ceil(width * ratio), 1), max(math.ceil(height * ratio), 1))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font)
    # Eight shadows around the word: letters that are kept by the font are drawn many times faster than their outline.
    painter.setPen(_HALO)
    for across, down in _AROUND:
        painter.drawText(QPointF(_ROOM + across, base + down), text)
    painter.setPen(QColor.fromRgba(colour))
    painter.drawText(QPointF(_ROOM, base), text)
    painter.end()
    return picture, base


def _font(painter: QPainter, points: float, *, bold: bool = True) -> QFont:
    font = QFont(painter.font())
    font.setPointSizeF(theme.points(points))
    font.setBold(bold)
    return font


def small_font(painter: QPainter) -> QFont:
    """For words on small pictures."""
    return _font(painter, 8)


class EdgeLetters:
    """Orientation letters beside the edges of the picture; where an edge is off screen, at the edge of the view."""

    def __init__(self) -> None:
        self.letters: Letters | None = None
        self.under_banner = False
        """Leave room for a mark at the upper edge of the view."""
        self.points = 12.0
        """Size of the letters."""

    def places(self, view: PictureView, letter_size: tuple[float, float]) -> tuple[QRectF, ...]:
        """Rectangles of the (left, right, top, bottom) letters on the viewport."""
        width, height = letter_size
        screen, picture = QRectF(view.rect()), view.picture_rect()
        seen = picture.intersected(screen)
        if seen.isEmpty():
            seen = screen
        middle = seen.center()
        left = max(picture.left() - _GAP - width, screen.left() + _GAP)
        right = min(picture.right() + _GAP, screen.right() - _GAP - width)
        top = max(picture.top() - _GAP - height, screen.top() + (_BANNER if self.under_banner else _GAP))
        bottom = min(picture.bottom() + _GAP, screen.bottom() - _GAP - height)
        return (
            QRectF(left, middle.y() - height / 2, width, height),
            QRectF(right, middle.y() - height / 2, width, height),
            QRectF(middle.x() - width / 2, top, width, height),
            QRectF(middle.x() - width / 2, bottom, width, height),
        )

    def taken(self, view: PictureView) -> tuple[QRectF, ...]:
        """Where letters are, so that nothing is written over them."""
        if self.letters is None or view.shape is None:
            return ()
        metrics = QFontMetricsF(self._font(QFont(view.font())))
        return self.places(view, (max(map(metrics.horizontalAdvance, self.letters)), metrics.ascent()))

    def _font(self, font: QFont) -> QFont:
        font.setPointSizeF(theme.points(self.points))
        font.setBold(True)
        return font

    def __call__(self, painter: QPainter, view: PictureView) -> None:
        if self.letters is None or view.shape is None:
            return
        font = self._font(painter.font())
        painter.setFont(font)
        metrics = painter.fontMetrics()
        for word, place in zip(self.letters, self.taken(view), strict=True):
            x = place.center().x() - metrics.horizontalAdvance(word) / 2
            outlined(painter, QPointF(x, place.bottom()), word, theme.colour("letter"), font)


class Words:
    """Marks that must not be missed: the input's own above the picture, the watermark across it, the display's own."""

    def __init__(self) -> None:
        self.mark = ""
        self.watermark = ""
        self.side_unknown = False
        self.title = ""
        """What the picture is, in the upper left corner."""
        self.notes: tuple[str, ...] = ()
        """Words about the display in the lower left corner, one below the other."""

    def __call__(self, painter: QPainter, view: PictureView) -> None:
        screen = QRectF(view.rect())
        if self.mark:
            _banner(painter, screen, self.mark)
        if self.title:
            font = _font(painter, 9.5)
            at = QPointF(10, max(18.0, 4.0 + QFontMetricsF(font).ascent()))
            outlined(painter, at, self.title, theme.colour("letter"), font)
        font = _font(painter, 8.5)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        step, room = metrics.height(), 0.5 * screen.width() - 34  # the lower letter stands in the middle
        notes: list[str] = []
        for note in (*self.notes, *(["side unknown"] if self.side_unknown else [])):
            line = ""
            # A small picture must not be covered: the letters say it too.
            words = note.split(":")[0] if metrics.horizontalAdvance(note) > 2 * room else note
            for word in words.split():
                longer = f"{line} {word}".strip()
                if line and metrics.horizontalAdvance(longer) > room:
                    notes.append(line)
                    longer = word
                line = longer
            notes.append(line)
        for above, note in enumerate(reversed(notes)):
            at = QPointF(10, screen.bottom() - 9 - above * step)
            outlined(painter, at, note, theme.colour("letter"), font)
        if self.watermark:
            self._across(painter, view.picture_rect().intersected(screen))

    def _across(self, painter: QPainter, picture: QRectF) -> None:
        if picture.isEmpty():
            return
        font = _font(painter, 12)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        width = metrics.horizontalAdvance(self.watermark)
        if width > 0.92 * picture.width():
            font.setPointSizeF(max(9.0, theme.points(12) * 0.92 * picture.width() / width))
            painter.setFont(font)
            metrics = painter.fontMetrics()
            width = metrics.horizontalAdvance(self.watermark)
        for share in (0.2, 0.5, 0.8):
            at = QPointF(picture.center().x() - width / 2, picture.top() + share * picture.height())
            outlined(painter, at, self.watermark, theme.colour("letter", 0.8), font)


def _banner(painter: QPainter, screen: QRectF, text: str) -> None:
    font = _font(painter, 9.5)
    painter.setFont(font)
    metrics = painter.fontMetrics()
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(screen.width()) - 60)
    width, height = metrics.horizontalAdvance(text) + 20, metrics.height() + 8
    place = QRectF(screen.center().x() - width / 2, screen.top() + 4, width, height)
    painter.setPen(QPen(theme.colour("letter"), 1))
    painter.setBrush(QColor(15, 17, 21, 225))
    painter.drawRoundedRect(place, 5, 5)
    painter.setPen(theme.colour("letter"))
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)


class Crosshair:
    """Two lines that leave the point itself free."""

    def __init__(self) -> None:
        self.cursor: tuple[float, float] | None = None
        """(row, column) at pixel centres, as the state keeps it."""

    def __call__(self, painter: QPainter, view: PictureView) -> None:
        if self.cursor is None:
            return
        row, column = self.cursor
        at, picture = view.to_screen(column + 0.5, row + 0.5), view.picture_rect()
        # Rectangles one pixel wide: sharp, and many times faster than lines.
        colour, gap = theme.colour("letter", 0.75), 9.0
        x, y = round(at.x()), round(at.y())
        for left, right in ((picture.left(), x - gap), (x + gap, picture.right())):
            painter.fillRect(QRectF(left, y, max(right - left, 0.0), 1), colour)
        for top, bottom in ((picture.top(), y - gap), (y + gap, picture.bottom())):
            painter.fillRect(QRectF(x, top, 1, max(bottom - top, 0.0)), colour)
