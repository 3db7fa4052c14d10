"""What a few letters find, in which order, and what is said of that which cannot be done now."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.actions.action import Action
from viewer.actions.finding import find
from viewer.actions.table import ACTIONS
from viewer.state.session import Session


def first(typed: str) -> str:
    return find(typed, ACTIONS, Session())[0].action.id


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("mirror", "input.mirror"),
        ("mir inp", "input.mirror"),
        ("inp mir", "input.mirror"),
        ("SAVE FIG", "case.save-figure"),
        ("svfig", "case.save-figure"),
        ("next slice", "view.next-slice"),
        ("demo", "case.open-demo"),
    ],
)
def test_a_few_letters_find_it(typed: str, wanted: str) -> None:
    assert first(typed) == wanted


def test_a_word_that_only_the_tooltip_has_is_found_last() -> None:
    found = find("synthetic", ACTIONS, Session())
    assert "case.open-demo" in {one.action.id for one in found}


def test_letters_that_nothing_has_find_nothing() -> None:
    assert find("xqzv", ACTIONS, Session()) == ()


def test_without_letters_everything_is_there_and_what_can_be_done_first() -> None:
    found = find("  ", ACTIONS, Session())
    assert {one.action for one in found} == {action for action in ACTIONS if action.shown(Session())}
    able = [one.enabled for one in found]
    assert able == sorted(able, reverse=True)


def test_what_cannot_be_done_says_why() -> None:
    [saving] = [one for one in find("save figure", ACTIONS, Session()) if one.action.id == "case.save-figure"]
    assert not saving.enabled
    assert saving.why_not == "No image is open."


@given(st.text(alphabet="abcdefgmst ", max_size=8))
def test_the_hits_are_the_letters_that_were_typed(typed: str) -> None:
    for one in find(typed, ACTIONS, Session()):
        if one.hits:
            assert {one.words[n].lower() for n in one.hits} <= set(typed)


@given(st.text(max_size=12))
def test_anything_may_be_typed(typed: str) -> None:
    assert len(find(typed, ACTIONS, Session())) <= len(ACTIONS)


def test_a_longer_beginning_of_the_words_is_not_worth_less_than_scattered_letters() -> None:
    def row(identity: str, text: str) -> Action:
        return Action(identity, text, "View", "Tip.", lambda _: None)

    rows = (row("a", "Spread the pale ink"), row("b", "Undo it"), row("c", "Spin"))
    assert find("spi", rows, Session())[0].action.id == "c"
