"""The window: composes the panels and refreshes them, once per turn of the event loop, from the state."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QIcon,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QPushButton,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from viewer.controllers.workbench import Workbench
from viewer.foundation import paths
from viewer.state.case import Case
from viewer.state.screen import Presenter, Screen
from viewer.ui.attempt import attempt
from viewer.ui.canvas.reading_canvas import ReadingCanvas
from viewer.ui.dialogs.files import Asking
from viewer.ui.dialogs.series_chooser import SeriesChooser
from viewer.ui.menus import Menus
from viewer.ui.panels.advice import Advice
from viewer.ui.panels.boxes_panel import BottomCard, BoxesPanel
from viewer.ui.panels.card import Card, Elided, described, heading
from viewer.ui.panels.case_panel import CasePanel
from viewer.ui.panels.explainer_panel import ExplainerPanel
from viewer.ui.panels.input_panel import InputPanel
from viewer.ui.panels.layer_rail import LayerRail
from viewer.ui.panels.may_read_line import MayReadLine
from viewer.ui.panels.model_panel import ModelPanel
from viewer.ui.panels.notice_bar import NoticeBar
from viewer.ui.panels.overlay_panel import OverlayPanel
from viewer.ui.panels.prediction_panel import PredictionPanel
from viewer.ui.panels.slice_strip import SliceStrip
from viewer.ui.panels.status_line import StatusLine

_EMPTY = "Drop an image file or a folder here, or press Ctrl+O"
_LEFT_WIDTH, _RIGHT_WIDTH = 262, 300


class MainWindow(QMainWindow):
    """The Reading workspace.

    Parameters
    ----------
    left_drag : what a left drag on the image does, ``crosshair`` or ``window``.
    """

    painted = Signal()
    """Once, after the first paint."""
    refreshed = Signal()
    """After the panels have been brought up to the state."""

    def __init__(self, bench: Workbench, left_drag: str = "crosshair") -> None:
        super().__init__()
        self.bench = bench
        self.screen_: Screen | None = None
        self.setWindowTitle("WhySlice")
        self.setWindowIcon(QIcon(str(paths.resources() / "icons" / "whyslice.svg")))
        self.setAcceptDrops(True)
        self.setMinimumSize(1020, 700)
        self._presenter = Presenter(bench.session)
        self._case: Case | None = None
        self._chooser: SeriesChooser | None = None
        self._was_painted = False
        self._make_panels(left_drag)
        self.menus = Menus(bench, self, self.canvas, Asking(bench, self).ask)
        self._arrange()
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.setInterval(0)
        self._refresh.timeout.connect(self.refresh)
        bench.session.events.connect(self._changed)
        self.canvas.menu_wanted.connect(self._context_menu)
        self.canvas.setFocus()
        self.refresh()

    def _make_panels(self, left_drag: str) -> None:
        bench = self.bench
        self.canvas = ReadingCanvas(bench, left_drag)
        self.advice = Advice(bench, self.canvas)
        self.may_read, self.facts = MayReadLine(), Elided(name="muted")
        self.case_panel, self.strip = CasePanel(), SliceStrip(bench)
        self.model, self.prediction = ModelPanel(bench), PredictionPanel()
        self.explainer, self.rail = ExplainerPanel(bench), LayerRail(bench)
        self.overlay, self.input = OverlayPanel(bench), InputPanel(bench)
        self.boxes, self.status = BoxesPanel(bench), StatusLine(bench)
        self.notice = NoticeBar(bench)
        self.phi = QPushButton("PHI shown")
        # The style's padding comes with the first show only.
        self.phi.setMinimumWidth(self.phi.sizeHint().width() + 24)
        self.phi.setCheckable(True)
        described(self.phi, "Patient data", "Hide or show everything that identifies the patient.")
        self.phi.clicked.connect(lambda: attempt(bench, bench.viewing.toggle_phi))

    def _arrange(self) -> None:
        ground = QWidget()
        ground.setObjectName("ground")
        body = QVBoxLayout(ground)
        body.setContentsMargins(8, 4, 8, 8)
        body.setSpacing(6)
        body.addLayout(self._top())
        body.addWidget(self.notice)
        image = Card("Image")
        image.body.setContentsMargins(6, 5, 6, 6)
        image.body.setSpacing(4)
        image.body.addWidget(self.may_read)
        image.body.addWidget(self.canvas, 1)
        image.body.addWidget(self.facts)
        middle = QSplitter(Qt.Orientation.Vertical)
        middle.addWidget(image)
        middle.addWidget(self.strip)
        middle.setSizes([560, 150])
        middle.setStretchFactor(0, 4)
        middle.setStretchFactor(1, 1)
        right = Card("Model and map")
        for widget in (self.model, self.prediction, self.explainer):
            right.body.addWidget(widget)
        right.body.addWidget(heading("Target layer"))
        right.body.addWidget(self.rail, 1)
        right.body.addWidget(self.overlay)
        right.body.addWidget(self.input)
        right.body.setSpacing(8)
        self.case_panel.setFixedWidth(_LEFT_WIDTH)
        column = QScrollArea()
        column.setWidgetResizable(True)
        column.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column.setFixedWidth(_RIGHT_WIDTH)
        column.setWidget(right)
        upper = QWidget()
        row = QHBoxLayout(upper)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.case_panel)
        row.addWidget(middle, 1)
        row.addWidget(column)
        whole = QSplitter(Qt.Orientation.Vertical)
        whole.addWidget(upper)
        whole.addWidget(BottomCard(self.boxes, self.status))
        whole.setSizes([716, 214])
        whole.setStretchFactor(0, 3)
        whole.setStretchFactor(1, 1)
        for splitter in (middle, whole):
            splitter.setHandleWidth(8)
            splitter.setChildrenCollapsible(False)
        body.addWidget(whole, 1)
        self.setCentralWidget(ground)

    def _top(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(14)
        brand = QLabel("WhySlice")
        brand.setObjectName("brand")
        research = QLabel("RESEARCH USE ONLY")
        research.setObjectName("research")
        research.setToolTip(
            "Not a medical device: no diagnosis and no treatment may rest on what is shown here."
        )
        row.addWidget(brand)
        row.addWidget(self.menus.bar())
        row.addStretch(1)
        row.addWidget(research)
        row.addWidget(self.phi)
        return row

    # --- mirroring the state -----------------------------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Whether everything that has changed is on screen."""
        return not self._refresh.isActive()

    def _changed(self, *_: object) -> None:
        if not self._refresh.isActive():
            self._refresh.start()

    def refresh(self) -> None:
        """Bring every panel up to the state; those whose view is the same object have nothing to do."""
        session = self.bench.session
        if session.case is not self._case:
            self._case = session.case
            self.canvas.fit()
        screen = self._presenter.screen()
        self.screen_ = screen
        judgement = session.judgement
        outside = judgement is not None and judgement.applicability.verdict == "does_not_apply"
        without = f"{session.work.name} …" if session.work is not None else _EMPTY
        self.canvas.show_canvas(screen.canvas, watermark=outside, without=without)
        self.canvas.show_boxes(screen.boxes)
        self.advice.show_judgement(judgement)
        self.may_read.show_canvas(screen.canvas)
        self.facts.set_full("    ".join(screen.canvas.facts) if screen.canvas else "")
        self.case_panel.show_session(session, screen.strip)
        self.model.show_session(session)
        self.prediction.show_prediction(screen.prediction)
        self.explainer.show_session(session)
        self.rail.show_rail(screen.rail, session.overlay.colour_map)
        self.overlay.show_session(session)
        self.input.show_session(session)
        self.strip.setVisible(session.case is None or session.case.slices > 1)
        self.strip.show_strip(screen.strip)
        self.boxes.show_boxes(screen.boxes, session)
        self.status.show_session(session)
        self.notice.show_notice(session.notice)
        self._show_phi(session.phi_hidden)
        self._show_chooser()
        self.menus.follow(session)
        self.refreshed.emit()

    def _show_phi(self, hidden: bool) -> None:
        self.phi.setText("PHI hidden" if hidden else "PHI shown")
        self.phi.setChecked(not hidden)

    def _show_chooser(self) -> None:
        choice = self.bench.session.chooser
        if self._chooser is not None and self._chooser.choice is not choice:
            self._chooser.close()
            self._chooser.deleteLater()
            self._chooser = None
        if choice is not None and self._chooser is None:
            self._chooser = SeriesChooser(self.bench, choice, self)
            self._chooser.show()

    def _context_menu(self, at: QPoint) -> None:
        menu = self.menus.context_menu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)

    # --- Qt ----------------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        # A window that is drawn into a picture only, or begins minimised, is never painted: then this has to do.
        unseen = self.testAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        QTimer.singleShot(0 if unseen else 500, self._first_paint)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._was_painted:
            QTimer.singleShot(0, self._first_paint)

    def _first_paint(self) -> None:
        if not self._was_painted:
            self._was_painted = True
            self.painted.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        QTimer.singleShot(0, self.advice.place)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        found = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if found:
            event.acceptProposedAction()
            attempt(self.bench, lambda: self.bench.opening.open(found[0]))

    def closeEvent(self, event: QCloseEvent) -> None:
        self.bench.session.events.disconnect(self._changed)
        self._refresh.stop()
        self.bench.cancel()
        super().closeEvent(event)
