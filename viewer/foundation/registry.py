"""Named things that plugins add. A name is taken once; the second taker is told, never silently preferred."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Generic, TypeVar

from viewer.foundation.errors import PluginError, UsageError

T = TypeVar("T")


_MANY = 16


def nearest(name: str, known: list[str]) -> str:
    """A half-sentence that offers the names closest to `name`, or what there is when none is close."""
    if not known:
        return "; there is none"
    if close := get_close_matches(str(name), known, n=3, cutoff=0.5):
        return f"; nearest: {', '.join(close)}"
    more = f" and {len(known) - _MANY} more" if len(known) > _MANY else ""
    return f"; there are: {', '.join(known[:_MANY])}{more}"


class Registry(Mapping[str, T], Generic[T]):
    """A read-mostly mapping from name to declaration.

    Parameters
    ----------
    kind : str
        What the names stand for, in the singular ("explainer"); used in messages.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._items: dict[str, T] = {}

    def add(self, name: str, item: T) -> None:
        """Register `item`.

        Raises
        ------
        PluginError
            When the name is taken by something else.
        """
        if name in self._items and self._items[name] is not item:
            raise PluginError(f"There are two {self.kind}s named '{name}'.", code="name-taken")
        self._items[name] = item

    def find(self, name: str) -> T:
        """The item of that name.

        Raises
        ------
        UsageError
            When there is none; the sentence offers the nearest names.
        """
        try:
            return self._items[name]
        except KeyError:
            raise UsageError(
                f"There is no {self.kind} '{name}'{nearest(name, list(self._items))}.",
                code=f"no-such-{self.kind}",
            ) from None

    def __getitem__(self, name: str) -> T:
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)
