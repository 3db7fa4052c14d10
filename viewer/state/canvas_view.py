"""What the canvas shows: the slice, what is laid over it, what is written around it. Frozen, made by pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.erasure import Erasure
from viewer.imaging.image import MedicalImage, Window
from viewer.imaging.pixel_box import PixelBox
from viewer.imaging.windows import straightened
from viewer.models.input_view import InputView
from viewer.models.volume_cut import VolumeCut
from viewer.state.case import Case
from viewer.state.display import (
    Convention,
    Letters,
    is_flipped,
    oblique_words,
    place_words,
    screen_letters,
    sides,
    swapped,
)
from viewer.state.findings_view import FindingsView, findings_view
from viewer.state.map_view import MapView
from viewer.state.method import method_of
from viewer.state.rulers import pixel_words
from viewer.state.segment_lines import Lines, boundary_lines
from viewer.state.series_reading import SeriesReading
from viewer.state.session import Session
from viewer.state.veil import WORDS, veil
from viewer.state.volume_reading import VolumeReading
from viewer.state.volume_seen import NOT_YET, mirrored, seen_slice
from viewer.state.volume_words import waiting_words

READING_SLICE = "READING THIS SLICE \u2026"
"""Mark on a slice of a series that is still being read: an empty picture is no finding."""


@dataclass(frozen=True, eq=False)
class Background:
    """A picture of the patient, or of the network's input.

    Attributes
    ----------
    pixels : (row, column) values, or (row, column, 3) colours 0..255.
    low, high : values shown black and white.
    inverted : black and white exchanged (MONOCHROME1).
    spacing : (row, column) mm; only their ratio matters on screen.
    letters : at the left, right, top, bottom of the screen; None where sides are unknown.
    mark : words that must not be missed, e.g. ``MIRRORED INPUT``; empty for the patient.
    flipped : the columns run from right to left on screen (neurological display); pixels, maps, boxes and the crosshair
        stay in the order of the picture.
    notes : words about the display in a corner of the canvas: the convention, whether the picture is oblique.
    arrivals : grows while the pixels are still being read, so that the same memory is drawn again.
    """

    pixels: NDArray
    low: float
    high: float
    inverted: bool
    spacing: tuple[float, float]
    letters: Letters | None
    mark: str = ""
    flipped: bool = False
    notes: tuple[str, ...] = ()
    arrivals: int = 0


@dataclass(frozen=True)
class OverlayStyle:
    """How the map is coloured; a change of it needs no new numbers."""

    visible: bool
    opacity: float
    threshold: float
    colour_map: str
    bare: bool = False


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
    boundaries : where the segments of the map meet, on the background; None where there are none or none are wanted.
    findings : the maps of all probable findings in place of the one of the chosen class; None where that is looked at.
    erased : what was taken out of this slice before the network saw it; nothing where the network's input is shown.
    """

    background: Background
    map: MapView | None
    values: NDArray[np.float32] | None
    style: OverlayStyle
    inset: Inset | None
    facts: tuple[str, ...]
    waiting: str
    boundaries: Lines | None = None
    erased: tuple[Erasure, ...] = ()
    findings: FindingsView | None = None


def background_of(
    case: Case,
    index: int,
    window: Window,
    *,
    convention: Convention = "radiological",
    inverted: bool = False,
) -> Background:
    """The patient, never mirrored, with the letters of the display.

    Parameters
    ----------
    inverted : black and white exchanged by the user.
    """
    geometry, plane = case.image.geometry, case.plane
    if not case.has(index):
        shape = plane.picture_shape(geometry.shape)
        nothing = np.zeros(shape, dtype=np.uint8)
        sides_of_it = screen_letters(plane, geometry, convention)
        return Background(
            nothing,
            0,
            1,
            False,
            plane.spacing(geometry),
            sides_of_it,
            READING_SLICE,
            is_flipped(plane, convention),
        )
    notes = (sides(plane, convention) if geometry.oriented else "", oblique_words(geometry, plane))
    pixels, low, high = straightened(case.picture(index), window)
    return Background(
        pixels=pixels,
        low=low,
        high=high,
        inverted=case.image.intensity.inverted != inverted,
        spacing=plane.spacing(geometry),
        letters=screen_letters(plane, geometry, convention),
        flipped=is_flipped(plane, convention),
        notes=(*(note for note in notes if note), *(["GREY INVERTED"] if inverted else [])),
    )


def seen_background(case: Case, index: int, view: InputView, erased: tuple[Erasure, ...] = ()) -> Background:
    """Exactly what the network saw of a slice: its first channel after erasing, crop, mirror, resize, normalisation."""
    given = case.given(erased)
    pixels = view.network_input(given.grey(case.plane.picture(given.voxels, index)))[0]
    letters = case.plane.edge_letters(case.image.geometry)
    parts = [f"{view.rule.size[1]} x {view.rule.size[0]}", view.rule.normalise]
    parts += [f"crop: {view.crop}"] if view.crop != "none" else []
    parts += ["MIRRORED"] if view.mirror else []
    parts += ["ERASED IN PART"] if any(each.on(index) for each in erased) else []
    return Background(
        pixels=pixels,
        low=float(pixels.min()),
        high=max(float(np.percentile(pixels, 99.8)), float(pixels.min()) + 1e-6),
        inverted=False,
        spacing=(1.0, 1.0),
        letters=swapped(letters) if view.mirror else letters,
        mark="WHAT THE NETWORK SAW \u00b7 " + " \u00b7 ".join(parts),
    )


