"""What holds for every row of the table, and for an empty session."""

from __future__ import annotations

from collections import Counter

import pytest

from viewer.actions.action import Action
from viewer.actions.table import ACTIONS
from viewer.state.session import Session

by_id = pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)


def test_names_are_unique() -> None:
    assert [name for name, count in Counter(a.id for a in ACTIONS).items() if count > 1] == []


def test_no_key_means_two_things() -> None:
    keys = Counter(a.shortcut for a in ACTIONS if a.shortcut)
    assert [key for key, count in keys.items() if count > 1] == []


def test_the_rows_of_a_menu_stand_together() -> None:
    menus = [action.menu for action in ACTIONS]
    assert menus == sorted(menus, key=menus.index)


@by_id
def test_a_row_does_one_thing_and_says_what(action: Action) -> None:
    assert (action.verb is None) != (action.dialog is None)
    assert action.text
    assert action.tip.endswith(".")


@by_id
def test_a_row_asks_the_state_alone(action: Action) -> None:
    session = Session()
    assert action.enabled(session) in (True, False)
    if action.checked is not None:
        assert action.checked(session) in (True, False)


def test_without_a_case_nothing_can_be_done_to_one() -> None:
    session = Session()
    open_to_all = {action.id for action in ACTIONS if action.is_enabled(session)}
    assert {"case.open-file", "case.open-folder", "case.open-demo", "help.about"} <= open_to_all
    assert not {a.id for a in ACTIONS if a.menu in ("Map", "Input", "Boxes")} & open_to_all
