"""Sixty windows and dialogs opened and closed leave nothing behind."""

from __future__ import annotations

import gc
import threading

import psutil
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QDialog

from tests.tiny import bright_spot
from viewer.controllers.workbench import Workbench
from viewer.foundation.job_runner import InlineRunner
from viewer.ui import theme
from viewer.ui.main_window import MainWindow

CYCLES, WARM = 60, 20
DIALOGS = ("help.find", "edit.settings", "edit.shortcuts", "help.keys", "help.running", "help.notices")
_MEGABYTE = 1 << 20
_ALLOWED_MB = 15
"""Growth over the last 40 cycles; a tenth of a megabyte each was measured, a window that stays costs more than one."""


def cycle(qapp, number: int) -> None:
    window = MainWindow(Workbench(InlineRunner()))
    window.resize(1100, 750)
    window.show()
    window.bench.opening.show(bright_spot(3))
    window.act(DIALOGS[number % len(DIALOGS)])
    qapp.processEvents()
    for dialog in window.findChildren(QDialog):
        dialog.reject()
    window.close()
    window.deleteLater()
    del window
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    qapp.processEvents()


def test_sixty_windows_and_dialogs_leave_widgets_threads_and_memory_flat(qapp):
    process = psutil.Process()
    for number in range(CYCLES):
        cycle(qapp, number)
        if number == WARM - 1:
            gc.collect()
            widgets, threads = len(QApplication.allWidgets()), threading.active_count()
            kept, memory = len(theme._kept), process.memory_info().rss
    gc.collect()
    assert len(QApplication.allWidgets()) <= widgets
    assert threading.active_count() == threads
    assert len(theme._kept) <= kept
    grown = (process.memory_info().rss - memory) / _MEGABYTE
    print(f"grown by {grown:.1f} MB in {CYCLES - WARM} cycles")
    assert grown < _ALLOWED_MB
