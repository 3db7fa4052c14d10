"""The window: composes the panels and refreshes them, once per turn of the event loop, from the state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, Signal
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
    QApplication,
    QHBoxLayout,
    QMainWindow,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from viewer.actions.action import Dialog
from viewer.actions.keys import key_of
from viewer.controllers.workbench import Workbench
from viewer.foundation import paths
from viewer.models.applicability import NOT_MADE_FOR_IT
from viewer.state.case import Case, same_grid, suited
from viewer.state.grid_question import model_question, reads_volumes, uneven
from viewer.state.opened import SeriesEntry
from viewer.state.screen import Presenter, Screen
from viewer.state.session import BottomTab, Notice
from viewer.ui import theme
from viewer.ui.attempt import attempt
from viewer.ui.canvas.reading_canvas import ReadingCanvas
from viewer.ui.cine_clock import CineClock
from viewer.ui.dialogs.experiment_window import ExperimentPicture
from viewer.ui.dialogs.series_chooser import SeriesChooser
from viewer.ui.hurry import Hurry
from viewer.ui.key_words import key_words
from viewer.ui.menus import Menus
from viewer.ui.notifier import Notifier
from viewer.ui.panels.arriving_row import ArrivingRow
from viewer.ui.panels.beside_panel import BesidePanel, FirstHeading
from viewer.ui.panels.bottom_card import BottomCard, BottomPage
from viewer.ui.panels.boxes_panel import BoxesPanel
from viewer.ui.panels.burned_in import BurnedIn
from viewer.ui.panels.card import Card, Elided, heading
from viewer.ui.panels.case_panel import CasePanel
from viewer.ui.panels.checks_panel import ChecksPanel
from viewer.ui.panels.experiment_strip import ExperimentStrip
from viewer.ui.panels.explainer_panel import ExplainerPanel
from viewer.ui.panels.findings_panel import FindingsPanel
from viewer.ui.panels.floating_strips import FloatingStrips
from viewer.ui.panels.grid_strip import GridStrip
from viewer.ui.panels.importance_panel import ImportancePanel
from viewer.ui.panels.input_panel import InputPanel
from viewer.ui.panels.layer_rail import LayerRail
from viewer.ui.panels.lesson_panel import LessonPanel
from viewer.ui.panels.may_read_line import MayReadLine
from viewer.ui.panels.model_panel import ModelPanel
from viewer.ui.panels.notes_panel import NotesPanel
from viewer.ui.panels.notice_bar import NoticeBar
from viewer.ui.panels.overlay_panel import OverlayPanel
from viewer.ui.panels.prediction_panel import PredictionPanel
from viewer.ui.panels.restore_strip import RestoreStrip
from viewer.ui.panels.slice_strip import SliceStrip
from viewer.ui.panels.status_line import StatusLine
from viewer.ui.panels.top_bar import TopBar
from viewer.ui.panels.volume_row import VolumeRow
from viewer.ui.privacy import window_title
from viewer.ui.stage import Stage

_EMPTY = "Drop an image file or a folder here, or press {}"
_LEFT_WIDTH, _RIGHT_WIDTH = 262, 300
_LEFT_SHARE, _SIDES = 0.45, 0.6
"""How closely the columns at the sides follow the size of the text: the picture needs the room too."""
_CROWDED = 950
"""Width below which only Reading has the column at the left, logical pixels at the usual size of the text."""
_CALM = 1500
"""Time from a change until the session is kept, milliseconds."""


class MainWindow(QMainWindow):
    """The Reading workspace."""

    painted = Signal()
    """Once, after the first paint."""
    refreshed = Signal()
    """After the panels have been brought up to the state."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self.bench = bench
        self.screen_: Screen | None = None
        self.setWindowTitle("WhySlice")
        self.setWindowIcon(QIcon(str(paths.resources() / "icons" / "whyslice.svg")))
        self.setAcceptDrops(True)
        self.setMinimumSize(1020, 700)
        self._presenter = Presenter(bench.session)
        self._case: Case | None = None
        self._entry: SeriesEntry | None = None
        self._chooser: SeriesChooser | None = None
        self._was_painted = False
        self._make_panels()
        self.menus = Menus(bench, self, self.stage, self._ask)
        self.case_panel.spacing_wanted.connect(lambda: self._ask("spacing"))
        self._cine, self._notifier = CineClock(bench, self), Notifier(self)
        self._arrange()
        self._refresh = self._timer(self.refresh)
        self._hurry = Hurry(bench.session, self.refresh, self)
        self._late_paint, self._replace = self._timer(self._first_paint), self._timer(self.advice.place)
        self._keep = self._timer(bench.keeping.keep, _CALM)
        bench.session.events.connect(self._changed)
        self.stage.menu_wanted.connect(self._context_menu)
        self.canvas.setFocus()
        self.refresh()

    def _timer(self, called: Callable[[], None], milliseconds: int = 0) -> QTimer:
        """A timer of the window's own, which rings once: one that Qt makes would call it after it is gone."""
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(called)
        return timer

    def _make_panels(self) -> None:
        bench = self.bench
        self.canvas = ReadingCanvas(bench)
        self.stage = Stage(bench, self.canvas, self.act)
        self.advice = self.stage.advice
        self.may_read, self.facts = MayReadLine(), Elided(name="muted")
        self.case_panel, self.strip = CasePanel(bench), SliceStrip(bench)
        self.beside, self.first = BesidePanel(bench, self.canvas.picture), FirstHeading()
        self.beside.arranged.connect(self._level)
        self._foot = QWidget()
        self._foot.hide()
        self.arriving, self.volume, self.grid = ArrivingRow(bench), VolumeRow(bench), GridStrip(bench)
        self.burned_in = BurnedIn()
        self.model, self.prediction = ModelPanel(bench), PredictionPanel()
        self.explainer, self.rail = ExplainerPanel(bench), LayerRail(bench)
        self.findings = FindingsPanel(bench)
        self.overlay, self.input = OverlayPanel(bench), InputPanel(bench)
        self.boxes, self.importance = BoxesPanel(bench), ImportancePanel(bench)
        self.notes, self.status = NotesPanel(bench), StatusLine(bench)
        self.checks = ChecksPanel(bench)
        self.notice, self.restore = NoticeBar(bench), RestoreStrip(bench)
        self.experiment = ExperimentStrip(bench, self.act)
        self.experiment_picture = ExperimentPicture(bench, self.act, self)
        self.experiment.picture_wanted.connect(self.experiment_picture.open)

    def _arrange(self) -> None:
        """From the outside in: what is put into something else is styled anew, with all that it holds."""
        ground = QWidget()
        ground.setObjectName("ground")
        self.setCentralWidget(ground)
        body = QVBoxLayout(ground)
        body.setContentsMargins(8, 4, 8, 8)
        body.setSpacing(6)
        self.top = TopBar(self.menus)
        body.addWidget(self.top)
        whole = QSplitter(Qt.Orientation.Vertical)
        body.addWidget(whole, 1)
        upper = QWidget()
        whole.addWidget(upper)
        row = QHBoxLayout(upper)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.left = QStackedWidget()  # while a class votes, what is known of the case is not there at all
        theme.keep(self.left, "setFixedWidth", _LEFT_WIDTH, _LEFT_SHARE)
        row.addWidget(self.left)
        self.lesson = LessonPanel(self.bench, self.menus)
        self.left.addWidget(self.case_panel)
        self.left.addWidget(self.lesson)
        middle = QSplitter(Qt.Orientation.Vertical)
        row.addWidget(middle, 1)
        image = self._image = Card("Image")
        middle.addWidget(image)
        middle.addWidget(self.strip)
        self._fill_image(image)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        theme.keep(scroll, "setFixedWidth", _RIGHT_WIDTH, _SIDES)
        row.addWidget(scroll)
        right = Card("Model and map")
        scroll.setWidget(right)
        for widget in (self.model, self.prediction, self.findings, self.explainer):
            right.body.addWidget(widget)
        right.body.addWidget(heading("Target layer"))
        right.body.addWidget(self.rail, 1)
        right.body.addWidget(self.overlay)
        right.body.addWidget(self.input)
        right.body.setSpacing(8)
        pages = (self.boxes, self.importance, self.checks, self.notes)
        named: dict[BottomTab, BottomPage] = dict(zip(get_args(BottomTab), pages, strict=True))
        self.bottom = BottomCard(self.menus.actions, named, self.status)
        whole.addWidget(self.bottom)
        for splitter, sizes in (
            (middle, (560, 140)),
            (whole, (690, 240)),
            (self.stage.reading, (1000, 1000)),
        ):
            splitter.setSizes(sizes)
            splitter.setHandleWidth(8)
            splitter.setChildrenCollapsible(False)
        for splitter, stretch in ((middle, 4), (whole, 3)):
            splitter.setStretchFactor(0, stretch)
            splitter.setStretchFactor(1, 1)

    def _fill_image(self, image: Card) -> None:
        image.body.setContentsMargins(6, 5, 6, 6)
        image.body.setSpacing(4)
        image.body.addWidget(self.may_read)
        image.body.addWidget(self.stage, 1)
        left = QWidget()
        self.stage.reading.addWidget(left)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.first)
        column.addWidget(self.canvas, 1)
        column.addWidget(self._foot)
        self.stage.reading.addWidget(self.beside)
        image.body.addWidget(self.volume)
        line = self._line = QWidget()
        theme.keep(line, "setFixedHeight", 26)  # the picture must not jump when the rest of a series is there
        image.body.addWidget(line)
        facts = QHBoxLayout(line)
        facts.setContentsMargins(0, 0, 0, 0)
        facts.addWidget(self.facts, 1)
        facts.addWidget(self.burned_in)
        facts.addWidget(self.arriving)
        strips = (self.restore, self.notice, self.grid, self.experiment)
        self.strips = FloatingStrips(image, self.stage, strips)

    def _ask(self, dialog: Dialog) -> None:
        """Open a dialog; all of them are loaded when the first is asked for."""
        from viewer.ui.dialogs.files import Asking

        Asking(self.bench, self, self.act, self.copy_view, self.stage.zoom).ask(dialog)

    def act(self, identity: str) -> None:
        """Do the action of an id, as its menu would."""
        self.menus.trigger(identity)

    def copy_view(self) -> None:
        """Put a picture of the image, with what is said above and below it, on the clipboard, without the patient."""
        session = self.bench.session
        shown = session.phi_hidden
        session.phi_hidden = True
        self.refresh()
        self.strips.hide()  # it is about the program, not about the picture
        picture = self._image.grab()
        self.strips.place()
        session.phi_hidden = shown
        QApplication.clipboard().setPixmap(picture)
        words = "A picture of the view is on the clipboard, without patient data."
        session.notice = Notice(words, severity="note")

    # --- mirroring the state -----------------------------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Whether everything that has changed is on screen."""
        return (
            not self._refresh.isActive()
            and not self._hurry.waiting
            and self.stage.settled
            and self.beside.settled
        )

    def _changed(self, *_: object) -> None:
        if not self._refresh.isActive():
            self._refresh.start()
        if not self._keep.isActive():
            self._keep.start()

    def refresh(self) -> None:
        """Bring every panel up to the state; those whose view is the same object have nothing to do."""
        session = self.bench.session
        self._dress()
        if session.case is not self._case:
            # The same series is looked at on: the whole in place of its part, another volume, added truth.
            stays = session.entry is not None and session.entry is self._entry
            if not stays and not same_grid(self._case, session.case):
                self.canvas.fit()
            self._case, self._entry = session.case, session.entry
        screen = self._presenter.screen(hurried=self._hurry.look())
        self.screen_ = screen
        self._show_page(screen)
        self._show_workspace(screen)
        question = None if screen.workspace == "cohort" else model_question(session)
        self.advice.show_judgement(
            question,
            (session.model, session.entry or session.case),
            may_resample=question is not None and reads_volumes(session) and bool(uneven(session)),
            other=suited(session.models, session.case.image)
            if question is not None and session.case
            else None,
        )
        self.may_read.show_canvas(screen.canvas)
        facts = screen.planes or screen.canvas
        self.facts.set_full("    ".join(facts.facts) if facts else "")
        self.left.setCurrentWidget(self.case_panel if session.lesson is None else self.lesson)
        if session.lesson is None:
            self.case_panel.show_session(session, screen.strip)
        self.lesson.show_session(session)
        for panel in (self.beside, self.arriving, self.volume, self.grid, self.burned_in):
            panel.show_session(session)
        in_table = screen.workspace == "cohort"  # while it is shown, what is about one image is not
        for about in (self.volume, self.grid) if in_table else ():
            about.hide()
        for back in (self.may_read, self._line):
            back.setVisible(not in_table)
        self._show_left(screen)
        self.model.show_session(session)
        self.prediction.show_prediction(screen.prediction)
        self.findings.show_session(session, screen.canvas)
        self.explainer.show_session(session)
        self.rail.show_rail(screen.rail, session.overlay.colour_map)
        self.overlay.show_session(session)
        self.input.show_session(session)
        reading = screen.workspace == "reading"
        self.strip.setVisible(reading and (session.case is None or session.case.slices > 1))
        self.strip.show_strip(screen.strip)
        self.bottom.show_tab(session.tab)
        if reading:
            self.bench.judging.look_at(screen.map)
            self.boxes.show_boxes(screen.boxes, session)
            self.importance.show_importance(screen.importance)
            self.notes.show_session(session)
            if session.tab == "checks":
                self.checks.show_session(session)
        self.status.show_session(session)
        self.notice.show_notice(session.notice)
        self.restore.show_session(session)
        self.top.show_session(session)
        self.setWindowTitle(window_title(session))
        self.experiment.show_session(session)
        self.experiment_picture.show_session()
        self._show_chooser()
        self.menus.follow(session)
        self._fill_screen(session.full_screen)
        self._notifier.follow(session)
        self._cine.follow()
        self.refreshed.emit()

    def _show_left(self, screen: Screen) -> None:
        """The case, or the vote of a class; where there is little room other workspaces have its place."""
        crowded = self.width() < theme.scaled(_CROWDED) and self.bench.session.lesson is None
        self.left.setVisible(screen.workspace != "cohort" and (screen.workspace == "reading" or not crowded))

    def _show_page(self, screen: Screen) -> None:
        """What the page of the workspace shows."""
        session = self.bench.session
        judgement = session.judgement
        outside = judgement is not None and judgement.applicability.verdict == "does_not_apply"
        without = f"{session.work.name} …" if session.work is not None else self._empty_words()
        if screen.workspace == "cohort":
            self.stage.cohort.show_session(session)
        elif screen.workspace == "volume":
            waiting = "resampling for display …" if session.case is not None else without
            mark = NOT_MADE_FOR_IT if outside else ""
            self.stage.planes.show_planes(screen.planes, screen.boxes, watermark=mark, without=waiting)
        elif screen.compare is not None:
            self.stage.compare.show_compare(screen.compare, screen.canvas.style if screen.canvas else None)
        elif screen.sheet is not None:
            self.stage.layers.show_sheet(screen.sheet, screen.canvas.style if screen.canvas else None)
        elif screen.layers is not None:
            self.stage.layers.show_layers(screen.layers, screen.canvas.style if screen.canvas else None)
        else:
            self.canvas.keep_room(session.beside is None)
            self.canvas.show_canvas(screen.canvas, watermark=outside, without=without)
            self.canvas.show_boxes(screen.boxes)
            self.canvas.show_rulers(screen.rulers)

    def _empty_words(self) -> str:
        key = key_words(key_of(self.bench.session, "case.open-file"))
        return _EMPTY.format(key) if key else "Drop an image file or a folder here"

    def _dress(self) -> None:
        """The theme and the size of the text that the user wants."""
        wanted, app = self.bench.session.settings, QApplication.instance()
        if isinstance(app, QApplication) and not theme.is_applied(wanted.theme, wanted.text_size):
            theme.apply(app, "light" if wanted.theme == "light" else "dark", wanted.text_size)

    def _level(self) -> None:
        """The first picture begins and ends where the second does."""
        beside = self.bench.session.beside is not None
        self.first.show_session(self.bench.session, self.beside.head)
        self._foot.setVisible(beside)
        if beside:
            self._foot.setFixedHeight(max(self.beside.foot, 0))

    def _show_workspace(self, screen: Screen) -> None:
        """The page of the workspace; the three planes need the room of the boxes."""
        if self.stage.show_workspace(screen.workspace):
            self.bottom.show_pages(screen.workspace == "reading")
        self.strips.lie(at_foot=screen.workspace in ("compare", "layers", "cohort"))

    def _show_chooser(self) -> None:
        choice = self.bench.session.chooser
        if self._chooser is not None and self._chooser.choice is not choice:
            self._chooser.close()
            self._chooser.deleteLater()
            self._chooser = None
        if choice is not None and self._chooser is None:
            self._chooser = SeriesChooser(self.bench, choice, self)
            # Where only a picture of the window is wanted, nobody is there to choose.
            if not self.testAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen):
                self._chooser.show()
        elif self._chooser is not None:
            self._chooser.show_session()

    def _context_menu(self, at: QPoint) -> None:
        menu = self.menus.context_menu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)

    # --- Qt ----------------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        # A window that is drawn into a picture only, or begins minimised, is never painted: then this has to do.
        unseen = self.testAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        self._late_paint.start(0 if unseen else 500)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._was_painted:
            self._late_paint.start(0)

    def _first_paint(self) -> None:
        if not self._was_painted:
            self._was_painted = True
            self.painted.emit()

    def changeEvent(self, event: QEvent) -> None:
        """The window manager has made it fill the screen, or not: the state follows."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange and self.isVisible():
            self.bench.viewing.set_full_screen(self.isFullScreen())

    def _fill_screen(self, wanted: bool) -> None:
        if self.isVisible() and self.isFullScreen() != wanted:
            self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._replace.start(0)
        if self.screen_ is not None:
            self._show_left(self.screen_)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        found = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if found:
            event.acceptProposedAction()
            bench = self.bench
            beside = (
                event.modifiers() & Qt.KeyboardModifier.ControlModifier and bench.session.case is not None
            )
            attempt(bench, lambda: bench.dropping.take(found, beside=bool(beside)))

    def closeEvent(self, event: QCloseEvent) -> None:
        self.bench.session.events.disconnect(self._changed)
        self._refresh.stop()
        self._hurry.stop()
        self._keep.stop()
        self._late_paint.stop()
        self.bench.keeping.keep(at_once=True)
        self.bench.playing.stop()
        self._cine.follow()
        self.bench.cancel()
        super().closeEvent(event)
