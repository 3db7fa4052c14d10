"""Where the program's own files and the user's files lie: in a checkout, in a wheel and in a frozen program."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def _bundled(name: str) -> Path:
    if getattr(sys, "frozen", False):
        return Path(getattr(sys, "_MEIPASS", sys.executable)) / name
    installed = _PACKAGE / "_bundled" / name
    # Only a wheel has the inner one. Beside an installed package a folder of that name would be somebody else's.
    return installed if installed.is_dir() else _PACKAGE.parent / name


def resources() -> Path:
    """Folder of icons, styles, demo cases and bundled models."""
    return _bundled("resources")


def plugins() -> Path:
    """Folder of the bundled plugins, one folder each."""
    return _bundled("plugins")


def user_data() -> Path:
    """The user's own folder (settings, logs, added models); ``WHYSLICE_HOME`` moves it."""
    if home := os.environ.get("WHYSLICE_HOME"):
        return Path(home)
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", Path.home())) / "WhySlice"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "WhySlice"
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")) / "whyslice"


def model_folders() -> list[Path]:
    """Folders that hold model folders, the bundled one first."""
    return [resources() / "models", user_data() / "models"]
