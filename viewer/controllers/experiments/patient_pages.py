"""The pages of a patient: a summary, and every slice with its map."""

from __future__ import annotations

import numpy as np

from viewer.controllers.experiments.pages import refused
from viewer.controllers.experiments.patient_reading import Interval, PatientReading, SliceReading
from viewer.controllers.experiments.series import MOST, spread_over, tiles
from viewer.explainers.declaration import EXPLAINERS
from viewer.reporting.page_content import (
    Block,
    Page,
    PageCurve,
    PagePanel,
    PageRow,
    PageTable,
    PageWords,
    in_rows,
)
from viewer.state.display import is_flipped

WIDTH, HEIGHT = 8.27, 11.69
"""Of A4 paper, inches."""
_PICTURES, _ROWS = 6, 8
"""Pictures of a row, and lines of the table on the first page."""
_HEAD = ("slice", "position", "p", "dropout", "side", "peak, LPS mm", "map, ml")
_SHARES = (0.6, 0.9, 0.6, 1.1, 1.7, 1.5, 0.8)
_ACROSS = 8
_MEANS = (
    "p is the output of the network and no chance of a disease. Millimetres of a side are from the middle of the body. "
    "ml is where the map is drawn, and no volume of a lesion. Dropout passes say how much the network wavers, and "
    "nothing about unfamiliar scans."
)


def patient_pages(found: PatientReading, person: str = "") -> tuple[Page, ...]:
    """The summary and, on further pages, the rest of its table and every slice.

    Parameters
    ----------
    person : who it is; empty while patient data is hidden.
    """
    asked = found.asked
    title = f"Patient summary: {asked.class_name}"
    chief = chief_slices(found)
    lines = told(found)
    blocks: list[Block] = [
        PageWords(tuple(lines), "plain" if asked.fit.verdict == "applies" else "caution"),
        _curve(found),
    ]
    if asked.refusal:
        blocks[:1] = [*refused(asked), PageWords(tuple(lines[1:]), "caution")]
    if chief:
        blocks.append(
            PageRow(
                tuple(_panel(found, each) for each in _shown(chief)),
                _pictures_heading(found, len(chief)),
                _PICTURES,
            )
        )
        blocks.append(_table(found, chief[:_ROWS]))
    blocks += _second_look(found)
    first = Page(
        title,
        tuple(blocks),
        f"What {asked.card.id} says of this patient, and where it looks.",
        (*asked.facts({asked.explainers[0]: found.scale}, place=_place(found)), ("numbers", _MEANS)),
        person,
        WIDTH,
        HEIGHT,
    )
    return (first, _every_slice(found, chief[_ROWS:], title, person))


def _place(found: PatientReading) -> str:
    count = len(found.slices)
    return f"{count} {found.asked.case.plane.name} slices" if count > 1 else "one picture"


def told(found: PatientReading) -> list[str]:
    """The patient in sentences; of a model that was not made for the image the number alone, after the refusal."""
    asked, name = found.asked, found.asked.class_name
    verdict = "called" if found.probability >= found.threshold else "not called"
    head = f"{name}: p {found.probability:.2f} for the patient"
    if asked.refusal:
        return [asked.refusal, f"{head}, which is no finding."]
    head += f", {verdict} {name} (from {found.threshold:g} on)."
    rule = f"Rule: {found.rule}" + (
        "." if found.peak is None else f", which is slice {found.peak + 1} of {len(found.slices)}."
    )
    sure = (
        f"{found.passes} dropout passes {_interval_words(found.interval)}."
        if found.interval
        else "The network has no dropout to measure how much it wavers."
        if not found.drops_out
        else ""
    )
    lines = [f"{head} {rule} {sure}".strip()]
    if not asked.whole:
        called = found.called
        lines.append(
            f"Called: {len(called)} of {len(found.slices)} slices ({_ranges([each.index for each in called])})."
            if called
            else f"None of {len(found.slices)} slices is called."
        )
    places = [each for each in chief_slices(found) if each.place is not None]
    if places:
        lines.append(f"Where: {_sides(places)}. {_ml_words(found)}".rstrip())
    focused = found.focused
    if not asked.whole:
        lines.append(
            f"{len(focused)} {'slice is' if len(focused) == 1 else 'slices are'} not called, yet "
            f"{'its' if len(focused) == 1 else 'their'} map has one small focus: "
            f"{_ranges(sorted(each.index for each in focused))}. Worth a second look."
            if focused
            else "No slice that is not called has a map with a small focus."
        )
    return lines


def chief_slices(found: PatientReading) -> list[SliceReading]:
    """Slices that are called; of a volume those that hold most of the map, as many as hold half of it."""
    if not found.asked.whole:
        return list(found.called)
    mass = found.maps.reshape(len(found.maps), -1).sum(axis=1)
    if not mass.any():
        return []
    order = np.argsort(-mass, kind="stable")
    count = int(np.searchsorted(np.cumsum(mass[order]), mass.sum() / 2) + 1)
    return [found.slices[index] for index in sorted(int(n) for n in order[:count])]


def _shown(chief: list[SliceReading]) -> list[SliceReading]:
    """Those for which there is room, in order."""
    best = sorted(chief, key=lambda each: (-each.probability, -(each.drawn_ml or 0.0)))[:_PICTURES]
    return sorted(best, key=lambda each: each.index)


