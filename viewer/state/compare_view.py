"""The Compare workspace: one slice, many maps, side by side on one scale. Frozen, made by pure functions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from viewer.explainers.declaration import EXPLAINERS, SMOOTHGRAD
from viewer.explainers.explainer_info import Value
from viewer.explainers.explanation import map_state
from viewer.models.applicability import NOT_MADE_FOR_IT
from viewer.models.card import CROPS, ModelCard
from viewer.state.canvas_view import Background, background_of
from viewer.state.case import judged
from viewer.state.comparing import MOST, Cell
from viewer.state.layers_view import STATES, is_outside
from viewer.state.map_view import shown_positive
from viewer.state.method import FIRST, Method, is_segmentation, method_named, segments_key, why_not
from viewer.state.planes_view import MapScale
from viewer.state.segment_lines import Lines, boundary_lines
from viewer.state.series_reading import Place, SeriesReading, Variant
from viewer.state.session import Session

NO_CASE = "Open an image: its maps are compared here."
NO_MODEL = "Choose a model: its maps are compared here."
NO_VOLUMES = "Of a network of volumes only explainers are compared: asking it anew takes long."
_USUAL = (*FIRST, "occlusion")
NOISES = (0.1, 0.2)
"""Standard deviations of the noise, as fractions of the input's range (Chrysoula 2023, section 4.6)."""
ALL_COMPARED = 3
"""Of more findings than these, improbable ones have no row."""


@dataclass(frozen=True, eq=False)
class CompareTile:
    """One map of the grid.

    Attributes
    ----------
    title : what it is a map of.
    words : probability and largest raw value, or what is the matter with the map.
    values : (row, column) on the picture, raw; None where there is none.
    map : what full colour means; None without a map.
    missing : why there is no map, in words.
    may_ask : whether pressing computes it.
    watermark : across the picture; empty for none.
    boundaries : where the segments of the map meet; None where there are none or none are wanted.
    """

    cell: Cell
    title: str
    words: str
    values: NDArray[np.float32] | None
    map: MapScale | None
    missing: str = ""
    may_ask: bool = False
    watermark: str = ""
    boundaries: Lines | None = None


@dataclass(frozen=True, eq=False)
class CompareView:
    """The Compare workspace.

    Attributes
    ----------
    rows : tiles, a row for each class.
    without : why there are none, in a sentence; empty where there are.
    title : what is compared, and what full colour means.
    chosen : whether the user chooses what is compared; the maps of a lesson are chosen for him.
    """

    rows: tuple[tuple[CompareTile, ...], ...]
    background: Background | None
    cursor: tuple[float, float] | None
    without: str
    title: str
    chosen: bool = True


@dataclass(frozen=True, eq=False)
class _Found:
    """The map of a cell before it has a scale."""

    cell: Cell
    card: ModelCard
    method: Method
    reading: SeriesReading | None
    target: int | None
    raw: NDArray[np.float32] | None
    segments: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Column:
    """A column of the grid: one way to make a map of a class.

    Attributes
    ----------
    settings : see `Cell`.
    """

    variant: Variant
    explainer: str
    title: str
    settings: tuple[tuple[str, Value], ...] | None = None


def columns(session: Session) -> tuple[Column, ...]:
    """Every column; empty where there is nothing to compare."""
    model, reading, choice = session.model, session.reading, session.choice
    if model is None or reading is None:
        return ()
    kind, chosen = session.comparing.kind, choice.explainer
    if kind == "explainers":
        names = session.comparing.explainers or tuple(dict.fromkeys((*_USUAL, chosen)))
        return tuple(Column(reading.variant, name, EXPLAINERS[name].title) for name in names)
    if kind == "noise":
        return _under_noise(session, reading.variant)
    if reading.whole:
        return ()
    card = model.card
    own = Variant(session.model_id, False, card.input.crop, choice.score, reading.variant.region)
    if kind == "models":
        return tuple(
            Column(replace(own, model=each.id, crop=each.input.crop), chosen, each.id)
            for each in applicable(session)
        )
    title = "as it is" if own.crop == "none" else f"crop: {own.crop}, as the model takes it"
    found = [
        Column(own, chosen, title),
        Column(replace(own, mirror=True), chosen, "mirrored input, map turned back"),
    ]
    if choice.erased:
        found.append(Column(replace(own, erased=choice.erased), chosen, "erased in part"))
    for rule in CROPS[2]:
        if rule != own.crop:
            words = "not cropped" if rule == "none" else f"crop: {rule}"
            found.append(Column(replace(own, crop=rule), chosen, words))
    return tuple(found)


