"""The composition root: the one file that knows every room. Makes the window, and torch comes after its first paint."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import cast

# Rooms without Qt come first: Qt for Python reads the source of every module that is imported after itself.
from viewer.cli.view_options import ViewOptions
from viewer.controllers.opening import DEMO_MODEL
from viewer.controllers.workbench import Workbench
from viewer.foundation import settings as settings_file
from viewer.foundation.errors import SettingsError, UsageError, WhySliceError, is_misuse
from viewer.foundation.log import logger, start_logging
from viewer.foundation.provenance import program_version
from viewer.foundation.registry import nearest
from viewer.foundation.settings import Settings
from viewer.imaging.contents import several_words
from viewer.models.card import class_index
from viewer.models.shelf import find_card
from viewer.state.grid_question import uneven
from viewer.state.session import Notice, Workspace

# isort: split
from PySide6.QtCore import QObject, QPoint, QSize, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QImage, QImageWriter, QPainter, QRegion
from PySide6.QtWidgets import QApplication, QWidget

from viewer.jobs.qt_runner import QtRunner
from viewer.ui import theme, window_place
from viewer.ui.last_resort import LastResort
from viewer.ui.main_window import MainWindow
from viewer.ui.screen_here import has_screen, why_no_window

_LOOK = 30
"""Milliseconds between two looks at whether the window has settled."""


def run_window(options: ViewOptions) -> int:
    """Show the window until it is closed, or until its picture is written.

    Returns
    -------
    int
        0; 1 when there is no screen to open a window on, or when `options.exit` is set and nothing could be opened,
        shown as asked or written; the sentence is on standard error.
    """
    start_logging(debug=options.debug)
    if options.screenshot is not None and options.exit and not has_screen():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"  # a picture needs no screen
    if why := why_no_window(os.environ):
        _say(f"whyslice: {why}")
        return 1
    settings, dropped = settings_file.load()
    app = _application(settings)
    runner = QtRunner()
    bench = Workbench(runner, settings)
    last_resort = LastResort(bench, debug=options.debug)
    last_resort.install()
    window = MainWindow(bench)
    for sentence in dropped:
        bench.session.notice = Notice(sentence, severity="warning")
    visit = Visit(window, runner, options, settings)
    if options.screenshot is not None and options.exit:
        window.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    last_resort.told.connect(visit.defect)
    window.painted.connect(visit.begin)
    _spare_what_stays(bench)
    unseen = _is_a_visit(options) or QGuiApplication.platformName() in ("offscreen", "minimal")
    usual = QSize(options.width, options.height)
    if unseen:
        window.resize(usual)
        window.show()
    else:
        window_place.open_on_screen(window, settings, usual)
    try:
        code = int(app.exec())
    finally:
        last_resort.remove()
        window.close()
        ended = runner.shutdown()
        if not unseen:
            _keep_place(window)
        window.deleteLater()
        QApplication.sendPostedEvents(None, 0)
        gc.unfreeze()
    if visit.failure:
        _say(f"whyslice: {visit.failure}")
        code = visit.code
    if not ended:
        # A pass of a network is under way and cannot be interrupted; the interpreter would abort while it unwinds.
        logger.warning("left while work was running")
        sys.stdout.flush()
        os._exit(code)
    return code


def _keep_place(window: MainWindow) -> None:
    """Remember where the window stood; nobody is there any more to be told that it could not be."""
    before, dropped = settings_file.load()  # a window beside this one may have changed others
    now = window_place.as_it_stands(window, before)
    if now != before and not dropped:
        try:
            settings_file.save(now)
        except SettingsError as error:
            logger.warning("the place of the window could not be kept: %s", error)


def _spare_what_stays(bench: Workbench) -> None:
    """Once a model is there, keep the garbage collector away from what the libraries have made until then.

    It stays as long as the program; looking through it took 0.2 s, in which nothing could be painted, again and again.
    """
    model = bench.session.events.model

    def loaded(_: object) -> None:
        if bench.session.model is not None:
            model.disconnect(loaded)
            gc.freeze()

    model.connect(loaded)


def _application(settings: Settings) -> QApplication:
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
        app = QApplication([sys.argv[0] if sys.argv else "whyslice"])
    app.setApplicationName("WhySlice")
    app.setApplicationVersion(program_version())
    theme.apply(app, "light" if settings.theme == "light" else "dark", settings.text_size)
    return app


def _say(sentence: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(sentence + "\n")


def _is_a_visit(options: ViewOptions) -> bool:
    """Whether nobody works in the window: what the user keeps is left alone then."""
    return options.exit or options.screenshot is not None


def _check_card(options: ViewOptions) -> None:
    """Who wants a picture alone need not wait for the network to be told what the card says."""
    if not (options.exit and options.model):
        return
    card, target = find_card(options.model), options.target
    if target is not None and class_index(target, card.classes) is None:
        raise UsageError(
            f"The model '{card.id}' has no class '{target}'{nearest(target, list(card.classes))}.",
            code="no-such-class",
        )


class Visit(QObject):
    """What the command line asked for, done as soon as the state allows, then the picture."""

    def __init__(
        self, window: MainWindow, runner: QtRunner, options: ViewOptions, settings: Settings
    ) -> None:
        super().__init__(window)
        self.failure = ""
        self.code = 1
        self._window = window
        self._bench = window.bench
        self._runner = runner
        self._options = options
        self._settings = settings
        self._case_done = self._model_done = False
        self._quiet = 0
        self._look = QTimer(self)
        self._look.setInterval(_LOOK)
        self._look.timeout.connect(self._picture_when_settled)

    def begin(self) -> None:
        """After the first paint: open the case and load the model."""
        options, bench = self._options, self._bench
        bench.session.events.case.connect(self._case_opened)
        bench.session.events.model.connect(self._model_loaded)
        bench.session.events.notice.connect(self._told)
        self._ask(lambda: _check_card(options))
        if self.failure:
            return
        bench.viewing.show_overlay(options.overlay)
        bench.viewing.set_workspace(cast(Workspace, options.workspace))
        if options.show_phi:
            bench.session.phi_hidden = False
        elif options.screenshot is not None:  # whatever is preferred on screen: pictures are without names
            bench.session.phi_hidden = True
        if options.device:
            bench.session.device = options.device
        if not _is_a_visit(options):
            bench.recents.begin()
            bench.keeping.begin(ask=not options.paths and not options.no_restore)
        if options.explainer:
            given = dict(options.parameters)
            self._ask(lambda: bench.explaining.set_parameters(options.explainer or "", given))
            self._ask(lambda: bench.explaining.select_explainer(options.explainer or ""))
            if (
                given or options.screenshot is not None
            ):  # whoever asks by hand wants it, however long it takes
                bench.explaining.asking.want()
        if options.paths and options.workspace == "cohort":
            self._ask(lambda: bench.cohorts.open(options.paths[0]))
        elif options.paths:
            self._ask(
                lambda: bench.opening.open(
                    *options.paths,
                    series=options.series,
                    truth=options.truth,
                    volume=options.volume,
                    spacing_mm=options.spacing,
                )
            )
        else:
            self._ask(bench.opening.open_demo)
        if model := self._model():
            self._ask(lambda: bench.explaining.select_model(model))
        if options.screenshot is not None or options.exit:
            self._look.start()

    def _model(self) -> str:
        """The model that was asked for, else the one in the settings, else the demo's, else the first on the shelf."""
        if self._options.model:
            return self._options.model
        ids = [card.id for card in self._bench.session.models]
        for known in (self._settings.model, DEMO_MODEL):
            if known in ids:
                return known
        return ids[0] if ids else ""

    def _case_opened(self, *_: object) -> None:
        """The first case, or, where it is to be resampled, what comes of it."""
        session, options = self._bench.session, self._options
        if self._case_done or session.case is None:
            return
        # A case is being put into the session: what follows from it comes after it, not in the middle of it.
        if options.resample and session.resampled is None:
            if not session.case.whole:
                return
            if uneven(session):
                QTimer.singleShot(0, lambda: self._ask(self._bench.grid.resample))
                return
            self._bench.session.notice = Notice(
                "The slices are even and at right angles: there was nothing to resample.", severity="note"
            )
        self._case_done = True
        QTimer.singleShot(0, self._stand)

    def _stand(self) -> None:
        """Where the user wants to stand in the case that he asked for."""
        if not self._options.model:
            self._bench.explaining.suit()
        wanted, case = self._options.slice, self._bench.session.case
        if self._options.erased:
            self._ask(lambda: self._bench.erasing.erase_all(self._options.erased))
        if self._bench.session.resampled is not None:
            self._bench.grid.keep()
        if wanted is None or case is None:
            return
        if 0 <= wanted < case.slices:
            self._bench.viewing.select_slice(wanted)
        else:
            self._fail(UsageError(f"There is no slice {wanted}: they run from 0 to {case.slices - 1}."))

    def _model_loaded(self, *_: object) -> None:
        if self._model_done or self._bench.session.model is None:
            return
        self._model_done = True
        QTimer.singleShot(0, self._choose)

    def _choose(self) -> None:
        options, explaining = self._options, self._bench.explaining
        if options.layer:
            self._ask(lambda: explaining.select_layer(options.layer or ""))
        if options.findings is not None:
            self._ask(lambda: self._bench.findings.set_least(options.findings or 0.0))
            self._ask(lambda: self._bench.findings.show_together(True))
        if options.target:
            self._ask(lambda: explaining.select_target(self._class_name(options.target or "")))

    def _class_name(self, target: str) -> str:
        """A class by name, or by its index written as text."""
        model = self._bench.session.model
        if model is not None and target not in model.card.classes and target.isdigit():
            index = int(target)
            if index < len(model.card.classes):
                return model.card.classes[index]
        return target

    def _told(self, notice: Notice | None, *_: object) -> None:
        """The first failure is the answer where nobody reads notices, also when another one replaces it."""
        if notice is not None and notice.severity == "error":
            self._give_up(notice.sentence, misuse=notice.misuse)

    def _ask(self, verb: object) -> None:
        assert callable(verb)
        try:
            verb()
        except WhySliceError as error:
            self._fail(error)

    def _fail(self, error: WhySliceError) -> None:
        self._bench.tell(error)
        self._give_up(error.sentence, misuse=is_misuse(error))

    def defect(self, sentence: str) -> None:
        self._give_up(sentence)

    def _give_up(self, sentence: str, *, misuse: bool = False) -> None:
        """Nobody is there to read a notice when only a picture is wanted: the first failure ends the visit at once."""
        if self._options.exit and not self.failure:
            self.failure, self.code = sentence, 2 if misuse else 1
            self._look.stop()
            QApplication.exit(self.code)

    # --- the picture -------------------------------------------------------------------------------------------------

    def _picture_when_settled(self) -> None:
        """Nothing runs, nothing waits, and everything is on screen: twice in a row, as callbacks may begin anew."""
        session = self._bench.session
        busy = not self._runner.idle or session.work is not None or not self._window.settled
        self._quiet = 0 if busy else self._quiet + 1
        if self._quiet < 2:
            return
        self._look.stop()
        self._say_what_is_missing()
        if not self.failure and self._options.screenshot is not None:
            self.failure = self._write(self._options.screenshot)
        if self._options.exit:
            QApplication.exit(self.code if self.failure else 0)

    def _say_what_is_missing(self) -> None:
        session = self._bench.session
        if session.chooser is not None:
            found = [entry.info for entry in session.chooser.entries]
            listed = several_words(found, ", ".join(path.name for path in self._options.paths))
            self._give_up(f"{listed.rstrip('.')}: name one with --series.", misuse=True)
        elif session.asking is not None and session.asking.stage == "refused":
            self._give_up(session.asking.sentence)
        elif session.case is None and session.cohort is None:
            self._give_up("Nothing could be opened.")

    def _write(self, path: Path) -> str:
        """Why the picture could not be written; empty when it was."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            return f"The folder of '{path.name}' could not be made."
        if not QImageWriter(str(path), b"PNG").write(picture_of(self._window)):
            return f"The picture '{path.name}' could not be written."
        return ""


def picture_of(widget: QWidget) -> QImage:
    """A widget as an image, one image pixel per logical pixel whatever the screen."""
    image = QImage(widget.size(), QImage.Format.Format_RGB32)
    painter = QPainter(image)
    widget.render(
        painter,
        QPoint(),
        QRegion(),
        QWidget.RenderFlag.DrawWindowBackground | QWidget.RenderFlag.DrawChildren,
    )
    painter.end()
    return image