def _pictures_heading(found: PatientReading, count: int) -> str:
    what = "slices with half of the map" if found.asked.whole else "called slices"
    which = "those with most of it" if found.asked.whole else "the most probable"
    shown = f", {_PICTURES} of {count}: {which}" if count > _PICTURES else ""
    return f"{what}{shown}; the ring is the map's peak"


def _panel(found: PatientReading, each: SliceReading) -> PagePanel:
    asked = found.asked
    signed = asked.made().signed if found.signed is None else found.signed[each.index]
    p = "" if asked.whole else f"p {each.probability:.2f}{_interval_note(each.interval)}\n"
    panel = asked.drawn(
        *(found.maps[each.index], signed, asked.explainers[0], asked.target, found.scale),
        f"slice {each.index + 1}",
        note=f"{p}{each.place.words if each.place else 'nothing drawn'}",
        probability=each.probability,
        index=each.index,
    )
    ring = None
    if each.place is not None:
        columns = panel.content.picture.shape[1]
        column = each.place.column + 0.5
        flipped = is_flipped(asked.case.plane, asked.order.look.convention)
        ring = (each.place.row + 0.5, columns - column if flipped else column)
    return PagePanel(panel.content, panel.title, panel.note, panel.care, ring)


def _table(found: PatientReading, rows: list[SliceReading], heading: str = "") -> PageTable:
    return PageTable(_HEAD, tuple(_cells(found, each) for each in rows), heading, _SHARES)


def _cells(found: PatientReading, each: SliceReading) -> tuple[str, ...]:
    place = each.place
    return (
        str(each.index + 1),
        "-" if each.z_mm is None else f"{each.z_mm:.0f} mm",
        "-" if found.asked.whole else f"{each.probability:.2f}",
        "-" if each.interval is None else _interval_words(each.interval),
        place.words if place else "-",
        "-" if place is None or place.lps_mm is None else ", ".join(f"{n:.0f}" for n in place.lps_mm),
        "-" if each.drawn_ml is None else f"{each.drawn_ml:.1f}",
    )


def _curve(found: PatientReading) -> PageCurve:
    asked, slices = found.asked, found.slices
    if asked.whole:
        mass = found.maps.reshape(len(found.maps), -1).sum(axis=1)
        share = mass / mass.sum() if mass.any() else mass
        return PageCurve(np.asarray(share, dtype=np.float32), "share of the map", "where the map lies")
    p = np.array([each.probability for each in slices], dtype=np.float32)
    low = high = None
    words = ""
    if all(each.interval is not None for each in slices):
        low, high = (
            np.array([each.interval[end] for each in slices if each.interval], dtype=np.float32)
            for end in (0, 1)
        )
        words = f"; bars: {found.passes} dropout passes, 2.5% to 97.5%"
    heading = f"every slice{words}; dashes: called from here on"
    return PageCurve(p, f"p({asked.class_name})", heading, low, high, found.threshold)


def _second_look(found: PatientReading) -> list[Block]:
    focused = found.focused[:_PICTURES]
    if not focused or found.asked.refusal:
        return []
    heading = "not called, yet the map has one small focus: worth a second look"
    return [PageRow(tuple(_panel(found, each) for each in focused), heading, _PICTURES)]


def _every_slice(found: PatientReading, rest: list[SliceReading], title: str, person: str) -> Page:
    asked = found.asked
    chosen = spread_over(len(found.maps), MOST + 18)
    probabilities = (
        None if asked.whole else np.array([each.probability for each in found.slices], dtype=np.float32)
    )
    panels = tiles(asked, chosen, found.maps, found.signed, probabilities, found.scale)
    shown = "every slice" if len(chosen) == len(found.maps) else f"{len(chosen)} of {len(found.maps)} slices"
    name = EXPLAINERS[asked.explainers[0]].title
    blocks: list[Block] = [_table(found, rest, "further called slices")] if rest else []
    blocks += in_rows(panels, _ACROSS, f"{shown}, with {name} of {asked.class_name}")
    return Page(title, tuple(blocks), person=person, width=WIDTH, height=HEIGHT)


def _interval_words(interval: Interval) -> str:
    return f"{interval[0]:.2f} to {interval[1]:.2f}"


def _interval_note(interval: Interval | None) -> str:
    return "" if interval is None else f" ({interval[0]:.2f}-{interval[1]:.2f})"


def _ranges(indices: list[int]) -> str:
    """Slices as a person counts them, neighbours together: ``3, 5 to 8``."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return ", ".join(str(run[0] + 1) if len(run) == 1 else f"{run[0] + 1} to {run[-1] + 1}" for run in runs)


def _sides(places: list[SliceReading]) -> str:
    """On which side the peaks lie, counted."""
    sides = [each.place.side for each in places if each.place]
    if not any(sides):
        return "the file does not say which side is which"
    words = {"left": "on the patient's left", "right": "on the patient's right", "middle": "near the middle"}
    return ", ".join(
        f"{sides.count(side)} of {len(sides)} peaks {said}" for side, said in words.items() if side in sides
    )


def _ml_words(found: PatientReading) -> str:
    ml = found.drawn_ml
    where = "" if found.asked.whole else " on the called slices"
    if ml is None:
        return "Sizes are not known." if len(found.slices) > 1 else ""
    return f"The map is drawn in {ml:.1f} ml{where} (from {found.drawn_from:.0%} of full colour on)."
