"""The Compare workspace: tiles in rows and columns, with one zoom, one crosshair and one slice."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from viewer.controllers.workbench import Workbench
from viewer.explainers.declaration import EXPLAINERS
from viewer.state.canvas_view import Background, OverlayStyle
from viewer.state.compare_view import CompareTile, CompareView
from viewer.state.comparing import CompareKind
from viewer.state.method import menu, why_not
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.canvas.boundary_marks import BoundaryMarks
from viewer.ui.canvas.box_marks import BoxMarks
from viewer.ui.canvas.colour_bar import ColourBar
from viewer.ui.canvas.gestures import Gestures
from viewer.ui.canvas.marks import Crosshair, EdgeLetters, Words
from viewer.ui.canvas.picture_pane import Canvas, PicturePane
from viewer.ui.canvas.ruler_marks import RulerMarks
from viewer.ui.panels.card import Elided, ElidedTwice, described

_LEAST = 132
"""Least side of a picture, logical pixels at the usual size of the text; smaller ones are scrolled."""
_KINDS: tuple[tuple[CompareKind, str, str], ...] = (
    ("explainers", "Explainers", "The chosen model, explainer by explainer."),
    (
        "models",
        "Models",
        "The chosen explainer, model by model: those on this machine that apply to the image.",
    ),
    (
        "noise",
        "Noise",
        "The chosen explainer beside its means over 50 noisy copies of the input (SmoothGrad), at 10 and 20% noise.",
    ),
    ("inputs", "Inputs", "The chosen model and explainer, with the input as it is, mirrored, and cropped."),
)
_ONE_SCALE = (
    "The same raw value is full colour in every tile. Without it each column has a scale of its own, shared by its "
    "classes: for maps in different units, such as those of different explainers."
)


class _CompareGestures(Gestures):
    """The mouse on a tile; boxes and lines are drawn in Reading, where they can be seen."""

    def __init__(self, pane: ComparePane, bench: Workbench) -> None:
        session = bench.session
        super().__init__(
            pane,
            BoxMarks(),
            RulerMarks(),
            bench,
            lambda: pane.shape is not None and not session.view.drawing and not session.rulers.drawing,
        )
        self._pane = pane

    def double_click(self, event: QMouseEvent) -> None:
        super().double_click(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._pane.fit_wanted.emit()


class ComparePane(PicturePane):
    """A picture of the grid."""

    fit_wanted = Signal()
    margin = 17

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(parent)
        for setter in ("setMinimumWidth", "setMinimumHeight"):
            theme.keep(self, setter, _LEAST)
        self.letters, self.words, self.crosshair = EdgeLetters(), Words(), Crosshair()
        self.letters.points = 9.0
        self.boundaries = BoundaryMarks()
        self.foreground += [self.boundaries, self.crosshair, self.letters, self.words]
        self.gestures = _CompareGestures(self, bench)


class CompareCell(QFrame):
    """A tile: heading, picture, words; a button where the map waits to be computed."""

    def __init__(self, bench: Workbench, parent: QWidget) -> None:
        super().__init__(parent)
        self._bench = bench
        self.tile: CompareTile | None = None
        self.title, self.words = Elided(), Elided()
        self.pane = ComparePane(bench, self)
        self.button = QPushButton("Compute", self)
        self.button.clicked.connect(self._compute)
        for label, colour in ((self.title, theme.DARK_TEXT), (self.words, theme.DARK_MUTED)):
            label.setStyleSheet(f"color: {colour.name()};")
        body = QVBoxLayout(self)
        body.setContentsMargins(4, 2, 4, 2)
        body.setSpacing(1)
        body.addWidget(self.title)
        body.addWidget(self.pane, 1)
        body.addWidget(self.words)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_button()

    def _place_button(self) -> None:
        """Over an edge of the picture: all pictures have one size, with a button or without."""
        self.button.resize(self.button.sizeHint())
        room = self.pane.geometry()
        lower = room.bottom() - self.button.height() - 4
        # At the lower edge it may say that the side is unknown; then there is no letter at the upper one.
        down = room.top() + 4 if self.pane.words.side_unknown else lower
        self.button.move(room.center().x() - self.button.width() // 2, down)
        self.button.raise_()

    def show_tile(
        self, tile: CompareTile, background: Background, view: CompareView, style: OverlayStyle
    ) -> None:
        """Draw a map over the slice, or say why there is none."""
        self.tile = tile
        self.title.set_full(tile.title)
        self.words.set_full(tile.words if not tile.missing else tile.missing)
        self.button.setVisible(tile.may_ask)
        described(
            self.button, f"Compute {tile.title}", f"{tile.title}: {tile.missing or tile.words}. Compute it."
        )
        pane = self.pane
        pane.setAccessibleName(f"{tile.title}: {tile.missing or tile.words}")
        pane.letters.letters = background.letters
        pane.words.side_unknown = background.letters is None
        self._place_button()
        pane.words.mark, pane.words.watermark = background.mark, tile.watermark
        pane.crosshair.cursor = view.cursor
        pane.boundaries.show_lines(tile.boundaries if style.visible else None)
        pane.show_background(background)
        pane.show_map(tile.map, tile.values, style, hard=self._bench.session.overlay.true_grid)

    def _compute(self) -> None:
        if (tile := self.tile) is not None:
            attempt(self._bench, lambda: self._bench.explaining.comparing.compute(tile.cell))


class CompareBoard(Canvas):
    """What is compared, the grid, and the colour bar of all of it."""

    menu_wanted = Signal(QPoint)

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(bench, parent)
        self.setAccessibleName("Comparison")
        self._view: CompareView | None = None
        self._style: OverlayStyle | None = None
        self._linking = self._turned = False
        self.cells: list[list[CompareCell]] = []
        self._pool: list[CompareCell] = []
        self.title, self.bar = ElidedTwice(), ColourBar(self)
        self.title.setStyleSheet(f"color: {theme.DARK_TEXT.name()};")
        verbs = bench.explaining.comparing
        self.kinds: dict[CompareKind, QToolButton] = {}
        head = QHBoxLayout()
        head.setContentsMargins(6, 5, 6, 3)
        head.setSpacing(5)
        of_kinds = QButtonGroup(self)
        for kind, text, tip in _KINDS:
            button = self.kinds[kind] = _tab(text, tip, of_kinds)
            button.clicked.connect(lambda _, kind=kind: attempt(bench, lambda: verbs.select(kind)))
            head.addWidget(button)
        self.choose = QToolButton()
        self.choose.setText("Choose \u2026")
        self.choose.setObjectName("narrow")
        self.choose.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.choose.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        described(self.choose, "Choose explainers", "Which explainers are compared.")
        self.menu = QMenu(self.choose)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.choose.setMenu(self.menu)
        head.addWidget(self.choose)
        self.all = QToolButton()
        self.all.setText("Compute all")
        self.all.setObjectName("narrow")
        self.all.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        described(
            self.all,
            "Compute all",
            "Compute every map of the grid that is not there yet, one after the other.",
        )
        self.all.clicked.connect(lambda: attempt(bench, verbs.compute_all))
        head.addWidget(self.all)
        head.addStretch(1)
        self.one_scale = _tab("One scale", _ONE_SCALE)
        self.one_scale.clicked.connect(lambda on: verbs.select_scale("grid" if on else "column"))
        self._ground = QWidget()
        self._ground.setObjectName("scrolled")
        self._grid = QGridLayout(self._ground)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setWidget(self._ground)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.area, 1)
        middle.addWidget(self.bar)
        line = QHBoxLayout()
        line.setContentsMargins(8, 0, 8, 3)
        line.addWidget(self.title, 1)
        line.addWidget(self.one_scale)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(0)
        body.addLayout(head)
        body.addLayout(line)
        body.addLayout(middle, 1)

    def show_compare(self, view: CompareView, style: OverlayStyle | None) -> None:
        """Draw the grid, or why there is none; returns at once for the same view and style."""
        comparing = self._bench.session.comparing
        self.kinds[comparing.kind].setChecked(True)
        self.one_scale.setChecked(comparing.scale == "grid")
        for button in self.kinds.values():
            button.setVisible(view.chosen)
        self.one_scale.setVisible(view.chosen)
        self.choose.setVisible(view.chosen and comparing.kind == "explainers")
        if view is self._view and style == self._style:
            return
        self._view, self._style = view, style
        self.title.set_full(view.title)
        self._lay_out([len(row) for row in view.rows])
        self.area.setVisible(bool(view.rows))
        shown = [tile for row in view.rows for tile in row]
        self.all.setVisible(any(tile.may_ask for tile in shown))
        # The scale of a tile is that of its column, so the bar has it only where all columns share one.
        common = comparing.scale == "grid" and view.chosen
        first = next((tile.map for tile in shown if tile.map is not None), None) if common else None
        self.bar.setVisible(first is not None and style is not None and style.visible)
        if style is not None:
            self.bar.show_scale(first, style)
        if view.background is not None and style is not None:
            for tiles, cells in zip(view.rows, self.cells, strict=True):
                for tile, cell in zip(tiles, cells, strict=True):
                    cell.show_tile(tile, view.background, view, style)
        self.update()

    def _lay_out(self, wanted: list[int]) -> None:
        """As many cells as there are tiles."""
        if [len(row) for row in self.cells] == wanted:
            return
        self._turned = self._better_turned(wanted)
        while len(self._pool) < sum(wanted):
            self._pool.append(self._cell())
        left = iter(self._pool)
        self.cells = [[next(left) for _ in range(count)] for count in wanted]
        for cell in left:
            cell.hide()
        self._put()
        if self.cells:
            self.setFocusProxy(self.cells[0][0].pane)

    def _cell(self) -> CompareCell:
        cell = CompareCell(self._bench, self._ground)
        assert cell.pane.gestures is not None
        cell.pane.gestures.menu_wanted.connect(self.menu_wanted)
        cell.pane.left.connect(self.show_again)
        cell.pane.fit_wanted.connect(self.fit)
        cell.pane.range_changed.connect(lambda: self._link(cell.pane))
        return cell

    def _put(self) -> None:
        """Every cell in its place, all of one size."""
        shape = (len(self.cells), max((len(row) for row in self.cells), default=0))
        for number, row in enumerate(self.cells):
            for column, cell in enumerate(row):
                self._grid.addWidget(cell, *((column, number) if self._turned else (number, column)))
                cell.show()
        rows, columns = shape[::-1] if self._turned else shape
        for number in range(max(self._grid.rowCount(), rows)):
            self._grid.setRowStretch(number, int(number < rows))
        for number in range(max(self._grid.columnCount(), columns)):
            self._grid.setColumnStretch(number, int(number < columns))
        # Within a resize of the board its scroll area would learn of the other shape with the next one only.
        self._grid.activate()
        self._ground.resize(self._ground.minimumSizeHint().expandedTo(self.area.viewport().size()))

    def _better_turned(self, wanted: list[int]) -> bool:
        """Whether pictures are larger with the classes beside each other in place of one below the other."""
        if not wanted:
            return False
        rows, columns, words = len(wanted), wanted[0], 3 * self.fontMetrics().height()
        width, height = self.width() - theme.scaled(82), self.height() - theme.scaled(70)
        least = theme.scaled(_LEAST)
        if (columns * least > width) != (rows * least > width):
            return columns * least > width  # rather scrolled down than to the side
        straight = min(width / columns, height / rows - words)
        return min(width / rows, height / columns - words) > straight

    def _link(self, moved: ComparePane) -> None:
        """What one picture shows, all show; they have one size, so one place lies at one place in all of them."""
        if self._linking or moved.fitted:
            return
        self._linking = True
        for row in self.cells:
            for cell in row:
                if cell.pane is not moved:
                    cell.pane.show_as(moved)
        self._linking = False

    def fit(self) -> None:
        """All pictures whole."""
        for row in self.cells:
            for cell in row:
                cell.pane.fit()

    def _fill_menu(self) -> None:
        """The explainers, those that are compared checked; why one is not there stands in its tip."""
        session, verbs = self._bench.session, self._bench.explaining.comparing
        shown = tuple(
            tile.cell.explainer for tile in (self._view.rows[0] if self._view and self._view.rows else ())
        )
        self.menu.clear()
        self.menu.setToolTipsVisible(True)
        for name in menu():
            action = self.menu.addAction(EXPLAINERS[name].title)
            action.setCheckable(True)
            action.setChecked(name in shown)
            why = why_not(session, name)
            action.setEnabled(not why or name in shown)
            action.setToolTip(why)
            action.triggered.connect(
                lambda _, name=name: attempt(self._bench, lambda: verbs.toggle_explainer(name, shown))
            )

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        turned = self._better_turned([len(row) for row in self.cells])
        if turned != self._turned:
            self._turned = turned
            self._put()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colour("canvas"))
        if self._view is not None and self._view.without:
            painter.setPen(theme.DARK_MUTED)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(20, 60, -20, -20), flags, self._view.without)


def _tab(text: str, tip: str, group: QButtonGroup | None = None) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setObjectName("narrow")
    button.setCheckable(True)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    described(button, text, tip)
    if group is not None:
        group.addButton(button)
    return button
