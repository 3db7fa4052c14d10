"""Which keys may be chosen, and the one way that they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.actions.table import ACTIONS
from viewer.foundation.errors import SettingsError
from viewer.foundation.keys import typeable


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("shift+ctrl+z", "Ctrl+Shift+Z"),
        ("ctrl++", "Ctrl++"),
        ("+", "+"),
        ("f11", "F11"),
        (" Ctrl + K ", "Ctrl+K"),
        ("", ""),
        ("pgdown", "PgDown"),
    ],
)
def test_a_key_is_written_in_one_way(text: str, wanted: str) -> None:
    assert typeable(text) == wanted


@pytest.mark.parametrize(
    "text", ["[", "Ctrl+{", "Shift+1", "Shift++", "Ctrl+Alt+E", "Ä", "Hyper+A", "Ctrl+", "K, S", "F40", "ß"]
)
def test_what_some_keyboard_cannot_type_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"keyboard"):
        typeable(text)


def test_every_key_of_the_table_is_typeable_and_written_so() -> None:
    for action in ACTIONS:
        assert typeable(action.shortcut) == action.shortcut


@given(st.text(max_size=10))
def test_whatever_is_accepted_is_accepted_again_as_it_is_written(text: str) -> None:
    try:
        found = typeable(text)
    except SettingsError:
        return
    assert typeable(found) == found
