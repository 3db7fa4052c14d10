"""Questions for files, then the verb that they are for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QDialog, QWidget

from viewer.actions.action import Dialog
from viewer.controllers.exporting import name_of_slice
from viewer.controllers.workbench import Workbench
from viewer.ui.attempt import attempt
from viewer.ui.dialogs.about import About
from viewer.ui.dialogs.dispute_dialog import DisputeDialog
from viewer.ui.dialogs.file_dialog import ask_for_files, ask_for_folder, ask_for_name
from viewer.ui.dialogs.keyboard_card import KeyboardCard
from viewer.ui.dialogs.notices_dialog import NoticesDialog
from viewer.ui.dialogs.palette import Palette
from viewer.ui.dialogs.running_dialog import RunningDialog
from viewer.ui.dialogs.settings_dialog import SettingsDialog
from viewer.ui.dialogs.shortcuts_dialog import ShortcutsDialog
from viewer.ui.dialogs.voxel_spacing import VoxelSpacing

_IMAGES = "Images (*.dcm *.nii *.nii.gz *.nrrd *.nhdr *.mha *.mhd *.png *.jpg *.jpeg);;All files (*)"
_FIGURES = {"png": "PNG", "pdf": "PDF", "svg": "SVG"}
_PAGES = {"pdf": "PDF", "png": "PNG, first page"}
_TRUTH = "Masks and boxes (*.nii *.nii.gz *.nrrd *.mha *.png *.json *.csv *.xml *.gz);;All files (*)"

_SAVED = ("save-figure", "save-sheet", "save-experiment", "save-handout")
_FILES: Mapping[Dialog, tuple[str, str, Callable[[Workbench, Path], object]]] = {
    "open-beside": ("Open file beside", _IMAGES, lambda bench, path: bench.beside.open(path)),
    "load-truth": ("Load truth", _TRUTH, lambda bench, path: bench.opening.load_truth(path)),
}
_FOLDERS: Mapping[Dialog, tuple[str, Callable[[Workbench, Path], object]]] = {
    "open-folder": ("Open folder", lambda bench, path: bench.opening.open(path)),
    "open-cohort": ("Open a folder with cohort.csv", lambda bench, path: bench.cohorts.open(path)),
    "begin-lesson": (
        "Open a folder of cases, or with cohort.csv",
        lambda bench, path: bench.teaching.begin(path),
    ),
    "save-cohort": ("Save results in a folder", lambda bench, path: bench.cohorts.save(path)),
    "save-maps": ("Save maps in a folder", lambda bench, path: bench.exporting.save_maps(path)),
}

_PLAIN: Mapping[Dialog, Callable[[Workbench, QWidget], QDialog]] = {
    "settings": SettingsDialog,
    "shortcuts": ShortcutsDialog,
    "keyboard-card": KeyboardCard,
    "running": RunningDialog,
    "notices": NoticesDialog,
    "dispute": DisputeDialog,
}


_ZOOMS: Mapping[Dialog, float] = {"zoom-in": 1.25, "zoom-out": 1 / 1.25, "fit": 0.0}


class Asking:
    """Opens the dialogs that actions need; parented to the window.

    Parameters
    ----------
    act : does the action of an id, as its menu would.
    copy : puts a picture of the view on the clipboard.
    zoom : shows the picture so many times as large; 0 fits it.
    """

    def __init__(
        self,
        bench: Workbench,
        window: QWidget,
        act: Callable[[str], None],
        copy: Callable[[], None],
        zoom: Callable[[float], None],
    ) -> None:
        self._bench = bench
        self._window = window
        self._act = act
        self._copy = copy
        self._zoom = zoom

    def ask(self, dialog: Dialog) -> None:
        """Ask and, unless the user thinks better of it, act."""
        plain = _PLAIN.get(dialog)
        if plain is not None:
            plain(self._bench, self._window).open()
        elif dialog == "about":
            About(self._window).open()
        elif dialog == "copy-view":
            self._copy()
        elif dialog in _ZOOMS:
            self._zoom(_ZOOMS[dialog])
        elif dialog == "quit":
            self._window.close()
        elif dialog == "palette":
            palette = Palette(self._bench, self._window)
            palette.chosen.connect(self._act)
            palette.open()
        elif dialog == "spacing":
            if (case := self._bench.session.case) is not None:
                VoxelSpacing(self._bench, case, self._window).open()
        elif dialog in _SAVED:
            self._save(dialog)
        else:
            self._open(dialog)

    def _open(self, dialog: Dialog) -> None:
        bench, window = self._bench, self._window
        if dialog == "open-file":
            if paths := ask_for_files(window, "Open files", _IMAGES, several=True):
                attempt(bench, lambda: bench.opening.open(*paths))
        elif dialog in _FILES:
            title, kinds, verb = _FILES[dialog]
            for path in ask_for_files(window, title, kinds):
                attempt(bench, lambda: verb(bench, path))  # noqa: B023 - done at once
        elif (folder := ask_for_folder(window, _FOLDERS[dialog][0])) is not None:
            attempt(bench, partial(_FOLDERS[dialog][1], bench, folder))

    def _save(self, dialog: Dialog) -> None:
        bench, window, session = self._bench, self._window, self._bench.session
        if dialog == "save-figure":
            if path := ask_for_name(window, "Save figure", name_of_slice(session), _FIGURES):
                attempt(bench, partial(bench.exporting.save_figure, path))
        elif dialog == "save-experiment":
            name = session.experiment.name if session.experiment is not None else "experiment"
            if path := ask_for_name(window, "Save the picture", name, _PAGES):
                attempt(bench, partial(bench.experiments.save, path))
        elif dialog == "save-sheet":
            name = name_of_slice(session, sheet=True)
            if path := ask_for_name(window, "Save the sheet", name, {"png": "PNG"}):
                attempt(bench, partial(bench.exporting.save_sheet, path))
        elif path := ask_for_name(window, "Save a handout", "handout", {"html": "HTML"}):
            attempt(bench, partial(bench.teaching.handing_out.save, path))
