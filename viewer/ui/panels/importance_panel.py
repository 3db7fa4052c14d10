"""Pixel importance: the table of fractions and classes, the curves, and the input as it was altered."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from viewer.controllers.workbench import Workbench
from viewer.evaluation.replacement import TRANSFORMS
from viewer.state.replacing import ImportanceRow, ImportanceView, Picture
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.panels.bottom_card import BottomPage
from viewer.ui.panels.card import Chooser, Elided, described, keeps_room
from viewer.ui.panels.curve_plot import CurvePlot, PlottedCurve
from viewer.ui.panels.whole_table import WholeTable

_TRANSFORM_WORDS = {
    "mean": "channel mean",
    "blur-11": "Gaussian blur 11",
    "blur-21": "Gaussian blur 21",
    "noise": "random noise",
}


class GreyPicture(QWidget):
    """A small picture of bytes with words below it."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._image: QImage | None = None
        self._pixels: Picture | None = None
        self._words = ""
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(126), theme.scaled(126))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(80), theme.scaled(60))

    def show_picture(self, pixels: Picture | None, words: str) -> None:
        """Show pixels (row, column), or nothing."""
        if pixels is self._pixels and words == self._words:
            return
        self._pixels, self._words = pixels, words
        if pixels is None:
            self._image = None
        else:
            rows, columns = pixels.shape
            grey = QImage.Format.Format_Grayscale8
            self._image = QImage(np.ascontiguousarray(pixels).tobytes(), columns, rows, columns, grey).copy()
        self.update()

    @property
    def pixels(self) -> Picture | None:
        return self._pixels

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._image is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        high = self.fontMetrics().height() + 2
        room = QRectF(0, 0, self.width(), self.height() - high)
        scale = min(room.width() / self._image.width(), room.height() / self._image.height())
        wide, tall = self._image.width() * scale, self._image.height() * scale
        painter.drawImage(
            QRectF((room.width() - wide) / 2, (room.height() - tall) / 2, wide, tall), self._image
        )
        painter.setPen(theme.colour("muted"))
        words = self.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(
            QRectF(0, self.height() - high, self.width(), high), Qt.AlignmentFlag.AlignCenter, words
        )


