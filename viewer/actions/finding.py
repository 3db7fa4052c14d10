"""Finding an action by a few letters of its words: what the command palette lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from viewer.actions.action import Action
from viewer.state.session import Session

_START, _INSIDE, _SCATTERED = 30, 16, 4
"""Worth of letters that begin a word, stand together inside one, or are only there in their order."""
_BY_TIP = 2
"""Worth of a word that only the tooltip, or the name of the menu, has."""


@dataclass(frozen=True)
class Found:
    """An action that fits what was typed.

    Attributes
    ----------
    words : as menus show it now.
    hits : positions in `words` of the letters that were typed.
    why_not : why it cannot be done now; empty when it can, or where nothing is known.
    enabled : whether it can be done now.
    """

    action: Action
    words: str
    hits: tuple[int, ...]
    why_not: str
    enabled: bool


def find(typed: str, actions: Sequence[Action], session: Session) -> tuple[Found, ...]:
    """The actions that fit, the best first; among equals those that can be done now, then the order of the table.

    Every word that was typed must be found: at the beginning of a word of the action, inside one, or with its letters
    in their order; else in the tooltip or as the name of the menu. Upper and lower case are the same.
    """
    rated: list[tuple[float, bool, int, Found]] = []
    for place, action in enumerate(action for action in actions if action.shown(session)):
        words = action.words(session)
        worth, hits = 0.0, set[int]()
        for word in typed.lower().split():
            value, at = _fit(word, words.lower())
            if not value and (word in action.tip.lower() or action.menu.lower().startswith(word)):
                value = _BY_TIP
            if not value:
                break
            worth += value
            hits.update(at)
        else:
            enabled = action.is_enabled(session)
            found = Found(action, words, tuple(sorted(hits)), action.reason(session), enabled)
            rated.append((-worth, not enabled, place, found))
    return tuple(found for *_, found in sorted(rated, key=lambda one: one[:3]))


def _fit(word: str, text: str) -> tuple[float, tuple[int, ...]]:
    """How well a typed word fits, 0 for not at all, and where its letters are."""
    starts = [n for n in range(len(text)) if n == 0 or not text[n - 1].isalnum()]
    for start in starts:
        if text.startswith(word, start):
            # The earlier in the text and the more of its word, the better.
            return _START - 0.1 * starts.index(start), tuple(range(start, start + len(word)))
    if (start := text.find(word)) >= 0:
        return _INSIDE, tuple(range(start, start + len(word)))
    scattered = _scattered(word, text, starts)
    return (_SCATTERED, scattered) if scattered else (0.0, ())


def _scattered(word: str, text: str, starts: Sequence[int]) -> tuple[int, ...]:
    """Positions of the letters in their order, from the beginning of a word on and close together; empty for none."""
    best: tuple[int, ...] = ()
    for start in starts:
        at, places = start, list[int]()
        for letter in word:
            at = text.find(letter, at)
            if at < 0:
                break
            places.append(at)
            at += 1
        else:
            spread = places[-1] - places[0]
            if places[0] == start and (not best or spread < best[-1] - best[0]):
                best = tuple(places)
    return best if best and best[-1] - best[0] <= 4 * len(word) else ()
