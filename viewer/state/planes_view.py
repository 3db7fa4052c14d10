"""The Volume workspace: three planes through one place, with the maps where they cut them. Frozen, by pure functions.

The place is the shown slice and its crosshair, so Reading and Volume always stand at the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from viewer.imaging.diagnoses import ONE_PLACE
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.imaging.plane import ReadingPlane
from viewer.imaging.resampling import irregular
from viewer.models.input_view import InputView
from viewer.models.volume_cut import VolumeCut
from viewer.state.canvas_view import Background, OverlayStyle, value_words, voxel_words
from viewer.state.case import Case
from viewer.state.display import (
    is_flipped,
    oblique_words,
    place_words,
    screen_letters,
    sides,
)
from viewer.state.map_stack import MapStack
from viewer.state.map_view import MapView, is_diverging, map_scale
from viewer.state.method import method_of
from viewer.state.rulers import RulerMark, pixel_words, ruler_marks
from viewer.state.segment_lines import Lines, boundary_lines
from viewer.state.session import Session, Workspace
from viewer.state.veil import veil
from viewer.state.volume_reading import VolumeReading
from viewer.state.volume_stack import VolumeStack

T = TypeVar("T")
Voxel = NDArray[np.float64]
_NAMES = ("axial", "coronal", "sagittal")
_AXES = ("slices", "rows", "columns")
EVEN = "resampled for display"


@dataclass(frozen=True, eq=False)
class PlaneView:
    """One of the three planes.

    Attributes
    ----------
    name : anatomical, or which axis of the array is scrolled where sides are unknown.
    index, count : which picture of how many.
    values : the maps where the plane cuts them (row, column); None without any.
    across : the plane runs across the explained slices, so maps are drawn slice by slice and never blurred.
    cursor : (row, column) of the place; pixel centres are whole numbers.
    reading : this is the plane that networks read.
    boundaries : where the segments of the map meet, if it has any and they are wanted.
    """

    name: str
    plane: ReadingPlane
    index: int
    count: int
    background: Background
    values: NDArray[np.float32] | None
    across: bool
    cursor: tuple[float, float]
    reading: bool
    rulers: tuple[RulerMark, ...]
    boundaries: Lines | None = None


@dataclass(frozen=True)
class MapScale:
    """What full colour means, for all three planes."""

    scale: float
    scale_label: str
    diverging: bool


@dataclass(frozen=True, eq=False)
class PlanesView:
    """The Volume workspace.

    Attributes
    ----------
    map : None while no slice is explained.
    facts : short facts for the line under the planes.
    where : (name, words) of the place.
    mark : words over the planes that must not be missed; empty for none.
    """

    planes: tuple[PlaneView, ...]
    map: MapScale | None
    style: OverlayStyle
    facts: tuple[str, ...]
    where: tuple[tuple[str, str], ...]
    mark: str


def why_no_planes(case: Case | None) -> str:
    """Why a case cannot be shown in three planes, in a sentence; empty when it can."""
    if case is None:
        return "No image is open."
    shape = case.image.geometry.shape
    if min(shape) < 2:
        return "A single picture has no other planes."
    if any(finding.code == ONE_PLACE for finding in case.image.diagnoses):
        return "All pictures lie at one place: they are a sequence, not a volume."
    return ""


def workspace_shown(session: Session) -> Workspace:
    """The workspace on screen: the one that is wanted, where the case has it."""
    if session.lesson is not None and session.lesson.question is not None:
        return "compare"  # where the maps are that the class looks at
    if veil(session):
        return "reading"
    if session.workspace in ("compare", "layers", "cohort"):
        return session.workspace
    return "volume" if session.workspace == "volume" and not why_no_planes(session.case) else "reading"


def is_bent(case: Case) -> bool:
    """Whether planes across the slices would be bent: slices uneven, or tilted against their stack."""
    return _is_bent(case.image.geometry)


@lru_cache(maxsize=8)
def _is_bent(geometry: Geometry) -> bool:
    """Remembered, because every turn of the window asks; a geometry is never altered."""
    return bool(irregular(geometry))


def planes_image(session: Session) -> MedicalImage | None:
    """The image whose planes are shown: the case's own, or the even one made of it; None while that is being made."""
    case = session.case
    if case is None or why_no_planes(case):
        return None
    return session.even if is_bent(case) else case.image


def three_planes(image: MedicalImage) -> tuple[tuple[str, ReadingPlane], ...]:
    """(name, plane) of the three planes: axial, coronal, sagittal, or the array's own where places are unknown."""
    if image.geometry.placed:
        return tuple((name, ReadingPlane.named(image.geometry, name)) for name in _NAMES)
    return tuple((f"across {_AXES[axis]}", ReadingPlane.along(image.geometry, axis)) for axis in range(3))


