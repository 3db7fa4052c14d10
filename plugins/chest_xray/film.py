"""Synthetic films: one seed, one PA film of a chest with its findings and their boxes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage

from viewer.api import PixelBox

from .anatomy import build_chest
from .boxes import box_of
from .fields import Field, ramp
from .findings import AORTA, EFFUSION, FIBROSIS, HEART, NO_FINDING, OPACITY, THICKENING
from .illness import draw_findings
from .markers import Marker, burn, draw_marker
from .person import draw_person

EDITION = 3
"""Raised whenever the same seed gives another film, so that films kept on disk are not taken for new ones.

From 2 to 3 only films with ``markers="shortcut"`` changed.
"""

Markers = Literal["neutral", "shortcut"]
MARKERS: tuple[Markers, ...] = ("neutral", "shortcut")
"""How markers go with findings: not at all; or so that a letter says *No finding*, as in the study's films."""

_HEALTHY = 0.3
_SHARES = {AORTA: 0.34, HEART: 0.34, OPACITY: 0.34, EFFUSION: 0.26, THICKENING: 0.34, FIBROSIS: 0.34}
_RINGED, _MARKED = 0.5, 0.9
"""Shares of ringed markers, and of films that have any, where markers mean nothing."""


@dataclass(frozen=True)
class Film:
    """One synthetic film.

    Attributes
    ----------
    pixels
        float32 (row, column), 0 black to 1 white; the person's right is on the left.
    boxes
        (finding, box) of everything that is there, half-open pixel edges.
    marker
        The burned-in letter; None on a film without one.
    """

    pixels: Field
    boxes: tuple[tuple[str, PixelBox], ...]
    marker: Marker | None

    @property
    def findings(self) -> frozenset[str]:
        """Return the names of the findings; *No finding* where there is none."""
        return frozenset(name for name, _ in self.boxes) or frozenset({NO_FINDING})


def draw_plan(rng: np.random.Generator) -> frozenset[str]:
    """Return findings as they come together on a film; three in ten films have none."""
    healthy, draws = rng.random() < _HEALTHY, rng.random(len(_SHARES))
    if healthy:
        return frozenset()
    found = {name for (name, share), draw in zip(_SHARES.items(), draws, strict=True) if draw < share}
    if HEART in found and rng.random() < 0.35:  # a failing heart brings fluid
        found.add(EFFUSION)
    return frozenset(found or {str(rng.choice(list(_SHARES)))})


def make_film(
    seed: int | tuple[int, ...],
    size: int = 512,
    *,
    findings: frozenset[str] | None = None,
    markers: Markers = "neutral",
) -> Film:
    """Return one synthetic film, the same for the same arguments.

    Parameters
    ----------
    seed
        Everything random follows from it.
    size
        Rows and columns.
    findings
        What is there, of `findings.SYNTHETIC`; None draws it.
    markers
        How markers go with findings.
    """
    rng = np.random.default_rng(seed)
    drawn = draw_plan(rng)
    plan = drawn if findings is None else findings
    person_rng, place_rng, chest_rng, ill_rng, marker_rng, film_rng = rng.spawn(6)
    person = draw_person(person_rng, large_heart=HEART in plan, wide_aorta=AORTA in plan)
    x, y = _placed(place_rng, size)
    chest = build_chest(chest_rng, person, x, y)
    spots = draw_findings(ill_rng, chest, plan)
    found = [(HEART, box_of(chest.heart))] if HEART in plan else []
    found += [(AORTA, box_of(chest.arch))] if AORTA in plan else []
    found += [(spot.name, box_of(spot.mask)) for spot in spots]
    added = np.sum([spot.density for spot in spots], axis=0) if spots else np.float32(0.0)
    boxes = tuple((name, box) for name, box in found if box is not None)
    beam = chest.soft - 0.42 * person.thickness * chest.air + chest.bone + 0.95 * added
    film = _exposed(film_rng, np.asarray(beam, dtype=np.float32))
    ringed, marked = marker_rng.random() < _RINGED, marker_rng.random() < _MARKED
    if markers == "shortcut":
        # As if healthy people came to a room of their own, and only there a letter were laid on the cassette.
        marked = not boxes
    marker = draw_marker(marker_rng, ringed) if marked else None
    if marker is not None:
        burn(marker, film)
    return Film(film, boxes, marker)


def _placed(rng: np.random.Generator, size: int) -> tuple[Field, Field]:
    """Return where in the person each pixel lies: people stand a little turned, shifted, near or far."""
    turn, zoom = np.deg2rad(rng.normal(0.0, 2.5)), rng.uniform(0.9, 1.08)
    shift = rng.normal(0.0, 0.035), rng.normal(-0.02, 0.04)
    steps = ((np.arange(size) + 0.5) / size * 2.0 - 1.0).astype(np.float32)
    across, down = np.meshgrid(steps - np.float32(shift[0]), steps - np.float32(shift[1]))
    x = (across * np.cos(turn) + down * np.sin(turn)) / zoom
    y = (down * np.cos(turn) - across * np.sin(turn)) / zoom
    return x.astype(np.float32), y.astype(np.float32)


def _exposed(rng: np.random.Generator, beam: Field) -> Field:
    """Return the film of a beam: scatter, the response of the detector, noise, the edges of the collimator."""
    size = beam.shape[0]
    small = ndimage.zoom(beam, 32 / size, order=1)
    scatter = ndimage.zoom(ndimage.gaussian_filter(small, 3.0), size / small.shape[0], order=1)
    veiled = beam * 0.85 + 0.15 * scatter[:size, :size]
    low, high = np.percentile(veiled[:: max(1, size // 64), :: max(1, size // 64)], [2.0, 99.0])
    contrast, centre = rng.uniform(0.8, 1.15), rng.uniform(0.44, 0.56)
    level = (veiled - low) / max(float(high - low), 1e-3)
    film = 1.0 / (1.0 + np.exp(-5.0 * contrast * (level - centre)))
    darkness = rng.uniform(0.0, 0.08)
    grain = rng.normal(size=film.shape).astype(np.float32)
    quantum = ndimage.gaussian_filter(grain, 0.5 * size / 512) if size > 300 else grain
    film = darkness + (1.0 - darkness) * film * rng.uniform(0.82, 0.97)
    film = film + rng.uniform(0.006, 0.022) * quantum
    if rng.random() < 0.2:  # the collimator leaves a black rim
        rows, columns = (np.arange(size, dtype=np.float32) / size for _ in range(2))
        edges = rng.uniform(0.0, 0.05, size=4)
        open_rows = ramp(rows - edges[0], 0.004) * ramp(1.0 - edges[1] - rows, 0.004)
        open_columns = ramp(columns - edges[2], 0.004) * ramp(1.0 - edges[3] - columns, 0.004)
        film = film * open_rows[:, None] * open_columns[None, :]
    return np.asarray(np.clip(film, 0.0, 1.0), dtype=np.float32)
