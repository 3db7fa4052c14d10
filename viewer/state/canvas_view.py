"""What the canvas shows: the slice, what is laid over it, what is written around it. Frozen, made by pure functions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.image import Window
from viewer.models.input_view import CropBox, InputView
from viewer.state.case import Case
from viewer.state.map_view import MapView
from viewer.state.series_reading import SeriesReading
from viewer.state.session import Session

Letters = tuple[str, str, str, str]


@dataclass(frozen=True, eq=False)
class Background:
    """A picture of the patient, or of the network's input.

    Attributes
    ----------
    pixels : (row, column) values, or (row, column, 3) colours 0..255.
    low, high : values shown black and white.
    inverted : black and white exchanged (MONOCHROME1).
    spacing : (row, column) mm; only their ratio matters on screen.
    letters : at the left, right, top, bottom; None where sides are unknown.
    mark : words that must not be missed, e.g. ``MIRRORED INPUT``; empty for the patient.
    """

    pixels: NDArray
    low: float
    high: float
    inverted: bool
    spacing: tuple[float, float]
    letters: Letters | None
    mark: str = ""


@dataclass(frozen=True)
class OverlayStyle:
    """How the map is coloured; a change of it needs no new numbers."""

    visible: bool
    opacity: float
    threshold: float
    colour_map: str


@dataclass(frozen=True, eq=False)
class Inset:
    """The mirrored input with its map as the network saw it."""

    background: Background
    values: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class CanvasView:
    """The reading canvas.

    Attributes
    ----------
    map : None until the slice is traced, or when the model may not run.
    values : the map on the pixels of the background (row, column); None with `map`.
    facts : short facts for the line under the image.
    waiting : why there is no map yet; empty otherwise.
    """

    background: Background
    map: MapView | None
    values: NDArray[np.float32] | None
    style: OverlayStyle
    inset: Inset | None
    facts: tuple[str, ...]
    waiting: str


def background_of(case: Case, index: int, window: Window) -> Background:
    """The patient, never mirrored, with letters from the display affine."""
    geometry = case.image.geometry
    return Background(
        pixels=case.picture(index),
        low=window.low,
        high=window.high,
        inverted=case.image.intensity.inverted,
        spacing=case.plane.spacing(geometry),
        letters=case.plane.edge_letters(geometry),
    )


def seen_background(case: Case, index: int, view: InputView) -> Background:
    """Exactly what the network saw of a slice: its first channel after crop, mirror, resize and normalisation."""
    pixels = view.network_input(case.image.grey(case.picture(index)))[0]
    letters = case.plane.edge_letters(case.image.geometry)
    parts = [f"{view.rule.size[1]} x {view.rule.size[0]}", view.rule.normalise]
    parts += [f"crop: {view.crop}"] if view.crop != "none" else []
    parts += ["MIRRORED"] if view.mirror else []
    return Background(
        pixels=pixels,
        low=float(pixels.min()),
        high=max(float(np.percentile(pixels, 99.8)), float(pixels.min()) + 1e-6),
        inverted=False,
        spacing=(1.0, 1.0),
        letters=swapped(letters) if view.mirror else letters,
        mark="WHAT THE NETWORK SAW \u00b7 " + " \u00b7 ".join(parts),
    )


def swapped(letters: Letters | None) -> Letters | None:
    """Letters of the left-right mirrored picture."""
    return None if letters is None else (letters[1], letters[0], letters[2], letters[3])


def whole_input(view: InputView) -> InputView:
    """The view in which the network's grid itself is the picture."""
    rows, columns = view.rule.size
    return replace(
        view, picture_shape=(rows, columns), box=CropBox(0, 0, rows, columns), mirror=False, crop="none"
    )


