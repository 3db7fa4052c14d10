"""An explanation on demand as the window shows it, and what a loaded network can be asked. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Stage = Literal["offered", "running", "stopped", "series", "refused"]

AT_ONCE = 3.0
"""Seconds: an explanation that takes no longer begins by itself; a longer one waits for a button."""


@dataclass(frozen=True)
class Asking:
    """The explanation of the shown slice that is not there yet, or not wholly.

    Attributes
    ----------
    stage : ``offered`` it waits for the user, perhaps with a coarse map; ``running``; ``stopped`` what is there stays,
        and it can go on; ``series`` the shown slice is done and the others are made; ``refused`` it does not exist.
    done, total : rounds of the slice, or slices of the series.
    unit : of these, in words.
    started : `time.monotonic` when this run began.
    done_before : rounds that were there when it began.
    seconds : estimate for what is left; None where nobody knows.
    sentence : why it is refused.
    """

    stage: Stage
    done: int = 0
    total: int = 0
    unit: str = ""
    started: float = 0.0
    done_before: int = 0
    seconds: float | None = None
    sentence: str = ""


@dataclass(frozen=True)
class Support:
    """What a loaded network can be asked.

    Attributes
    ----------
    model : as it was asked for: id or folder.
    reasons : layer -> explainer -> why it does not exist there, as a sentence.
    pass_seconds : measured time of one forward and one backward pass.
    seconds : explainer -> measured time of what its declaration calls one pass.
    """

    model: str
    reasons: Mapping[str, Mapping[str, str]]
    pass_seconds: float
    seconds: Mapping[str, float] = field(default_factory=dict)


def time_words(seconds: float) -> str:
    """A time as one says it."""
    if seconds < 1:
        return "less than a second"
    if seconds < 90:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


def asking_words(asking: Asking, now: float) -> str:
    """What is going on, how far and how long."""
    count = f"{asking.done} / {asking.total} {asking.unit}".strip()
    if asking.stage == "refused":
        return asking.sentence
    if asking.stage == "offered" and asking.done:
        return "coarse" if asking.seconds is None else f"coarse, {time_words(asking.seconds)} more"
    if asking.stage == "offered":
        return "not computed" if asking.seconds is None else f"{time_words(asking.seconds)} on this slice"
    if asking.stage == "stopped":
        return f"stopped at {asking.done} of {asking.total} {asking.unit}".strip()
    made = asking.done - asking.done_before
    if made > 0 and now - asking.started > 0.5:
        left = (now - asking.started) / made * (asking.total - asking.done)
        return f"{count}, {time_words(left)} left"
    if asking.seconds is not None and asking.stage == "running":
        return f"{count}, {time_words(asking.seconds)}"
    return count