def seen_volume(case: Case, index: int, reading: SeriesReading | None) -> Background:
    """Exactly what a network of volumes saw where a slice lies: the first channel of its input."""
    view = reading.views.get(index) if reading is not None else None
    found = None
    if isinstance(reading, VolumeReading) and isinstance(view, VolumeCut):
        found = seen_slice(reading, view, case)
    if found is None:
        return replace(
            background_of(case, index, case.presets[0] if case.presets else Window(0.5, 1.0)), mark=NOT_YET
        )
    low = float(found.pixels.min())
    return Background(
        pixels=found.pixels,
        low=low,
        high=max(float(np.percentile(found.pixels, 99.8)), low + 1e-6),
        inverted=False,
        spacing=found.spacing,
        letters=found.letters,
        mark="WHAT THE NETWORK SAW \u00b7 " + " \u00b7 ".join(found.words),
    )


def whole_input(view: InputView | VolumeCut) -> InputView | VolumeCut:
    """The view in which the network's grid itself is the picture."""
    if isinstance(view, VolumeCut):
        return view.of_input
    rows, columns = view.rule.size
    return replace(
        view, picture_shape=(rows, columns), box=PixelBox(0, 0, rows, columns), mirror=False, crop="none"
    )


def shown_background(session: Session) -> Background | None:
    """The patient, or what the network saw of him, as chosen; None without a case."""
    case, index = session.case, session.view.slice
    if case is None:
        return None
    if not session.view.seen or session.model is None:
        look = session.view
        shown = background_of(case, index, look.window, convention=look.convention, inverted=look.inverted)
        return shown if case.whole else replace(shown, arrivals=session.arrivals)
    choice, card = session.choice, session.model.card
    if card.dims == 3:
        return seen_volume(case, index, session.reading)
    view = _input_view(session)
    if not isinstance(view, InputView):
        given = case.given(choice.erased)
        view = InputView.of(card.input, given, index, mirror=choice.mirror, crop=choice.crop)
    return seen_background(case, index, view, choice.erased)


def _input_view(session: Session) -> InputView | VolumeCut | None:
    """The way of the shown slice into the network; None until it is traced."""
    return session.reading.views.get(session.view.slice) if session.reading else None


def shown_findings(session: Session) -> FindingsView | None:
    """The maps of all probable findings on what is shown; None where one class alone is looked at."""
    view = _input_view(session)
    if view is None:
        return None
    on = whole_input(view) if session.view.seen else view
    return findings_view(session, on.cells if session.overlay.true_grid else on.back)


def canvas_view(
    session: Session,
    found: MapView | None,
    background: Background | None = None,
    findings: FindingsView | None = None,
) -> CanvasView | None:
    """The canvas for the shown slice.

    Parameters
    ----------
    found : its map.
    background : `shown_background` of this session, when it is at hand.
    findings : `shown_findings` of this session.
    """
    case, reading = session.case, session.reading
    background = background or shown_background(session)
    if case is None or background is None:
        return None
    values, inset, view, boundaries = None, None, _input_view(session), None
    if found is not None and view is not None:  # both come with the traced slice
        drawn_on = whole_input(view) if session.view.seen else view
        if session.overlay.true_grid:
            values = drawn_on.cells(found.raw)
        else:
            values = drawn_on.back(found.raw) if session.view.seen else found.picture
        if found.segments is not None and session.overlay.boundaries and session.overlay.visible:
            boundaries = boundary_lines(drawn_on.cells(found.segments))
    if session.choice.mirror and not session.view.seen:
        inset = _inset(session, case, background, values, found)
    overlay = session.overlay
    return CanvasView(
        background=background,
        map=found,
        values=values,
        style=OverlayStyle(
            overlay.visible,
            overlay.opacity,
            overlay.threshold,
            # Whoever sees the deviation must not take it for the map.
            _deviation_colours(overlay.colour_map) if method_of(session).deviation else overlay.colour_map,
            overlay.bare,
        ),
        inset=inset,
        facts=_facts(session, case, found, findings),
        waiting=_waiting(session, reading, found),
        boundaries=boundaries if findings is None else None,
        findings=findings,
        erased=()
        if session.view.seen
        else tuple(each for each in session.choice.erased if each.on(session.view.slice)),
    )


