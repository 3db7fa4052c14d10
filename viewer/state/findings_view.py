"""Several findings on one picture: a map and a colour for each that is probable. Frozen, made by pure functions.

Every map keeps the scale that it has when it is shown alone, so that the same raw value of a class is the same strength
of its colour. What is shown comes from the atlas; no network is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.state.class_colours import class_colour
from viewer.state.map_view import map_facts, map_scale
from viewer.state.may_read import Answer, MayRead, may_read
from viewer.state.method import method_of
from viewer.state.series_reading import SeriesReading
from viewer.state.session import Session
from viewer.state.veil import veil

Picture = NDArray[np.float32]
_WORST: tuple[Answer, ...] = ("no", "with care", "yes")


@dataclass(frozen=True, eq=False)
class FindingMap:
    """One probable finding.

    Attributes
    ----------
    number : its place among the classes of the model, from 1 on.
    colour : ``#rrggbb``, the same for this class on every picture.
    shown : whether its map is on the picture.
    values : (row, column) what speaks for it, raw values on the picture; None where there is no map.
    peak : (row, column) on the picture, pixel edges, where it is largest; None without a map.
    scale, scale_label : raw value of full colour, and what it is.
    may_read : the verdict on its map; None without one.
    missing : why there is no map; empty where there is.
    """

    name: str
    number: int
    colour: str
    probability: float
    shown: bool
    values: Picture | None = None
    peak: tuple[float, float] | None = None
    scale: float = 1.0
    scale_label: str = ""
    may_read: MayRead | None = None
    missing: str = ""


@dataclass(frozen=True, eq=False)
class FindingsView:
    """The maps of all probable findings of a slice.

    Attributes
    ----------
    entries : in the order of the classes.
    least : probability from which on a finding has a map.
    verdict : of everything that is shown, in one.
    """

    entries: tuple[FindingMap, ...]
    least: float
    verdict: MayRead

    @property
    def drawn(self) -> tuple[FindingMap, ...]:
        """What is on the picture."""
        return tuple(entry for entry in self.entries if entry.shown and entry.values is not None)


def may_be_together(session: Session) -> bool:
    """Whether the loaded model has findings that can be there together."""
    model = session.model
    return model is not None and model.card.task == "multilabel" and len(model.card.classes) > 1


def probable(session: Session, reading: SeriesReading, index: int) -> tuple[int, ...]:
    """Indices of the classes that have a map: at least as probable on the slice as was asked for."""
    assert session.model is not None
    count, least = len(session.model.card.classes), session.findings.least
    return tuple(number for number in range(count) if reading.probability(index, number) >= least)


def findings_view(session: Session, draw: Callable[[Picture], Picture]) -> FindingsView | None:
    """The maps of all probable findings on the shown slice; None where one class alone is looked at.

    Parameters
    ----------
    draw : a map on its own grid -> on the picture.
    """
    reading, index, model = session.reading, session.view.slice, session.model
    if not session.findings.together or not may_be_together(session) or reading is None or model is None:
        return None
    if index not in reading.filled or session.judgement is None or veil(session):
        return None
    entries = tuple(
        _entry(session, reading, index, number, draw) for number in probable(session, reading, index)
    )
    return FindingsView(entries, session.findings.least, _verdict(session, entries))


def _entry(
    session: Session,
    reading: SeriesReading,
    index: int,
    target: int,
    draw: Callable[[Picture], Picture],
) -> FindingMap:
    assert session.model is not None
    assert session.judgement is not None
    card, method = session.model.card, method_of(session)
    name, p = card.classes[target], reading.probability(index, target)
    shown = name not in session.findings.hidden
    head = (name, target + 1, class_colour(card.classes, name), p, shown)
    signed = reading.atlas.signed(method.layer, target, method.shown_key, index)
    if signed is None:
        return FindingMap(*head, missing=f"{method.info.title} is not computed for it")
    raw = np.maximum(signed, 0)
    scale, label = map_scale(session, reading, session.choice.layer, raw, target)
    verdict = may_read(map_facts(session, reading, index, signed, target), session.judgement.applicability)
    values = draw(raw)
    at = np.unravel_index(int(values.argmax()), values.shape)
    peak = (float(at[0]) + 0.5, float(at[1]) + 0.5) if values.any() else None
    return FindingMap(*head, values, peak, scale, label, verdict)


def _verdict(session: Session, entries: tuple[FindingMap, ...]) -> MayRead:
    """What holds for every shown map is said once, what holds for one under its name."""
    verdicts = [(e.name, e.may_read) for e in entries if e.shown and e.may_read is not None]
    if not verdicts:
        none = f"no finding has p of at least {session.findings.least:.2f} here"
        return MayRead("with care", (none if not entries else "no map is shown",))
    everywhere = [
        reason
        for reason in verdicts[0][1].reasons
        if all(reason in found.reasons for _, found in verdicts) and len(verdicts) > 1
    ]
    answer = min((found.answer for _, found in verdicts), key=_WORST.index)
    own = [
        f"{name}: {reason}" if len(verdicts) > 1 else reason
        for wanted in _WORST[:2]
        for name, found in verdicts
        if found.answer == wanted
        for reason in found.reasons
        if reason not in everywhere
    ]
    if answer == "yes":
        together = ", ".join(f"{name} {reading_p(entries, name):.2f}" for name, _ in verdicts)
        own = [f"the model was made for such images; p of the findings shown: {together}"]
    return MayRead(answer, (*everywhere, *own))


def reading_p(entries: tuple[FindingMap, ...], name: str) -> float:
    """Probability of a finding on the slice."""
    return next(entry.probability for entry in entries if entry.name == name)


def legend_head(found: FindingsView) -> str:
    """What the legend of several findings says above them."""
    if not found.entries:
        return f"no finding with p \u2265 {found.least:.2f}"
    return f"p \u2265 {found.least:.2f}; colour from transparent to full"


def legend_words(entry: FindingMap) -> str:
    """``2 Cardiomegaly  p 0.93  full 1.7 (model reference)``."""
    words = f"{entry.number} {entry.name}  p {entry.probability:.2f}"
    if entry.missing:
        return f"{words}  {entry.missing}"
    if not entry.shown:
        return f"{words}  hidden"
    warned = entry.may_read is not None and entry.may_read.answer == "no"
    return f"{words}  full {entry.scale:.3g} ({entry.scale_label})" + ("  do not read" if warned else "")
