"""Keys as text: which of them every keyboard layout can type, in the one way that they are written."""

from __future__ import annotations

import re

from viewer.foundation.errors import SettingsError

_HELD = ("Ctrl", "Alt", "Shift", "Meta")
_NAMED = (
    *(
        "Up",
        "Down",
        "Left",
        "Right",
        "Home",
        "End",
        "PgUp",
        "PgDown",
        "Ins",
        "Del",
        "Backspace",
        "Return",
        "Esc",
    ),
    *(f"F{n}" for n in range(1, 25)),
)
_KEYS = {key.lower(): key for key in (*_NAMED, *"ABCDEFGHIJKLMNOPQRSTUVWXYZ", *"0123456789", *"+-.,")}


def typeable(text: str) -> str:
    """A key as it is kept, such as ``Ctrl+Shift+Z``; empty for none.

    Letters, digits, ``+ - . ,``, arrows, editing keys and F1 to F24, alone or with keys that are held.

    Raises
    ------
    SettingsError
        For what some keyboard cannot type, or what types a character there.
    """
    if not text.strip():
        return ""
    *held, key = re.split(r"\+(?=.)", text.strip())
    names = {name.lower(): name for name in _HELD}
    unknown = [each for each in held if each.strip().lower() not in names]
    found = _KEYS.get(key.strip().lower())
    if unknown or found is None:
        raise SettingsError(f"'{text}' is no key that every keyboard has.", code="key")
    down = {names[each.strip().lower()] for each in held}
    if "Shift" in down and not (found.isalpha() or found in _NAMED):
        raise SettingsError(f"What '{text}' types depends on the keyboard.", code="key")
    if {"Ctrl", "Alt"} <= down:
        raise SettingsError(f"'{text}' types a character on some keyboards.", code="key")
    return "+".join([*(name for name in _HELD if name in down), found])
