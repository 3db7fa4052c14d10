"""Finding an action by a few letters of its words: what the command palette lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from viewer.actions.action import Action
from viewer.state.session import Session

_WHOLE, _START, _INSIDE, _SCATTERED = 32, 30, 16, 4
"""Worth of a whole word, of letters that begin one, stand together inside one, or are only there in their order."""
_ALSO_WHOLE, _ALSO_START = 31, 22
"""Worth of a word that others have for it: who types all of one means it; its beginning may begin another as well."""
_BOTH = 1
"""What a word is worth more that the action has and that others have for it: it is the one that is meant by it."""
_BY_TIP = 2
"""Worth of a word that only the tooltip, or the name of the menu, has."""
_SPREAD = 2
"""Scattered letters lie within so many times their number: else every long sentence has them."""


@dataclass(frozen=True)
class Found:
    """An action that fits what was typed.

    Attributes
    ----------
    words : as menus show it now.
    hits : positions in `words` of the letters that were typed.
    by : words that others have for it by which it was found, empty where its own do.
    why_not : why it cannot be done now; empty when it can, or where nothing is known.
    enabled : whether it can be done now.
    """

    action: Action
    words: str
    hits: tuple[int, ...]
    by: str
    why_not: str
    enabled: bool


def find(typed: str, actions: Sequence[Action], session: Session) -> tuple[Found, ...]:
    """The actions that fit, the best first; among equals those that can be done now, then the order of the table.

    Every word that was typed must be found: at the beginning of a word of the action, inside one, as a word that
    others have for it, or with its letters in their order; else in the tooltip or as the name of the menu. What has a
    word only by scattered letters is listed where nothing fits better. Upper and lower case are the same.
    """
    rated: list[tuple[float, bool, int, Found]] = []
    scattered: list[Found] = []
    for place, action in enumerate(action for action in actions if action.shown(session)):
        words = action.words(session)
        worth, least, hits, by = 0.0, float(_WHOLE), set[int](), list[str]()
        for word in typed.lower().split():
            value, at, other = _best(word, words.lower(), action)
            if not value:
                break
            worth, least = worth + value, min(least, value)
            hits.update(at)
            by += [other] if other and other not in by else []
        else:
            enabled = action.is_enabled(session)
            found = Found(action, words, tuple(sorted(hits)), " ".join(by), action.reason(session), enabled)
            rated.append((-worth, not enabled, place, found))
            if least == _SCATTERED:
                scattered.append(found)
    listed = [found for *_, found in sorted(rated, key=lambda one: one[:3])]
    better = [found for found in listed if found not in scattered]
    return tuple(better or listed)


def _best(word: str, text: str, action: Action) -> tuple[float, tuple[int, ...], str]:
    """How well a typed word fits an action, where its letters are in `text`, and the other word by which it does."""
    value, at = _fit(word, text)
    tipped = any(said.startswith(word) for said in f"{action.tip} {action.menu}".lower().split())
    if not value and tipped:
        value = _BY_TIP
    others = action.also.split()
    other = word if word in others else next((other for other in others if other.startswith(word)), "")
    also = 0 if not other else _ALSO_WHOLE if other == word else _ALSO_START
    if value >= _INSIDE and also:
        return max(value, also) + _BOTH, at, ""
    return (also, (), other) if also > value else (value, at, "")


def _fit(word: str, text: str) -> tuple[float, tuple[int, ...]]:
    """How well a typed word fits, 0 for not at all, and where its letters are."""
    starts = [n for n in range(len(text)) if n == 0 or not text[n - 1].isalnum()]
    for start in starts:
        if text.startswith(word, start):
            # The earlier in the text and the more of its word, the better.
            end = start + len(word)
            whole = end == len(text) or not text[end].isalnum()
            return (_WHOLE if whole else _START) - 0.1 * starts.index(start), tuple(range(start, end))
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
    return best if best and best[-1] - best[0] <= _SPREAD * len(word) else ()
