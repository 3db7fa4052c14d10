"""The page of an experiment: what was asked, the pictures, the number in words, what is needed to read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from viewer.controllers.experiments.asked import Asked, Scale
from viewer.controllers.experiments.declaration import EXPERIMENTS
from viewer.reporting.content import Level
from viewer.reporting.page_content import Block, Page, PageWords

_LEVELS: Mapping[str, Level] = {"doubtful": "caution", "fails": "stop"}
USE = "A map shows what the network reacted to, not what is wrong with the patient."


def page_of(
    name: str,
    asked: Asked,
    blocks: Sequence[Block],
    sentence: str,
    scales: Mapping[str, Scale] | None = None,
    *,
    level: str = "plain",
    width: float = 9.0,
    more: Sequence[tuple[str, str]] = (),
    maps: str = "",
) -> Page:
    """A page.

    Parameters
    ----------
    scales : explainer -> raw value of full colour, for the foot.
    level : of the sentence: a verdict of a check.
    more : facts for the foot.
    maps : as of `Asked.facts`.
    """
    info = EXPERIMENTS[name]
    facts = (*asked.facts(scales, maps), *more, ("picture", f"after {info.source}. {USE}"))
    words = PageWords((sentence,), _LEVELS.get(level, "plain"))
    return Page(info.title, (*refused(asked), *blocks, words), info.question, facts, width=width)


def refused(asked: Asked) -> tuple[Block, ...]:
    """What stands above everything on a page that must not be read; nothing on others."""
    return (PageWords((asked.refusal,), "stop"),) if asked.refusal else ()
