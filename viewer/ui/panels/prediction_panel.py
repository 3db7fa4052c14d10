"""The prediction: a bar and a number per class, and of what it is a probability."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from viewer.state.panel_views import ClassBar, PredictionView
from viewer.ui import theme
from viewer.ui.panels.card import Elided, heading

_ROW = 20
_NAME = 78
_PLAIN = ("(plain input)", "(plain)")
"""What the numbers in brackets are of, and the same where there is less room."""
_PLAIN_TIP = "In brackets: of the input as it is, neither mirrored nor cropped nor with anything erased."
_MOST = 8
"""Rows shown at once; of more classes the most probable ones."""


class Bars(QWidget):
    """One row per class."""

    def __init__(self) -> None:
        super().__init__()
        self._bars: tuple[ClassBar, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Probabilities")

    def show_bars(self, bars: tuple[ClassBar, ...]) -> None:
        if bars == self._bars:
            return
        self._bars = bars
        said = [
            f"{b.name} {'unknown' if b.probability is None else format(b.probability, '.2f')}" for b in bars
        ]
        self.setAccessibleDescription(", ".join(said))
        tips = [*said, "The mark on a bar: from here on the class counts as present."]
        tips += [_PLAIN_TIP] if any(bar.other_input is not None for bar in bars) else []
        self.setToolTip("\n".join(tips))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, theme.scaled(_ROW) * max(1, len(self._bars)))

    minimumSizeHint = sizeHint

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for row, bar in enumerate(self._bars):
            self._paint(painter, bar, row * theme.scaled(_ROW))

    def _name_width(self, painter: QPainter) -> float:
        """As wide as the longest name, up to a bit less than half of the panel."""
        longest = max(painter.fontMetrics().horizontalAdvance(bar.name) for bar in self._bars) + 8
        return float(min(max(longest, theme.scaled(_NAME)), 0.46 * self.width()))

    def _paint(self, painter: QPainter, bar: ClassBar, top: int) -> None:
        high, wide = theme.scaled(_ROW), self._name_width(painter)
        number_wide = painter.fontMetrics().horizontalAdvance("(0.00)") + 6  # no number is ever cut
        line = QRectF(0, top, self.width(), high)
        painter.setPen(theme.colour("text"))
        name = painter.fontMetrics().elidedText(bar.name, Qt.TextElideMode.ElideRight, int(wide) - 6)
        painter.drawText(QRectF(0, top, wide, high), Qt.AlignmentFlag.AlignVCenter, name)
        number_width = number_wide * (2 if bar.other_input is not None else 1)
        groove = QRectF(wide, top + high / 2 - 4, max(line.width() - wide - number_width, 20), 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("raised"))
        painter.drawRoundedRect(groove, 4, 4)
        if bar.probability is not None:
            width = max(groove.width() * bar.probability, 4)
            painter.setBrush(theme.colour("accent" if bar.chosen else "grey"))
            painter.drawRoundedRect(QRectF(groove.left(), groove.top(), width, groove.height()), 4, 4)
        painter.fillRect(
            QRectF(groove.left() + groove.width() * bar.threshold - 0.75, groove.top() - 3, 1.5, 14),
            theme.colour("muted"),
        )
        painter.setPen(theme.colour("text"))
        number = "…" if bar.probability is None else f"{bar.probability:.2f}"
        place = QRectF(groove.right() + 4, top, number_wide - 4, high)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, number)
        if bar.other_input is not None:
            painter.setPen(theme.colour("muted"))
            place.translate(number_wide, 0)
            painter.drawText(
                place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"({bar.other_input:.2f})"
            )


class PredictionPanel(QWidget):
    """Heading with the subject, bars, and the line of the case."""

    def __init__(self) -> None:
        super().__init__()
        self._view: PredictionView | None = None
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(4)
        self.subject = Elided(name="muted")
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(heading("Prediction"))
        head.addWidget(self.subject, 1)
        body.addLayout(head)
        self._bars = Bars()
        self._names: tuple[str, ...] = ()
        self._case_line = QLabel()
        self._case_line.setObjectName("muted")
        self._case_line.setWordWrap(True)
        self.steady = QLabel()
        self.steady.setObjectName("muted")
        self.steady.setWordWrap(True)
        self.steady.setTextFormat(Qt.TextFormat.PlainText)
        self.steady.setAccessibleName("How steady this is")
        for widget in (self._bars, self._case_line, self.steady):
            body.addWidget(widget)
        for widget in (self._bars, self._case_line, self.steady):
            widget.hide()

    def show_prediction(self, view: PredictionView | None) -> None:
        if view is self._view and view is not None:
            return
        self._view = view
        self._show_subject()
        bars = view.bars if view else ()
        if len(bars) > _MOST:
            bars = tuple(sorted(bars, key=lambda bar: -(bar.probability or 0)))[:_MOST]
        self._bars.show_bars(bars)
        self._bars.setVisible(bool(bars))
        self._case_line.setText(view.case_line if view else "")
        self._case_line.setMinimumHeight(self._case_line.fontMetrics().height())
        self._case_line.setVisible(bool(bars))  # it is known when the series is: its line waits for it
        self._show_steady(view)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_subject()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._show_subject()

    def _show_subject(self) -> None:
        """What the numbers are of, and those in brackets: in as many words as there is room for."""
        view = self._view
        subject = view.subject if view is not None else ""
        plain = view is not None and any(bar.other_input is not None for bar in view.bars)
        said = [f"{subject}  {words}" for words in _PLAIN] if plain else [subject]
        metrics = self.subject.fontMetrics()
        fitting = [words for words in said if metrics.horizontalAdvance(words) <= self.subject.width()]
        self.subject.set_full((fitting or said[-1:])[0])

    def _show_steady(self, view: PredictionView | None) -> None:
        """Once there, the sentences keep their room on slices that have none, until there is another model."""
        names = tuple(bar.name for bar in view.bars) if view else ()
        there = self.steady.height() if not self.steady.isHidden() else 0
        said = "\n".join(view.steady) if view else ""
        self.steady.setMinimumHeight(there if not said and names == self._names else 0)
        self._names = names
        self.steady.setText(said)
        self.steady.setVisible(bool(said or self.steady.minimumHeight()))