def shown_background(session: Session) -> Background | None:
    """The patient, or what the network saw of him, as chosen; None without a case."""
    case, index = session.case, session.view.slice
    if case is None:
        return None
    if not session.view.seen or session.model is None:
        return background_of(case, index, session.view.window)
    choice, rule = session.choice, session.model.card.input
    view = _input_view(session) or InputView.of(
        rule, case.image, index, mirror=choice.mirror, crop=choice.crop
    )
    return seen_background(case, index, view)


def _input_view(session: Session) -> InputView | None:
    """The way of the shown slice into the network; None until it is traced."""
    return session.reading.views.get(session.view.slice) if session.reading else None


def canvas_view(
    session: Session, found: MapView | None, background: Background | None = None
) -> CanvasView | None:
    """The canvas for the shown slice.

    Parameters
    ----------
    found : its map.
    background : `shown_background` of this session, when it is at hand.
    """
    case, reading = session.case, session.reading
    background = background or shown_background(session)
    if case is None or background is None:
        return None
    values, inset, view = None, None, _input_view(session)
    if found is not None and view is not None:  # both come with the traced slice
        drawn_on = whole_input(view) if session.view.seen else view
        if session.overlay.true_grid:
            values = drawn_on.cells(found.raw)
        else:
            values = drawn_on.back(found.raw) if session.view.seen else found.picture
    if session.choice.mirror and not session.view.seen:
        inset = Inset(
            replace(
                background,
                pixels=background.pixels[:, ::-1],
                letters=swapped(background.letters),
                mark="MIRRORED INPUT",
            ),
            None if values is None else values[:, ::-1],
        )
    overlay = session.overlay
    return CanvasView(
        background=background,
        map=found,
        values=values,
        style=OverlayStyle(overlay.visible, overlay.opacity, overlay.threshold, overlay.colour_map),
        inset=inset,
        facts=_facts(session, case, found),
        waiting=_waiting(session, reading, found),
    )


def _facts(session: Session, case: Case, found: MapView | None) -> tuple[str, ...]:
    index, window, geometry = session.view.slice, session.view.window, case.image.geometry
    facts = []
    if not case.image.colour:
        facts.append(f"W {window.width:.4g} L {window.centre:.4g}")
    if case.slices > 1:
        facts.append(f"slice {index + 1} / {case.slices}")
    position = case.plane.position_mm(geometry, index)
    if position is not None:
        axis = {"axial": "z", "coronal": "y", "sagittal": "x"}[case.plane.name]
        facts.append(f"{_about(case)}{axis} {position:+.1f} mm")
        facts.append(f"{max(case.plane.spacing(geometry)):.2g} mm pixels")
    else:
        facts.append("side unknown")
    if session.view.cursor is not None and position is not None:
        row, column = session.view.cursor
        x, y, z = geometry.to_patient(case.plane.voxel(geometry, index, row, column))
        facts.append(
            f"{_about(case)}{'L' if x >= 0 else 'R'} {abs(x):.1f}  {'P' if y >= 0 else 'A'} {abs(y):.1f}  "
            f"{'S' if z >= 0 else 'I'} {abs(z):.1f}"
        )
    if found is not None:
        facts.append(f"map grid {found.raw.shape[0]} \u00d7 {found.raw.shape[1]}")
        facts.append(
            f"{session.choice.explainer} \u00b7 {session.choice.layer} \u00b7 {session.choice.target} \u00b7 "
            f"{session.choice.score}"
        )
    return tuple(facts)


def _about(case: Case) -> str:
    """A sign before positions that are not exact: one affine cannot hold slices at uneven distances."""
    uneven = {"uneven-spacing", "missing-slice"}
    return "\u2248 " if any(finding.code in uneven for finding in case.image.diagnoses) else ""


def _waiting(session: Session, reading: SeriesReading | None, found: MapView | None) -> str:
    if found is not None:
        return ""
    if session.model is None:
        return f"loading {session.model_id}" if session.model_id else "no model"
    if session.judgement is not None and not session.judgement.may_run:
        return session.judgement.applicability.sentence
    return "explaining this slice" if reading is not None else ""
