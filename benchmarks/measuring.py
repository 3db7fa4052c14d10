"""How a time is taken, and what a line of the report is."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Task = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One comparison, or one amount of our own when there is no peer.

    Attributes
    ----------
    what : in words.
    ours, peer : in `unit`; `peer` None without one.
    peer_name : who it is compared with.
    goal : in words, empty when there is none.
    met : whether the goal is met; None without one.
    unit : ``ms``, or ``bytes`` of memory.
    """

    what: str
    ours: float
    peer_name: str = ""
    peer: float | None = None
    goal: str = ""
    met: bool | None = None
    unit: Literal["ms", "bytes"] = "ms"

    @property
    def ratio(self) -> float | None:
        return None if self.peer is None else self.peer / self.ours


@dataclass(frozen=True)
class Agreement:
    """That both sides compute the same: without it a ratio of times means nothing.

    Attributes
    ----------
    what : which results are compared with whose.
    difference : the largest one, as a share of the map's maximum.
    allowed : what it may be.
    """

    what: str
    difference: float
    allowed: float

    @property
    def holds(self) -> bool:
        return self.difference <= self.allowed


@dataclass(frozen=True)
class Report:
    """What a benchmark found."""

    agreements: tuple[Agreement, ...]
    rows: tuple[Row, ...]


def compared(what: str, ours: float, peer_name: str, peer: float, least: float | None = None) -> Row:
    """A row with the goal of being at least `least` times as fast as the peer."""
    if least is None:
        return Row(what, ours, peer_name, peer)
    return Row(what, ours, peer_name, peer, f">= {least:g}x", peer / ours >= least)


def best_of(tasks: Sequence[Task], *, repeats: int = 5, warm: int = 1) -> list[float]:
    """Milliseconds of each task: the best of some interleaved repeats, because disturbance only ever adds time.

    Interleaved, so that a slow minute of the machine falls on all of them. With one thread it is the processor's time,
    which does not count what other programs took; with several it is the wall's.
    """
    import torch

    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    for task in tasks:
        for _ in range(warm):
            task()
    best = [float("inf")] * len(tasks)
    for _ in range(repeats):
        for number, task in enumerate(tasks):
            gc.collect()
            start = clock()
            task()
            best[number] = min(best[number], (clock() - start) * 1e3)
    return best


def in_markdown(name: str, report: Report) -> str:
    """The report as a section of text."""
    lines = [f"### {name}", "", "| same results | largest difference | allowed |", "|---|---|---|"]
    lines += [
        f"| {a.what} | {a.difference:.1e} of the maximum | {a.allowed:.0e}{'' if a.holds else ' **EXCEEDED**'} |"
        for a in report.agreements
    ]
    if not report.agreements:
        lines = lines[:2]
    else:
        lines.append("")
    lines += ["| | WhySlice | peer | ratio | goal |", "|---|---|---|---|---|"]
    for row in report.rows:
        peer = "" if row.peer is None else f"{row.peer_name} {_amount(row.peer, row.unit)}"
        ratio = "" if row.ratio is None else f"{row.ratio:,.{0 if row.ratio >= 100 else 1}f}x"
        goal = row.goal if row.met is None else f"{row.goal} {'met' if row.met else '**MISSED**'}"
        lines.append(f"| {row.what} | {_amount(row.ours, row.unit)} | {peer} | {ratio} | {goal} |")
    return "\n".join(lines)


def _amount(value: float, unit: str) -> str:
    return _time(value) if unit == "ms" else f"{value / 2**20:.0f} MB"


def _time(milliseconds: float) -> str:
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.2f} s"
    return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.3f} ms"
