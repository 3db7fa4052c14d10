"""The panel of a lesson: question, votes, answer, cases. It takes the place of what is known of the case."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QAction, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from viewer.controllers.workbench import Workbench
from viewer.state.lesson import MOST_HANDS
from viewer.state.session import Session
from viewer.state.vote_view import LessonView, VoteRow, lesson_view
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.menus import Menus
from viewer.ui.panels.card import Card, Elided, described, heading, restyled

_STAGES = {
    "waiting": "\u25cb",
    "here": "\u25cb",
    "voted": "\u25d1",
    "revealed": "\u25cf",
    "problem": "\u2715",
}
"""Stage of a case -> its sign in the list."""
_MAPS = "Which map is the decoy?"


class Tally(QWidget):
    """The share of hands as a bar."""

    def __init__(self) -> None:
        super().__init__()
        self._share, self._right = 0.0, False
        self.setFixedHeight(7)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_share(self, share: float, right: bool) -> None:
        if (share, right) != (self._share, self._right):
            self._share, self._right = share, right
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("raised"))
        whole = QRectF(0, 0, self.width(), self.height())
        painter.drawRoundedRect(whole, 3, 3)
        if self._share > 0:
            painter.setBrush(theme.colour("accent"))
            painter.drawRoundedRect(QRectF(0, 0, max(self.width() * self._share, 6), self.height()), 3, 3)


class VoteWidget(QWidget):
    """An answer: its name, a hand less, the number of hands, a hand more, and its bar."""

    def __init__(self, panel: LessonPanel, number: int) -> None:
        super().__init__()
        self.name, self.mark = Elided(), QLabel()
        self.less, self.more, self.hands = QToolButton(), QToolButton(), QSpinBox()
        self.tally = Tally()
        self.mark.setObjectName("muted")
        for button, text, step in ((self.less, "\u2212", -1), (self.more, "+", 1)):
            button.setText(text)
            button.setAutoRepeat(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _=False, step=step: panel.raised(number, step))
        self.hands.setObjectName("hands")
        self.hands.setRange(0, MOST_HANDS)
        self.hands.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hands.setKeyboardTracking(False)
        theme.keep(self.hands, "setFixedWidth", 46)
        self.hands.valueChanged.connect(lambda value: panel.counted(number, value))
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self.name, 1)
        for widget in (self.mark, self.less, self.hands, self.more):
            line.addWidget(widget)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 4)
        body.setSpacing(3)
        body.addLayout(line)
        body.addWidget(self.tally)

    def show_row(self, row: VoteRow) -> None:
        right = " \u2713" if row.right else ""
        self.name.set_full(f"{row.name}{right}")
        self.name.setObjectName("title" if row.right else "")
        restyled(self.name)
        self.mark.setText(row.mark)
        self.tally.show_share(row.share, row.right)
        with QSignalBlocker(self.hands):
            self.hands.setValue(row.hands)
        described(
            self.hands,
            f"Hands for {row.name}",
            "How many hands were counted; type a number, or use + and \u2212.",
        )
        described(self.more, f"A hand more for {row.name}", "Count one hand more.")
        described(self.less, f"A hand less for {row.name}", "Take back one hand.")
        said = [f"{row.name}: {row.hands} hands", f"{row.share:.0%}", row.mark, "right" if row.right else ""]
        self.setAccessibleName(", ".join(part for part in said if part))


class LessonPanel(Card):
    """Question, votes, answer and cases of a lesson.

    Parameters
    ----------
    menus : has the actions; those that a clicker needs work here too.
    """

    def __init__(self, bench: Workbench, menus: Menus) -> None:
        super().__init__("Lesson")
        self._bench = bench
        self._view: LessonView | None = None
        self._rows: list[VoteWidget] = []
        self.place, self.question = heading("Lesson"), QLabel()
        self.question.setWordWrap(True)
        self.question.setObjectName("question")
        self.answer = QLabel()
        self.answer.setWordWrap(True)
        self.answer.setTextFormat(Qt.TextFormat.PlainText)
        self.answer.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.answer.setAccessibleName("Answer")
        self._votes = QVBoxLayout()
        self._votes.setSpacing(2)
        votes = QWidget()
        votes.setObjectName("scrolled")
        votes.setLayout(self._votes)
        self._votes.setContentsMargins(0, 0, 4, 0)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setWidget(votes)
        self.reveal = self._button(menus.actions["teach.reveal"])
        self.decoy = self._button(menus.actions["teach.decoy"], _MAPS)
        self.back = self._button(menus.actions["teach.leave-maps"], "Back to the case")
        self.next = self._button(menus.actions["case.next"])
        self.handout = self._button(menus.actions["teach.save-handout"], "Handout\u2026")
        self.end = self._button(menus.actions["teach.end"], "End")
        self.cases = QListWidget()
        described(self.cases, "Cases of the lesson", "Click a case, or press Enter, to go there; votes stay.")
        self.cases.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.cases.itemActivated.connect(self._go)
        self.cases.itemClicked.connect(self._go)
        for widget in (self.place, self.question, self.area, self.reveal):
            self.body.addWidget(widget)
        # Room for the answer is kept while it is hidden, so that nothing moves when it comes.
        self.answer.setMinimumHeight(self.fontMetrics().lineSpacing() * 4)
        self.body.addWidget(self.answer)
        maps = QHBoxLayout()
        maps.addWidget(self.decoy)
        maps.addWidget(self.back)
        self.body.addLayout(maps)
        self.body.addWidget(heading("Cases"))
        self.body.addWidget(self.cases, 1)
        self.body.addWidget(self.next)
        row = QHBoxLayout()
        row.addWidget(self.handout)
        row.addWidget(self.end)
        self.body.addLayout(row)
        for identity in ("case.next", "case.previous"):  # the clicker works wherever the keyboard is
            self.addAction(menus.actions[identity])

    def _button(self, action: QAction, text: str = "") -> QPushButton:
        """A button that does what an action does, and is there when it is."""
        button = QPushButton()
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(action.trigger)

        def follow() -> None:
            words = text or action.text().replace("&&", "&")
            button.setText(words)
            button.setEnabled(action.isEnabled())
            described(button, words.rstrip("\u2026"), action.toolTip())

        action.changed.connect(follow)
        follow()
        return button

    def show_session(self, session: Session) -> None:
        """The lesson as it is; without one the panel is hidden by whoever holds it."""
        view = lesson_view(session)
        if view is None or view == self._view:
            return
        before, self._view = self._view, view
        self.place.setText(f"LESSON  \u00b7  {view.place}")
        self.question.setText(view.question)
        self._show_rows(view.rows)
        self.answer.setText("\n".join(view.answer))
        asking = session.lesson is not None and session.lesson.question is not None
        self.decoy.setVisible(not asking)
        self.back.setVisible(asking)
        if before is None or before.cases != view.cases:
            self._show_cases(view)

    def _show_rows(self, rows: Iterable[VoteRow]) -> None:
        wanted = list(rows)
        while len(self._rows) < len(wanted):
            self._rows.append(VoteWidget(self, len(self._rows)))
            self._votes.addWidget(self._rows[-1])
        for number, widget in enumerate(self._rows):
            widget.setVisible(number < len(wanted))
            if number < len(wanted):
                widget.show_row(wanted[number])
        # As high as up to five answers need; more are scrolled.
        height = self._rows[0].sizeHint().height() + 2 if self._rows else 0
        self.area.setFixedHeight(max(2, min(len(wanted), 5)) * height + 4)

    def _show_cases(self, view: LessonView) -> None:
        with QSignalBlocker(self.cases):
            while self.cases.count() > len(view.cases):
                self.cases.takeItem(self.cases.count() - 1)
            while self.cases.count() < len(view.cases):
                self.cases.addItem(QListWidgetItem())
            for number, line in enumerate(view.cases):
                item = self.cases.item(number)
                item.setText(
                    f"{_STAGES[line.stage]}  case {line.number}"
                    + (f"  \u00b7  {line.words}" if line.words else "")
                )
                if line.current:
                    self.cases.setCurrentItem(item)

    @property
    def rows(self) -> list[VoteWidget]:
        return [row for row in self._rows if not row.isHidden()]

    def raised(self, number: int, hands: int) -> None:
        """A hand more or less."""
        attempt(self._bench, lambda: self._bench.teaching.raise_hand(number, hands))

    def counted(self, number: int, hands: int) -> None:
        """A number of hands."""
        attempt(self._bench, lambda: self._bench.teaching.count(number, hands))

    def _go(self, item: QListWidgetItem) -> None:
        number = self.cases.row(item)
        attempt(self._bench, lambda: self._bench.teaching.go(number))

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(262), 600)
