"""The keys that the user has chosen, and whose key is whose."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from viewer.actions.keys import keys_of, owner_of, with_key
from viewer.actions.table import ACTIONS

IDS = [action.id for action in ACTIONS]


def test_usual_keys_are_those_of_the_table() -> None:
    assert keys_of({}) == {action.id: action.shortcut for action in ACTIONS}


def test_an_action_gets_a_key_that_is_free() -> None:
    assert owner_of("K", {}) is None
    assert keys_of(with_key("input.seen", "K", {}))["input.seen"] == "K"


def test_a_key_that_is_taken_goes_over() -> None:
    assert owner_of("N", {}, but="input.seen").id == "view.invert"
    chosen = with_key("input.seen", "N", {})
    assert chosen == {"input.seen": "N", "view.invert": ""}
    assert keys_of(chosen)["input.seen"] == "N"
    assert keys_of(chosen)["view.invert"] == ""


def test_what_is_as_it_was_is_not_kept() -> None:
    chosen = with_key("input.seen", "K", {})
    assert with_key("input.seen", "I", chosen) == {}


def test_names_of_another_version_are_passed_over() -> None:
    assert keys_of({"gone.action": "N"}) == keys_of({})


@given(st.dictionaries(st.sampled_from(IDS), st.sampled_from(["", "N", "I", "Ctrl+K", "F9", "K"])))
def test_no_key_ever_does_two_things(chosen: dict[str, str]) -> None:
    keys = [key for key in keys_of(chosen).values() if key]
    assert len(keys) == len(set(keys))
