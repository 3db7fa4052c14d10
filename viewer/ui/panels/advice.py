"""The calm panel over the canvas where the model was not made for the image."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtWidgets import QBoxLayout, QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from viewer.controllers.workbench import Workbench
from viewer.models.card import ModelCard
from viewer.state.case import Judgement
from viewer.ui.attempt import attempt
from viewer.ui.panels.card import described

_MOVES = frozenset({QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show, QEvent.Type.Hide})


class Advice(QFrame):
    """Says why, and leaves the decision to the user.

    Parameters
    ----------
    subject : where in `parent` the panel stands, in the middle, while that is shown.
    """

    def __init__(self, bench: Workbench, parent: QWidget, subject: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self._subjects: list[QWidget] = []
        self.setObjectName("advice")
        self.setAccessibleName("The model was not made for this image")
        self._judgement: Judgement | None = None
        self._left = False
        self._about: tuple[object, object] = (None, None)
        self.body = body = QVBoxLayout(self)
        body.setSpacing(9)
        title = QLabel("The model was not made for this image")
        title.setObjectName("mark")
        title.setWordWrap(True)
        self._reasons, words = (
            QLabel(),
            QLabel("What it would say here has never been measured."),
        )
        words.setObjectName("muted")
        for label in (self._reasons, words):
            label.setWordWrap(True)
        self._reasons.setTextFormat(Qt.TextFormat.PlainText)
        self.confirm = QPushButton("Show the answer all the same")
        described(
            self.confirm,
            "Show the answer all the same",
            "Run the model; the window and every export will carry a mark.",
        )
        self.confirm.clicked.connect(lambda: attempt(bench, bench.explaining.confirm_applicability))
        self.leave = QPushButton("Read the image alone")
        described(self.leave, "Read the image alone", "Take this away; the model stays silent.")
        self.leave.clicked.connect(self._leave)
        self.resample = QPushButton("Resample\u2026")
        described(
            self.resample,
            "Resample",
            "Show the series on an even grid, to be looked at first; the model is asked anew.",
        )
        self.resample.clicked.connect(lambda: attempt(bench, bench.grid.resample))
        self.other = QPushButton("Take a model made for such images")
        described(self.other, "Take a model made for such images", "There is none on this machine.")
        self.other.clicked.connect(lambda: attempt(bench, lambda: bench.explaining.select_model(self._other)))
        self._other = ""
        for widget in (title, self._reasons, words, self.other):
            body.addWidget(widget)
        self._buttons = row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        row.setSpacing(8)
        row.addWidget(self.leave)
        row.addWidget(self.resample)
        row.addWidget(self.confirm)
        row.addStretch(1)
        body.addLayout(row)
        parent.installEventFilter(self)
        self.lie_over(subject)
        self.hide()

    def lie_over(self, subject: QWidget) -> None:
        """Another place to lie over, while that one is shown."""
        self._subjects.append(subject)
        subject.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # The canvas is made narrower by whatever comes beside it, not only by the window.
        if event.type() in _MOVES and self.isVisible():
            self.place()
        return super().eventFilter(watched, event)

    def show_judgement(
        self,
        judgement: Judgement | None,
        about: tuple[object, object] = (None, None),
        *,
        may_resample: bool = False,
        other: ModelCard | None = None,
    ) -> None:
        """Visible while the model may not run.

        Parameters
        ----------
        about : the model, and the series or image: what has been left is not asked again for another volume of it.
        may_resample : an even grid is one of the things that the model asks for, and can be made.
        other : a model that was made for such images.
        """
        name = other.id if other is not None else ""
        if name != self._other:
            self._other = name
            if other is not None:
                said = f"Take {name}, made for such images"
                self.other.setText(said)
                described(self.other, said, other.name)
        if bool(name) == self.other.isHidden():
            self.other.setVisible(bool(name))
            self.place()
        if may_resample == self.resample.isHidden():
            self.resample.setVisible(may_resample)
            self.place()
        if judgement is not self._judgement:
            known = self._judgement.applicability if self._judgement is not None else None
            self._judgement = judgement
            if judgement is not None and judgement.applicability != known:
                self._reasons.setText("\n".join(f"·  {reason}" for reason in judgement.applicability.reasons))
                self._left = False
        if any(a is not b for a, b in zip(about, self._about, strict=True)):
            self._about, self._left = about, False
        wanted = judgement is not None and not judgement.may_run and not self._left
        if wanted != self.isVisibleTo(self._over):
            self.setVisible(wanted)
        if wanted:
            self.place()

    def _leave(self) -> None:
        """Out of the way until the model or the case is another one."""
        self._left = True
        self.hide()

    def place(self) -> None:
        """In the middle of the lower half, so that the image can still be seen."""
        parent = self._over
        subject = next((each for each in self._subjects if each.isVisibleTo(parent)), parent)
        area = QRect(subject.mapTo(parent, QPoint()), subject.size())
        width = min(430, area.width() - 16)
        across = 20 if width == 430 else 10
        self.body.setContentsMargins(across, 16, across, 16)
        buttons = [each for each in (self.leave, self.resample, self.confirm) if not each.isHidden()]
        side_by_side = sum(each.sizeHint().width() + 8 for each in buttons) + 32 <= width
        self._buttons.setDirection(
            QBoxLayout.Direction.LeftToRight if side_by_side else QBoxLayout.Direction.TopToBottom
        )
        layout = self.layout()
        assert layout is not None
        layout.invalidate()
        height = layout.totalHeightForWidth(width)
        # The words in the corner of the picture stay readable, where there is room for both.
        below = min(66, max(10, (area.height() - height) // 3))
        left = area.left() + (area.width() - width) // 2
        self.setGeometry(left, area.bottom() + 1 - height - below, width, height)