def _under_noise(session: Session, variant: Variant) -> tuple[Column, ...]:
    """The chosen explainer as it is, and its mean over noisy copies of the input."""
    chosen = session.choice.explainer
    if chosen == SMOOTHGRAD:
        chosen = str(method_named(session, chosen, session.choice.layer).parameters["of"])
    of = next(parameter for parameter in EXPLAINERS[SMOOTHGRAD].parameters if parameter.name == "of")
    inner = chosen if chosen in of.choices else FIRST[0]
    title = EXPLAINERS[inner].title
    noisy = tuple(
        Column(
            variant,
            SMOOTHGRAD,
            f"{EXPLAINERS[SMOOTHGRAD].title} of {title}, {noise:.0%} noise",
            (("of", inner), ("noise", noise)),
        )
        for noise in NOISES
    )
    return (Column(variant, inner, title), *noisy)


def applicable(session: Session) -> tuple[ModelCard, ...]:
    """The loaded model, and the others on this machine that apply to the open case."""
    case, model = session.case, session.model
    if case is None or model is None:
        return ()
    mine = replace(model.card, id=session.model_id)
    others = [
        card
        for card in session.models
        if card.id != session.model_id
        and card.dims == 2
        and card.task != "segmentation"
        and card.weights is not None
        and judged(card, case.image, as_it_is=session.grid_as_it_is).may_run
    ]
    # Those that have the classes on show come first: others have nothing to put beside.
    others.sort(key=lambda card: not set(card.classes) & set(mine.classes))
    return (mine, *others)[:MOST]


def grid(session: Session) -> tuple[tuple[tuple[Cell, str], ...], ...]:
    """The cells of the grid with the titles of their columns, a row for each class."""
    if session.model is None:
        return ()
    return tuple(
        tuple((Cell(c.variant, c.explainer, target, c.settings), c.title) for c in columns(session))
        for target in compared_classes(session)
    )


def compared_classes(session: Session) -> tuple[str, ...]:
    """The classes that have a row: all of them; of many findings those that are probable here, and the chosen one."""
    assert session.model is not None
    card, reading, index = session.model.card, session.reading, session.view.slice
    if card.task != "multilabel" or len(card.classes) <= ALL_COMPARED:
        return card.classes
    probable = [
        name
        for number, name in enumerate(card.classes)
        if reading is not None
        and index in reading.filled
        and reading.probability(index, number) >= session.findings.least
    ]
    chosen = [session.choice.target] if session.choice.target in card.classes else list(card.classes[:1])
    wanted = {*probable, *chosen}
    return tuple(name for name in card.classes if name in wanted)


def reading_of(session: Session, variant: Variant) -> SeriesReading | None:
    """Where the maps of a variant of the open case are; None where nobody has asked for one."""
    for known in (session.reading, session.plain):
        if known is not None and known.variant == variant:
            return known
    return session.comparing.readings.get(variant)


def layer_of(session: Session, variant: Variant) -> str:
    """The layer that maps of a model lie on; empty until it is known."""
    if variant.model == session.model_id:
        return session.choice.layer
    return session.comparing.layers.get(variant.model, "")


def method_of_cell(session: Session, cell: Cell) -> Method:
    """The explainer of a cell with its parameters, on the layer of its model."""
    settings = None if cell.settings is None else dict(cell.settings)
    return method_named(session, cell.explainer, layer_of(session, cell.variant), settings)


def _found(session: Session, cell: Cell, cards: dict[str, ModelCard]) -> _Found:
    reading, card = reading_of(session, cell.variant), cards[cell.variant.model]
    method = method_of_cell(session, cell)
    target = card.classes.index(cell.target) if cell.target in card.classes else None
    raw, segments, index = None, None, session.view.slice
    if reading is not None and target is not None and index in reading.filled:
        signed = reading.atlas.signed(method.layer, target, method.key, index)
        raw = None if signed is None else shown_positive(signed, method)
        segments = reading.atlas.signed(method.layer, target, segments_key(method.key), index)
    return _Found(cell, card, method, reading, target, raw, segments)


