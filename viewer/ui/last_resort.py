"""Exceptions that nobody caught: one sentence for the user, kind and place for the log, never a traceback."""

from __future__ import annotations

import sys
import threading
import traceback
from types import TracebackType

from PySide6.QtCore import QObject, Qt, Signal, Slot

from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import WhySliceError, one_sentence
from viewer.foundation.log import logger
from viewer.state.session import Notice


class LastResort(QObject):
    """Catches what reaches the top of any thread while it is installed.

    Exceptions in slots and paint events arrive in the GUI thread, those of workers in their own: so the hooks only emit
    a signal, and the state is written where it may be.
    """

    told = Signal(str)
    """The sentence that the user was shown, in the GUI thread."""
    _caught = Signal(str, str)

    def __init__(self, bench: Workbench, *, debug: bool = False) -> None:
        super().__init__()
        self._bench = bench
        self._debug = debug
        self._before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        self._caught.connect(self._tell, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        self._before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        sys.excepthook = self._from_interpreter
        threading.excepthook = lambda args: self.caught(args.exc_value, args.exc_traceback)
        sys.unraisablehook = lambda args: self.caught(args.exc_value, args.exc_traceback)

    def remove(self) -> None:
        sys.excepthook, threading.excepthook, sys.unraisablehook = self._before

    def _from_interpreter(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            from PySide6.QtCore import QCoreApplication

            QCoreApplication.exit(130)
            return
        self.caught(error, trace)

    def caught(self, error: BaseException | None, trace: TracebackType | None) -> None:
        """Note an exception; may be called from any thread."""
        if error is None or isinstance(error, (KeyboardInterrupt, SystemExit)):
            return
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "nowhere"
        logger.error("not caught: %s at %s", type(error).__name__, where)
        if self._debug and sys.stderr is not None:
            traceback.print_exception(error)
        self._caught.emit(one_sentence(error), error.action if isinstance(error, WhySliceError) else "")

    @Slot(str, str)
    def _tell(self, sentence: str, action: str) -> None:
        self._bench.session.notice = Notice(sentence, action, names_files=True)
        self.told.emit(sentence)