def case_voxel(session: Session) -> Voxel:
    """The place on the grid of the case: the shown slice and its crosshair, in its middle where there is none."""
    case, view = session.case, session.view
    assert case is not None
    rows, columns = case.plane.picture_shape(case.image.geometry.shape)
    row, column = view.cursor if view.cursor is not None else ((rows - 1) // 2, (columns - 1) // 2)
    return case.plane.voxel(case.image.geometry, view.slice, row, column)


def shown_voxel(session: Session, image: MedicalImage) -> Voxel:
    """The place on the grid of the image whose planes are shown."""
    case, view = session.case, session.view
    assert case is not None
    if image is not session.even:
        return case_voxel(session)
    even = view.even_place
    if even is not None and (even.slice, even.cursor) == (view.slice, view.cursor):
        return np.array(even.voxel)
    return image.geometry.to_voxel(case.image.geometry.to_patient(case_voxel(session)))


class PlanesPresenter:
    """Makes the view of the three planes, and remembers what a moved crosshair does not change."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._parts: dict[str, tuple[tuple[Any, ...], Any]] = {}
        self._stack: MapStack | VolumeStack | None = None
        self._stack_of: tuple[object, ...] = ()

    def view(self, found: MapView | None) -> PlanesView | None:
        """The planes of the state as it is now; None where there are none (yet).

        Parameters
        ----------
        found : the map of the shown slice.
        """
        session = self._session
        image, case = planes_image(session), session.case
        if image is None or case is None:
            return None
        place = shown_voxel(session, image)
        stack, scale = self._maps(found)
        planes = tuple(
            self._plane(name, plane, image, place, stack, found) for name, plane in three_planes(image)
        )
        overlay = session.overlay
        return PlanesView(
            planes=planes,
            map=scale,
            style=OverlayStyle(overlay.visible, overlay.opacity, overlay.threshold, overlay.colour_map),
            facts=_facts(session, case, image, stack),
            where=_where(session, case, image, place),
            mark=EVEN.upper() if image is session.even else "",
        )

    def _maps(self, found: MapView | None) -> tuple[MapStack | VolumeStack | None, MapScale | None]:
        """The maps of the series, and their common scale; None before the first slice is explained."""
        session = self._session
        reading, choice, case = session.reading, session.choice, session.case
        if reading is None or session.model is None or session.target_index is None or case is None:
            return None, None
        of = (reading, choice.layer, choice.target, method_of(session).shown_key)
        if self._stack is None or self._stack_of != of:
            self._stack = VolumeStack(case.slices) if reading.whole else MapStack(case.slices)
            self._stack_of = of
        self._stack.follow(session, reading)
        if not self._stack.version:
            return None, None
        raw = found.raw if found is not None else np.zeros((1, 1), dtype=np.float32)
        scale, label = map_scale(session, reading, choice.layer, raw)
        return self._stack, MapScale(scale, label, is_diverging(session))

    def _plane(
        self,
        name: str,
        plane: ReadingPlane,
        image: MedicalImage,
        place: Voxel,
        stack: MapStack | VolumeStack | None,
        found: MapView | None,
    ) -> PlaneView:
        session = self._session
        case, view = session.case, session.view
        assert case is not None
        count = plane.count(image.geometry.shape)
        at, row, column = plane.place(image.geometry, place)
        index = int(np.clip(round(at), 0, count - 1))
        look = (view.window, view.inverted, view.convention, session.arrivals)
        background = self._part(
            f"background {name}",
            (id(image), index, *look),
            image,
            lambda: _background(session, image, plane, index),
        )
        values = None
        own = image is case.image
        reading = own and plane.axes[0] == case.plane.axes[0]
        smooth = not session.overlay.true_grid
        if reading and found is not None and session.reading is not None:
            values = found.picture if smooth else session.reading.views[index].cells(found.raw)
        elif stack is not None and not reading:
            values = self._part(
                f"values {name}",
                (id(stack), stack.version, id(image), index, smooth),
                (stack, image),
                lambda: _values(case, image, plane, index, stack, smooth=smooth),
            )
        return PlaneView(
            name=name,
            plane=plane,
            index=index,
            count=count,
            background=background,
            values=values,
            across=not reading and not isinstance(stack, VolumeStack),
            cursor=(row, column),
            reading=reading,
            rulers=ruler_marks(session.rulers, image, plane, index) if own else (),
            boundaries=self._boundaries(name, plane, index, found, reading) if own else None,
        )

    def _boundaries(
        self, name: str, plane: ReadingPlane, index: int, found: MapView | None, reading: bool
    ) -> Lines | None:
        session, segments = self._session, found.segments if found is not None else None
        if segments is None or not (session.overlay.visible and session.overlay.boundaries):
            return None
        view: InputView | VolumeCut
        if isinstance(session.reading, VolumeReading) and session.reading.view is not None:
            view = VolumeCut(session.reading.view, plane, index)
        elif reading and session.reading is not None:
            view = session.reading.views[index]
        else:
            return None
        return self._part(
            f"boundaries {name}", (id(found), index), found, lambda: boundary_lines(view.cells(segments))
        )

    def _part(self, name: str, key: tuple[Hashable, ...], alive: object, make: Callable[[], T]) -> T:
        """A part that is made anew when its key changes; `alive` keeps objects whose identity is in the key."""
        known = self._parts.get(name)
        if known is None or known[0] != key:
            known = (key, (make(), alive))
            self._parts[name] = known
        made: T = known[1][0]
        return made


def _background(session: Session, image: MedicalImage, plane: ReadingPlane, index: int) -> Background:
    view, geometry = session.view, image.geometry
    notes = [sides(plane, view.convention)] if geometry.oriented else []
    notes += [oblique_words(geometry, plane)]
    return Background(
        pixels=plane.picture(image.voxels, index),
        low=view.window.low,
        high=view.window.high,
        inverted=image.intensity.inverted != view.inverted,
        spacing=plane.spacing(geometry),
        letters=screen_letters(plane, geometry, view.convention),
        flipped=is_flipped(plane, view.convention),
        notes=tuple(note for note in notes if note),
        arrivals=0 if image.arrived is None else session.arrivals,
    )


def _values(
    case: Case,
    image: MedicalImage,
    plane: ReadingPlane,
    index: int,
    stack: MapStack | VolumeStack,
    *,
    smooth: bool,
) -> NDArray[np.float32]:
    """The maps of the series where a plane cuts across them."""
    geometry = case.image.geometry
    if image is case.image:
        return stack.across(case.plane, geometry, plane, index, smooth=smooth)
    # Another grid: every pixel is looked up where it lies in the patient, on the nearest slice that was explained.
    rows, columns = (np.arange(n, dtype=np.float64) for n in plane.picture_shape(image.geometry.shape))
    places = np.empty((len(rows), len(columns), 3))
    start = plane.voxel(image.geometry, index, 0, 0)
    down = plane.voxel(image.geometry, index, 1, 0) - start
    right = plane.voxel(image.geometry, index, 0, 1) - start
    places[:] = start + rows[:, None, None] * down + columns[None, :, None] * right
    voxels = geometry.to_voxel(image.geometry.to_patient(places))
    if isinstance(stack, VolumeStack):
        return stack.at(voxels, smooth=smooth)
    height, width = case.plane.picture_shape(geometry.shape)
    row, column = voxels[..., case.plane.axes[1]], voxels[..., case.plane.axes[2]]
    return stack.at(
        np.rint(voxels[..., case.plane.axes[0]]).astype(np.int64),
        height - 1 - row if case.plane.flip_rows else row,
        width - 1 - column if case.plane.flip_columns else column,
        smooth=smooth,
    )


def _where(session: Session, case: Case, image: MedicalImage, place: Voxel) -> tuple[tuple[str, str], ...]:
    """The place in words: in the patient, on the grid, and what is there."""
    own = case_voxel(session)
    lines = []
    if image.geometry.placed:
        lines.append(("patient, mm", place_words(image.geometry.to_patient(place))))
    else:
        lines.append(("patient", "position unknown" if image.geometry.oriented else "side unknown"))
    lines += [("voxel", voxel_words(own)), ("value", value_words(case.image, own))]
    if image is session.even:
        lines.append(("value shown", value_words(image, place)))
    return tuple(lines)


def _facts(
    session: Session, case: Case, image: MedicalImage, stack: MapStack | VolumeStack | None
) -> tuple[str, ...]:
    facts = []
    if not image.colour:
        window = session.view.window
        facts.append(f"W {window.width:.4g} L {window.centre:.4g}")
    facts += ["grey inverted"] if session.view.inverted else []
    facts.append(f"slice {session.view.slice + 1} / {case.slices}")
    facts.append(pixel_words(image, case.plane))
    if isinstance(stack, VolumeStack):
        facts.append("one map of the whole volume")
    elif stack is not None:
        explained = int(stack.filled.sum())
        facts.append(
            "maps of all slices"
            if explained == case.slices
            else f"maps of {explained} of {case.slices} slices"
        )
    return tuple(facts)
