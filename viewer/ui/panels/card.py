"""The pieces that panels are made of: cards, headings, labels that elide, lines with a dot."""

from __future__ import annotations

import html

from PySide6.QtCore import QEvent, QPointF, QRect, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent, Qt, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QVBoxLayout,
    QWidget,
)

from viewer.ui import theme


class Card(QFrame):
    """A rounded ground for related things, one below the other."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.setAccessibleName(name)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(10, 8, 10, 9)
        self.body.setSpacing(6)


def heading(text: str) -> QLabel:
    """The heading of a section."""
    label = QLabel(text.upper())
    label.setObjectName("heading")
    return label


def labelled(text: str, widget: QWidget, tip: str, *, width: int = 66) -> QHBoxLayout:
    """A control with its name at the left."""
    row = QHBoxLayout()
    row.setSpacing(8)
    label = QLabel(text)
    label.setObjectName("muted")
    theme.keep(label, "setMinimumWidth", width)
    label.setBuddy(widget)
    described(widget, text, tip)
    row.addWidget(label)
    row.addWidget(widget, 1)
    return row


def restyled(widget: QWidget) -> None:
    """Let the style sheet look at a widget again, after a property that it asks for has changed."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.updateGeometry()


def keeps_room(widget: QWidget) -> None:
    """Let a widget that comes and goes keep its place while it is hidden, so that nothing moves for it."""
    policy = widget.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(policy)


def described(widget: QWidget, name: str, tip: str) -> None:
    """Give a control its accessible name and its tooltip."""
    widget.setAccessibleName(name)
    widget.setToolTip(tip)


def plain_tip(text: str) -> str:
    """A tooltip that shows words of a file as they are: Qt takes what looks like markup for markup."""
    return f"<p>{html.escape(text)}</p>".replace("\n", "<br>") if Qt.mightBeRichText(text) else text


class Chooser(QComboBox):
    """A combo box that the wheel does not change: whoever scrolls past it must not choose another model.

    Words for which there is no room end in dots.
    """

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        field = QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, self).width()
        words = self.currentText() if self.currentIndex() >= 0 else self.placeholderText()
        option.currentText = self.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, room)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


class Elided(QLabel):
    """A label of one line that ends in an ellipsis where there is no room; the tooltip has it all."""

    def __init__(self, text: str = "", name: str = "") -> None:
        super().__init__()
        self._full = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        if name:
            self.setObjectName(name)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.set_full(text)

    def set_full(self, text: str) -> None:
        if text != self._full:
            self._full = text
            self.setAccessibleName(text)
            self._fit()

    @property
    def full(self) -> str:
        return self._full

    def minimumSizeHint(self) -> QSize:
        return QSize(20, self.fontMetrics().height() + 2)

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self._full) + 4, self.fontMetrics().height() + 2)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()
            self.updateGeometry()

    def _fit(self) -> None:
        shown = self.fontMetrics().elidedText(self._full, Qt.TextElideMode.ElideRight, max(self.width(), 20))
        shown = _without_half_a_number(shown, self._full)
        if shown != self.text():
            self.setText(shown)
        self.setToolTip(plain_tip(self._full) if shown != self._full else "")


def _without_half_a_number(shown: str, full: str) -> str:
    """Words that end in dots, and not in the first digits of a number, which would be another number."""
    kept = shown.removesuffix("\u2026")
    if shown == full or not kept or not full.startswith(kept) or full[len(kept)].isspace():
        return shown
    whole, _, begun = kept.rpartition(" ")
    unit = whole[-1:].isdigit()  # half a unit is another one
    return f"{whole} \u2026" if unit or any(sign.isdigit() for sign in begun) else shown


class ElidedTwice(Elided):
    """The same with two lines, for which there is always room, so that nothing moves when the words change."""

    def __init__(self, text: str = "", name: str = "") -> None:
        super().__init__(text, name)
        self.setWordWrap(True)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(20, 2 * self.fontMetrics().lineSpacing() + 2)

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self._full) + 4, self.minimumSizeHint().height())

    def _fit(self) -> None:
        words, wide, high = self._full, max(self.width(), 20), 2 * self.fontMetrics().lineSpacing()
        self.setFixedHeight(high + 2)
        room = QRect(0, 0, wide, 10_000)
        while (
            words
            and self.fontMetrics()
            .boundingRect(room, int(Qt.TextFlag.TextWordWrap), self._cut(words))
            .height()
            > high
        ):
            words = words.rpartition(" ")[0]
        self.setText(self._cut(words))
        self.setToolTip(plain_tip(self._full) if words != self._full else "")

    def _cut(self, words: str) -> str:
        return words if words == self._full else words + "\u2026"


class Dot(QWidget):
    """A dot in a colour of the theme."""

    def __init__(self, purpose: str = "grey") -> None:
        super().__init__()
        self._purpose = purpose
        self.setFixedSize(12, 16)

    def set_purpose(self, purpose: str) -> None:
        if purpose != self._purpose:
            self._purpose = purpose
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(self._purpose))
        painter.drawEllipse(QPointF(5, self.height() / 2), 4, 4)


class DotLine(QLabel):
    """A sentence after a dot; wraps. The dot is painted, because only a lone label tells its height for a width."""

    def __init__(self, purpose: str, text: str, tip: str = "") -> None:
        super().__init__(text)
        self._purpose = purpose
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setContentsMargins(16, 0, 0, 0)
        self.setObjectName(purpose if purpose in ("amber", "red") else "muted")
        self.setToolTip(tip)
        self.setAccessibleName(text)

    def say(self, text: str, tip: str = "") -> None:
        """Another sentence in the same place."""
        if text != self.text():
            self.setText(text)
            self.setAccessibleName(text)
            self._grow()
        self.setToolTip(tip)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._grow()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._grow()

    def _grow(self) -> None:
        # A layout asks for the height before the width is final; a warning must never lose its end.
        known = self.minimumHeight()
        self.setMinimumHeight(0)  # it would count as needed
        self.setMinimumHeight(max(self.heightForWidth(self.width()), 0))
        if self.minimumHeight() != known:
            self.updateGeometry()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(self._purpose))
        painter.drawEllipse(QPointF(5, self.fontMetrics().height() / 2), 4, 4)


def emptied(layout: QVBoxLayout) -> None:
    """Take everything out of a layout."""
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()