def missing_variants(session: Session) -> tuple[Variant, ...]:
    """Other inputs and models whose answer on the shown slice is not there, or without the maps of a trace."""
    reading, index = session.reading, session.view.slice
    if reading is None or reading.whole or not _asks_anew(session) or is_segmentation(session):
        return ()
    cards = {card.id: card for card in applicable(session)}
    wanted: dict[Variant, bool] = {}
    for row in grid(session):
        for cell, _ in row:
            found = _found(session, cell, cards)
            there = found.reading is not None and index in found.reading.filled
            traced = not found.method.on_demand and found.target is not None
            if cell.variant != reading.variant and (not there or (traced and found.raw is None)):
                wanted[cell.variant] = True
    return tuple(v for v in wanted if (index, v) not in session.comparing.failed)


def missing_cells(session: Session) -> tuple[Cell, ...]:
    """Cells of the shown slice whose map is made on demand, is not there, and can be asked for."""
    if session.model is None or session.reading is None or is_segmentation(session):
        return ()
    cards, index = {card.id: card for card in applicable(session)}, session.view.slice
    failed = session.comparing.failed
    wanted = []
    for cell in (cell for row in grid(session) for cell, _ in row):
        found = _found(session, cell, cards)
        if found.raw is not None or found.target is None or found.reading is None:
            continue
        mine = cell.variant.model == session.model_id
        tried = (index, cell) in failed or (mine and why_not(session, cell.explainer))
        if found.method.on_demand and index in found.reading.filled and not tried:
            wanted.append(cell)
    return tuple(wanted)


def _asks_anew(session: Session) -> bool:
    """Whether what is compared takes other inputs or models, not only other maps of the chosen ones."""
    return session.comparing.kind in ("models", "inputs")


def compare_view(session: Session) -> CompareView:
    """The grid for the shown slice."""
    case, model = session.case, session.model
    view = session.view
    background = (
        None
        if case is None
        else background_of(case, view.slice, view.window, convention=view.convention, inverted=view.inverted)
    )
    without = ""
    if case is None or model is None:
        loading = f"Loading {session.model_id}." if session.model_id else NO_MODEL
        without = NO_CASE if case is None else loading
    elif session.reading is None:
        without = session.judgement.applicability.sentence if session.judgement else "not explained yet"
    elif session.reading.whole and _asks_anew(session):
        without = NO_VOLUMES
    elif is_segmentation(session):
        without = "Maps of a segmentation network depend on where it is asked: see them in Reading."
    if without or model is None:
        return CompareView((), background, view.cursor, without, "")
    cards = {card.id: card for card in applicable(session)}
    rows = [[(_found(session, cell, cards), title) for cell, title in row] for row in grid(session)]
    whole = [each for row in rows for each, _ in row]
    by_column = session.comparing.scale == "column"
    scales = [
        _scale(session, [row[number][0] for row in rows] if by_column else whole)
        for number in range(len(rows[0]))
    ]
    tiles = tuple(
        tuple(
            _tile(session, found, title, scale)
            for (found, title), (scale, _) in zip(row, scales, strict=True)
        )
        for row in rows
    )
    return CompareView(tiles, background, view.cursor, "", _title(session, scales, by_column))


def _scale(session: Session, cells: list[_Found]) -> tuple[MapScale, str]:
    """One scale for several maps, and what it is: the largest of what is known of each."""
    index, wanted, score = session.view.slice, session.overlay.scale, session.choice.score
    there = [each for each in cells if each.raw is not None]
    diverging = any(each.method.info.diverging for each in there)
    references = [each.card.reference(each.method.layer, each.cell.target, each.method.key) for each in there]
    if wanted == "reference" and score == "logit" and references and all(references):
        highest, label = max(r for r in references if r is not None), "largest model reference"
    elif wanted == "slice":
        highest = max((float(np.abs(each.raw).max()) for each in there if each.raw is not None), default=0.0)
        label = f"largest value on slice {index + 1}"
    else:
        extremes = [_extreme(each) for each in there]
        highest, label = max(extremes, default=0.0), "largest value explained so far"
    value = highest if highest > 0 else 1.0
    return MapScale(value, label, diverging), label