class ImportancePanel(BottomPage):
    """Controls in the row of the tabs; table, curves and pictures below."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._view: ImportanceView | None = None
        self._filling = False
        self.head = QWidget()
        row = QHBoxLayout(self.head)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        self.line = Elided(name="muted")
        self.transform = Chooser()
        for name in TRANSFORMS:
            self.transform.addItem(_TRANSFORM_WORDS[name])
        described(self.transform, "Replaced by", "What is put in the place of the important pixels.")
        self.measure = QPushButton("Measure")
        described(
            self.measure,
            "Measure pixel importance",
            "Replace the most important pixels of the network's input and ask it again.",
        )
        row.addWidget(self.line, 1)
        row.addWidget(self.transform)
        row.addWidget(self.measure)
        self.table = QTableWidget(0, 0)
        self._style_table()
        self.plot = CurvePlot("Deletion and insertion curves")
        self.areas = QLabel()
        self.areas.setObjectName("muted")
        self.before, self.after = (
            GreyPicture("The network's input"),
            GreyPicture("The input with pixels replaced"),
        )
        body = QHBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(12)
        self._whole = WholeTable(self.table, ())
        body.addWidget(self._whole, 1)
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(self.plot, 1)
        column.addWidget(self.areas)
        body.addLayout(column)
        body.addWidget(self.before)
        body.addWidget(self.after)
        for widget in (self.plot, self.areas, self.before, self.after):
            keeps_room(widget)
        self.transform.activated.connect(
            lambda index: attempt(bench, lambda: bench.replacing.set_transform(TRANSFORMS[index]))
        )
        self.measure.clicked.connect(self._pressed)
        self.table.currentCellChanged.connect(lambda _, column, *__: self._pick(column))

    def _style_table(self) -> None:
        table = self.table
        described(
            table,
            "Pixel importance",
            "p(original) \u2212 p(replaced) for every class. Choose a column to see its altered input at the right.",
        )
        table.verticalHeader().hide()
        table.horizontalHeader().setDefaultAlignment(
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        )
        table.horizontalHeader().setHighlightSections(False)
        table.horizontalHeader().setSectionsClickable(True)
        table.horizontalHeader().sectionClicked.connect(self._pick)
        table.setShowGrid(False)
        table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)

    def show_importance(self, view: ImportanceView) -> None:
        """Bring the panel up to a view; returns at once for the same one."""
        if view is self._view:
            return
        self._view = view
        self.line.set_full(view.line)
        self.transform.setCurrentIndex(TRANSFORMS.index(view.transform))
        self.measure.setText("Cancel" if view.running else "Measure")
        self.measure.setEnabled(view.running or view.may_measure)
        self._fill(view)
        self._plot(view)
        self.areas.setText(view.areas)
        self.areas.setToolTip("Area under the curve of the map, in brackets of a random order of the pixels.")
        for widget in (self.plot, self.areas, self.before, self.after):
            widget.setVisible(bool(view.rows))
        self.before.show_picture(view.before, view.note or "input")
        self.after.show_picture(view.after, f"{view.fraction:g} % replaced")
        self.before.setToolTip(f"What the network got{': ' + view.note if view.note else ''}, as it saw it.")
        self.after.setToolTip(
            f"The same with the most important {view.fraction:g} % replaced by {_TRANSFORM_WORDS[view.transform]}."
        )

    def _fill(self, view: ImportanceView) -> None:
        headings = ["class", "probability", *(f"\u0394p, top {fraction:g} %" for fraction in view.fractions)]
        self._filling = True
        try:
            self.table.setColumnCount(len(headings))
            self.table.setHorizontalHeaderLabels(headings)
            self.table.setRowCount(len(view.rows))
            self._whole.show_columns(("no stroke", "0.00", *["+0.00  (+0.00)"] * len(view.fractions)))
            for number, row in enumerate(view.rows):
                for column, text in enumerate(_words(row)):
                    self._put(number, column, text, row, view)
        finally:
            self._filling = False

    def _put(self, number: int, column: int, text: str, row: ImportanceRow, view: ImportanceView) -> None:
        item = QTableWidgetItem(text)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
        colours = theme.current()
        item.setForeground(QColor(colours.accent if column == 0 and row.explained else colours.text))
        if column >= 2:
            fraction = view.fractions[column - 2]
            item.setToolTip(
                f"p({row.name}) falls by {row.cells[column - 2][0]:.3f} when the most important {fraction:g} % are "
                f"replaced, by {row.cells[column - 2][1]:.3f} when as many random pixels are."
            )
            if fraction == view.fraction:  # the style paints the ground of cells, so the words stand out
                font = item.font()
                font.setBold(True)
                item.setFont(font)
        self.table.setItem(number, column, item)

    def _plot(self, view: ImportanceView) -> None:
        curves = []
        named = False  # one word for both dashed lines: there is no room for more
        for curve, name, purpose in (
            (view.deletion, "deletion", "accent"),
            (view.insertion, "insertion", "amber"),
        ):
            if curve is None:
                continue
            shares = [float(share) / 100 for share in curve.shares]
            of_map, at_random = (
                tuple(zip(shares, map(float, values), strict=True))
                for values in (curve.probabilities, curve.random)
            )
            curves.append(PlottedCurve(name, of_map, purpose))
            curves.append(PlottedCurve("" if named else "random", at_random, purpose, dashed=True))
            named = True
        self.plot.show_curves(curves, ((0.0, "0"), (0.5, "50 %"), (1.0, "100 %")))
        self.plot.setToolTip(
            "Probability of the map's class while the most important pixels are taken away, or put back into an input "
            "of which everything was replaced. Dashed: the same in a random order."
        )

    def _pressed(self) -> None:
        if self._view is not None and self._view.running:
            self._bench.replacing.cancel()
        else:
            attempt(self._bench, self._bench.replacing.measure)

    def _pick(self, column: int) -> None:
        if self._filling or self._view is None or column < 2 or column - 2 >= len(self._view.fractions):
            return
        fraction = self._view.fractions[column - 2]
        attempt(self._bench, lambda: self._bench.replacing.set_fraction(fraction))


def _words(row: ImportanceRow) -> tuple[str, ...]:
    return (
        row.name,
        f"{row.probability:.2f}",
        *(f"{_signed(delta)}  ({_signed(random)})" for delta, random in row.cells),
    )


def _signed(delta: float) -> str:
    """A difference of probabilities; above zero the class lost."""
    shown = f"{delta:+.2f}".replace("-", "\u2212")
    return "0.00" if shown.strip("+\u2212") == "0.00" else shown