def _inset(
    session: Session,
    case: Case,
    background: Background,
    values: NDArray[np.float32] | None,
    found: MapView | None,
) -> Inset:
    """The mirrored input as the network saw it, whichever way round the patient is shown."""
    letters = background.letters if background.flipped else swapped(background.letters)
    turned = replace(background, mark="MIRRORED INPUT", letters=letters, flipped=False, notes=())
    reading, index = session.reading, session.view.slice
    if session.model is not None and session.model.card.dims == 3:
        axis, other = mirrored(case, case.plane, index)
        if axis == 0:
            # Across the slices: another slice of the patient stands here.
            view = reading.views.get(other) if reading is not None else None
            if found is not None and view is not None:
                values = view.cells(found.raw) if session.overlay.true_grid else view.back(found.raw)
            return Inset(
                replace(turned, pixels=case.picture(other), letters=swapped(letters) if letters else None),
                values,
            )
    return Inset(
        replace(turned, pixels=background.pixels[:, ::-1]), None if values is None else values[:, ::-1]
    )


def _facts(
    session: Session, case: Case, found: MapView | None, findings: FindingsView | None
) -> tuple[str, ...]:
    index, window, geometry = session.view.slice, session.view.window, case.image.geometry
    facts = []
    if not case.image.colour:
        facts.append(f"W {window.width:.4g} L {window.centre:.4g}")
    if case.slices > 1:
        facts.append(f"slice {index + 1} / {case.slices}")
    facts += ["grey inverted"] if session.view.inverted else []
    position = case.plane.position_mm(geometry, index)
    if position is not None:
        axis = {"axial": "z", "coronal": "y", "sagittal": "x"}[case.plane.name]
        facts.append(f"{_about(case)}{axis} {position:+.1f} mm")
    else:
        facts.append("position unknown" if geometry.oriented else "side unknown")
    facts.append(pixel_words(case.image, case.plane))
    if session.view.cursor is not None:
        voxel = case.plane.voxel(geometry, index, *session.view.cursor)
        if geometry.placed:
            facts.append(f"{_about(case)}{place_words(geometry.to_patient(voxel))}")
        facts.append(f"voxel {voxel_words(voxel)}: {value_words(case.image, voxel)}")
    if found is not None:
        method = method_of(session)
        facts.append("map grid " + " \u00d7 ".join(map(str, found.raw.shape)))
        what = session.choice.target if findings is None else f"{len(findings.drawn)} findings together"
        facts.append(f"{method.words} \u00b7 {method.layer} \u00b7 {what} \u00b7 {session.choice.score}")
    return tuple(facts)


def _about(case: Case) -> str:
    """A sign before positions that are not exact: where slices are uneven and only one affine is known."""
    if case.image.geometry.origins is not None:
        return ""
    uneven = {"uneven-spacing", "missing-slice"}
    found = any(each.code in uneven and each.severity != "note" for each in case.image.diagnoses)
    return "\u2248 " if found else ""


def _deviation_colours(chosen: str) -> str:
    """Colours of a deviation: never those of the map."""
    return "viridis" if chosen != "viridis" else "magma"


def _waiting(session: Session, reading: SeriesReading | None, found: MapView | None) -> str:
    if found is not None:
        return ""
    if veil(session):
        return WORDS
    if session.case is not None and not session.case.whole:
        return "the series is being read; it is explained when all of it is there"
    if session.model is None:
        return f"loading {session.model_id}" if session.model_id else "no model"
    if session.judgement is not None and not session.judgement.may_run:
        return session.judgement.applicability.sentence
    if reading is None:
        return ""
    if reading.whole and (words := waiting_words(session)):
        return words
    asking, method = session.asking, method_of(session)
    if not method.on_demand or session.view.slice not in reading.filled:
        return "explaining this slice"
    if method.deviation and asking is None:
        return f"{method.info.title} has no deviation here"
    if asking is None or asking.stage == "running":
        return f"computing {method.info.title}"
    return asking.sentence or f"{method.info.title} is not computed on this slice"


def voxel_words(voxel: NDArray[np.float64]) -> str:
    """``12, 100, 88``: slice, row and column in the file, counted from 0."""
    return ", ".join(str(round(float(part))) for part in voxel)


def value_words(image: MedicalImage, voxel: NDArray[np.float64]) -> str:
    """The value of the nearest voxel with its unit."""
    shape = image.geometry.shape
    index = tuple(int(np.clip(round(float(v)), 0, n - 1)) for v, n in zip(voxel, shape, strict=True))
    value = image.voxels[index]
    if np.ndim(value):
        return "RGB " + ", ".join(str(part) for part in np.asarray(value).tolist())
    if not np.isfinite(value):
        return "not a number"
    return f"{float(value):.5g} {unit_words(image.intensity.unit)}".strip()


def unit_words(unit: str) -> str:
    """A unit as people write it: ``10^-6 mm2/s`` in a file is ``10\u207b\u2076 mm\u00b2/s``."""
    raised = str.maketrans(
        "-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
    )
    return re.sub(r"\^(-?\d+)|(?<=[a-z])(\d)\b", lambda found: (found[1] or found[2]).translate(raised), unit)