def _extreme(found: _Found) -> float:
    assert found.reading is not None
    assert found.target is not None
    atlas = found.reading.atlas
    extreme = atlas.series_reach if found.method.info.diverging else atlas.series_maximum
    return extreme(found.method.layer, found.target, found.method.key) or 0.0


def _title(session: Session, scales: list[tuple[MapScale, str]], by_column: bool) -> str:
    case = session.case
    assert case is not None
    labels = list(dict.fromkeys(label for _, label in scales))
    if by_column:
        colour = f"full colour: of each column its {' or '.join(labels)}"
    else:
        colour = f"full colour: {scales[0][0].scale:.3g} in all tiles ({labels[0]})"
    parts = [NOT_MADE_FOR_IT] if is_outside(session) else []
    parts += [colour]
    parts += [f"slice {session.view.slice + 1} / {case.slices}"] if case.slices > 1 else []
    if session.comparing.kind != "models":
        parts += [f"layer {session.choice.layer}"]
    if _asks_anew(session):
        parts += [method_named(session, session.choice.explainer, session.choice.layer).words]
    return " \u00b7 ".join(parts)


def _tile(session: Session, found: _Found, title: str, scale: MapScale) -> CompareTile:
    cell, reading, index = found.cell, found.reading, session.view.slice
    heading = f"{cell.target} \u00b7 {title}"
    if found.raw is None or reading is None:
        missing, may_ask = _missing(session, found)
        return CompareTile(cell, heading, "", None, None, missing, may_ask)
    drawn_on = reading.views[index]
    values = drawn_on.cells(found.raw) if session.overlay.true_grid else drawn_on.back(found.raw)
    assert found.target is not None
    reference = found.card.reference(found.method.layer, cell.target, found.method.key)
    known = reference if session.choice.score == "logit" else None
    state = map_state(found.raw, known, shared=found.method.info.shares_score)
    largest = float(np.abs(found.raw).max(initial=0.0))
    words = f"p {reading.probability(index, found.target):.2f}"
    if largest > 0 or state not in STATES:
        words += f" \u00b7 max {largest:.2g}"
    if scale.scale > 0 and largest > scale.scale * 1.005:
        words += " (beyond full colour)"
    known_rounds = reading.rounds.get(
        Place(reading.question(index), found.target, found.method.layer, found.method.key)
    )
    part = known_rounds is not None and not known_rounds.complete
    if known_rounds is not None and part:
        words = f"unfinished, {known_rounds.done} of {known_rounds.total} \u00b7 {words}"
    if state in STATES:
        words = f"{words} \u00b7 {STATES[state]}"
    if session.comparing.kind == "models":
        words = f"{found.method.layer} \u00b7 {words}"
    outside = cell.variant.model == session.model_id and is_outside(session)
    mark = NOT_MADE_FOR_IT if outside else ""
    boundaries = None
    if found.segments is not None and session.overlay.boundaries:
        boundaries = boundary_lines(drawn_on.cells(np.rint(found.segments)))
    return CompareTile(
        cell, heading, words, values, scale, may_ask=part, watermark=mark, boundaries=boundaries
    )


def _missing(session: Session, found: _Found) -> tuple[str, bool]:
    """Why a cell has no map, and whether pressing makes one."""
    cell, comparing, index = found.cell, session.comparing, session.view.slice
    if found.target is None:
        return f"{cell.variant.model} has no class '{cell.target}'", False
    if comparing.asked in ((index, cell), (index, cell.variant)):
        return "computing \u2026", False
    for key in (cell, cell.variant):
        if why := comparing.failed.get((index, key)):
            return why, True
    if cell.variant.model == session.model_id and (why := why_not(session, cell.explainer)):
        return why, False
    traced, reading = not found.method.on_demand, found.reading
    filled = reading is not None and index in reading.filled
    if reading is session.reading and reading is not None and (traced or not filled):
        return ("the layer is not traced" if reading.whole else "explaining this slice"), False
    return ("not asked yet" if traced or not filled else "not computed"), True
