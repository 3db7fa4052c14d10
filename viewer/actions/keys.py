"""Which key does which action: those of the table, and in their place those that the user has chosen."""

from __future__ import annotations

from collections.abc import Mapping

from viewer.actions.action import Action
from viewer.actions.table import ACTIONS
from viewer.state.session import Session


def keys_of(chosen: Mapping[str, str]) -> dict[str, str]:
    """Action id -> its key, empty for none. A key that two would have is the first one's; the user's own go first.

    Parameters
    ----------
    chosen : action id -> the key that the user wants in place of the usual one.
    """
    taken: set[str] = set()
    found = {action.id: "" for action in ACTIONS}
    for own in (True, False):
        for action in ACTIONS:
            if (action.id in chosen) is own:
                key = chosen.get(action.id, action.shortcut)
                if key and key not in taken:
                    found[action.id] = key
                    taken.add(key)
    return found


def second_keys_of(chosen: Mapping[str, str]) -> dict[str, str]:
    """Action id -> another key that does the same, where no action has that one."""
    taken = set(keys_of(chosen).values())
    return {action.id: action.second for action in ACTIONS if action.second and action.second not in taken}


def key_of(session: Session, identity: str) -> str:
    """The key of one action, as text; empty for none."""
    return keys_of(session.settings.shortcuts)[identity]


def owner_of(key: str, chosen: Mapping[str, str], but: str = "") -> Action | None:
    """The action that a key does already, other than `but`."""
    keys = keys_of(chosen)
    return next((action for action in ACTIONS if key and action.id != but and keys[action.id] == key), None)


def with_key(identity: str, key: str, chosen: Mapping[str, str]) -> dict[str, str]:
    """What is chosen when an action gets a key, which whoever has it loses."""
    usual = {action.id: action.shortcut for action in ACTIONS}
    wanted = {**chosen, identity: key}
    if (other := owner_of(key, chosen, but=identity)) is not None:
        wanted[other.id] = ""
    return {name: value for name, value in wanted.items() if value != usual.get(name)}
