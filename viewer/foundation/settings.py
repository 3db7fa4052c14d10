"""Settings: a small versioned JSON file, validated field by field; a bad field is dropped alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from viewer.foundation import paths
from viewer.foundation.errors import ExportError, SettingsError
from viewer.foundation.keys import typeable
from viewer.foundation.whole_file import write_whole

VERSION = 1

COLOUR_MAPS = ("inferno", "magma", "viridis", "cividis", "jet")
"""`jet` is there for comparison with papers only."""
_CHOICES: dict[str, tuple[str, ...]] = {
    "theme": ("dark", "light"),
    "device": ("auto", "cpu", "cuda", "mps"),
    "colour_map": COLOUR_MAPS,
    "left_drag": ("crosshair", "window"),
    "convention": ("radiological", "neurological"),
}
RANGES: Mapping[str, tuple[float, float]] = {
    "opacity": (0.0, 1.0),
    "atlas_budget_mb": (16, 65536),
    "text_size": (0.8, 2.0),
    "window_width": (0, 20_000),
    "window_height": (0, 20_000),
}
"""Least and greatest value of settings that are numbers."""


@dataclass(frozen=True)
class Settings:
    """What the user prefers.

    Attributes
    ----------
    theme : ``dark`` or ``light``.
    text_size : of everything that is written, as a multiple of the usual size, 0.8..2.
    model : id of the model that a case is opened with.
    device : ``auto``, ``cpu``, ``cuda`` or ``mps``.
    colour_map : name of the sequential colour map.
    opacity : overlay opacity, 0..1.
    atlas_budget_mb : memory for reduced maps, megabytes.
    left_drag : what a left drag does on the image.
    convention : which way round the patient is shown, ``radiological`` or ``neurological``.
    shortcuts : id of an action -> the key that the user wants in place of the usual one, empty for none.
    recent : whether a list of the cases that were open lately is kept.
    sessions : whether sessions are kept, to be brought back after a restart.
    phi_hidden : whether the program starts with patient data hidden.
    window_width, window_height : size in which the window was left, logical pixels; 0 for its usual one.
    window_maximised : whether it filled the screen.
    """

    theme: str = "dark"
    text_size: float = 1.0
    model: str = "stroke-gap"
    device: str = "auto"
    colour_map: str = "inferno"
    opacity: float = 0.7
    atlas_budget_mb: int = 512
    left_drag: str = "crosshair"
    convention: str = "radiological"
    phi_hidden: bool = True
    recent: bool = True
    sessions: bool = True
    window_width: int = 0
    window_height: int = 0
    window_maximised: bool = False
    shortcuts: dict[str, str] = field(default_factory=dict)
    """Replaced as a whole, never altered in place."""


def validated(name: str, value: Any) -> Any:
    """`value` for the field `name`, or a `SettingsError` that says what is allowed."""
    wanted = type(getattr(Settings(), name))
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not wanted:
        raise SettingsError(f"The setting '{name}' must be of type {wanted.__name__}.")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise SettingsError(f"The setting '{name}' must be one of {', '.join(_CHOICES[name])}.")
    if name in RANGES and not RANGES[name][0] <= value <= RANGES[name][1]:
        low, high = RANGES[name]
        raise SettingsError(f"The setting '{name}' must lie between {low:g} and {high:g}.")
    if name == "shortcuts":
        return {_text(action): typeable(_text(key)) for action, key in value.items()}
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise SettingsError("A shortcut must be text.")
    return value


def _good_shortcuts(found: dict[Any, Any], dropped: list[str]) -> dict[str, str]:
    """Those that can be used; each bad one is dropped alone."""
    good: dict[str, str] = {}
    for action, key in found.items():
        try:
            good |= validated("shortcuts", {action: key})
        except SettingsError as error:
            dropped.append(error.sentence)
    return good


def default_path() -> Path:
    return paths.user_data() / "settings.json"


def load(path: Path | None = None) -> tuple[Settings, list[str]]:
    """Read settings.

    Returns
    -------
    (Settings, list of str)
        The settings and one sentence for each thing that had to be dropped. Never raises for a bad file.
    """
    path = path or default_path()
    for candidate in (path, path.with_suffix(".bak")):
        if not candidate.exists():
            continue
        try:
            document = json.loads(candidate.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if not isinstance(document, dict):
            continue
        good: dict[str, Any] = {}
        dropped: list[str] = []
        for each in fields(Settings):
            if each.name in document:
                try:
                    found = document[each.name]
                    if each.name == "shortcuts" and isinstance(found, dict):
                        good[each.name] = _good_shortcuts(found, dropped)
                    else:
                        good[each.name] = validated(each.name, found)
                except SettingsError as error:
                    dropped.append(error.sentence)
        return Settings(**good), dropped
    unreadable = ["The settings file could not be read; defaults are used."] if path.exists() else []
    return Settings(), unreadable


def save(settings: Settings, path: Path | None = None) -> None:
    """Write settings whole; the last version is kept as ``.bak``.

    Raises
    ------
    SettingsError
        When the user's folder cannot be written to.
    """
    path = path or default_path()
    document = json.dumps({"version": VERSION, **asdict(settings)}, indent=2)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            write_whole(path.with_suffix(".bak"), path.read_bytes())
        write_whole(path, document.encode())
    except (OSError, ExportError) as error:
        raise SettingsError(
            "The settings could not be saved: the user's folder cannot be written to."
        ) from error
