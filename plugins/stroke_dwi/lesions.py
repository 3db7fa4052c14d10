"""Acute infarcts: where they lie, how they look, from a few voxels to a whole vascular territory."""

from dataclasses import dataclass

import numpy as np

from .anatomy import Head
from .fields import Field, ramp, resample, smooth_noise
from .places import Coordinates, ellipsoid


@dataclass(frozen=True)
class Site:
    """Where infarcts of one kind lie: centre (|x| mm, y mm, h), radii (x, y, z mm), frequency."""

    name: str
    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    weight: float
    jitter_mm: float = 5.0


SITES = (
    Site("MCA", (46.0, -2.0, 0.56), (24.0, 46.0, 38.0), 2.0),
    Site("MCA superior", (46.0, -24.0, 0.62), (18.0, 24.0, 24.0), 1.6, 8.0),
    Site("MCA inferior", (48.0, 28.0, 0.55), (18.0, 22.0, 24.0), 1.6, 8.0),
    Site("MCA branch", (52.0, 0.0, 0.62), (12.0, 13.0, 13.0), 2.4, 24.0),
    Site("insula", (38.0, -2.0, 0.47), (7.0, 19.0, 14.0), 1.0),
    Site("lenticulostriate", (24.0, -6.0, 0.53), (9.0, 15.0, 13.0), 1.4),
    Site("corona radiata", (24.0, -4.0, 0.66), (5.0, 7.0, 6.0), 1.4, 8.0),
    Site("thalamus", (11.0, 8.0, 0.49), (5.5, 7.0, 6.0), 1.0, 3.0),
    Site("ACA", (8.0, -42.0, 0.74), (8.0, 32.0, 26.0), 0.8),
    Site("PCA", (15.0, 58.0, 0.45), (14.0, 23.0, 17.0), 1.3),
    Site("motor cortex", (34.0, 4.0, 0.85), (6.0, 8.0, 8.0), 1.0, 12.0),
    Site("vertex", (16.0, 0.0, 0.92), (7.0, 12.0, 8.0), 0.7, 16.0),
    Site("pons", (5.0, 4.0, 0.20), (5.0, 6.0, 7.0), 0.8, 2.5),
    Site("medulla", (5.0, 13.0, 0.08), (4.0, 4.0, 5.0), 0.3, 2.0),
    Site("midbrain", (6.0, 7.0, 0.31), (4.0, 4.5, 5.0), 0.3, 2.0),
    Site("PICA", (22.0, 50.0, 0.09), (15.0, 15.0, 12.0), 0.8),
    Site("SCA", (24.0, 38.0, 0.21), (15.0, 15.0, 8.0), 0.6),
    Site("AICA", (34.0, 24.0, 0.14), (9.0, 10.0, 8.0), 0.4),
    Site("temporal", (44.0, -14.0, 0.28), (12.0, 20.0, 13.0), 0.8, 8.0),
)


@dataclass(frozen=True)
class LesionPlan:
    """Decided before the head is built, because a large infarct displaces the midline and closes a ventricle.

    Attributes
    ----------
    kind
        `territory`, `watershed`, `shower` or `none` (a transient attack).
    site
        Site of a `territory` infarct.
    side
        -1 right, +1 left, as the patient has them.
    scale
        Size relative to the site's radii.
    swelling
        0 to 1; more than 0 for large infarcts only.
    """

    kind: str
    site: Site
    side: float
    scale: float
    swelling: float


def plan_lesion(rng: np.random.Generator, stroke: bool = True) -> LesionPlan:
    """Draw a lesion plan; without stroke the plan is `none`."""
    weights = np.array([site.weight for site in SITES])
    site = SITES[int(rng.choice(len(SITES), p=weights / weights.sum()))]
    side = -1.0 if rng.random() < 0.5 else 1.0
    scale = float(np.clip(np.exp(rng.normal(-0.02, 0.36)), 0.35, 1.6))
    kind = str(rng.choice(["territory", "watershed", "shower"], p=[0.72, 0.08, 0.2])) if stroke else "none"
    large = kind == "territory" and scale * site.radii[1] > 30.0
    return LesionPlan(kind, site, side, scale, float(rng.uniform(0.2, 1.0)) if large else 0.0)


def draw_lesions(rng: np.random.Generator, head: Head, plan: LesionPlan, mm: float) -> tuple[Field, Field]:
    """Return the signal with lesions and the lesion mask (bool), both (slice, row, column).

    Parameters
    ----------
    head
        The head; brain tissue alone takes a lesion.
    mm
        In-plane voxel size in millimetres.
    """
    shape = head.signal.shape
    if plan.kind == "none":
        return head.signal, np.zeros(shape, dtype=bool)
    level: Field = np.full(shape, -50.0, dtype=np.float32)
    if plan.kind in ("territory", "watershed"):
        level = resample(_infarct(rng, head.places, plan), shape)
        roughness = rng.uniform(1.0, 3.5) * min(1.0, plan.scale * min(plan.site.radii) / 9.0)
        level = level + roughness * smooth_noise(rng, shape, (1.6, 6.0 / mm, 6.0 / mm))
        level = level + 0.4 * roughness * smooth_noise(rng, shape, (1.0, 3.0 / mm, 3.0 / mm))
    if plan.kind == "shower" or rng.random() < 0.3:
        level = np.maximum(level, _dots(rng, head, plan, mm))
    midline = resample(plan.side * head.places.x, shape)
    if rng.random() > 0.08 or plan.kind != "shower":
        level = np.minimum(level, midline + 0.5)
    share = ramp(level, rng.uniform(1.0, 3.5)) * head.tissue

    texture = 1.0 + rng.uniform(0.05, 0.35) * smooth_noise(rng, shape, (1.5, 5.0 / mm, 5.0 / mm))
    gain = rng.uniform(0.35, 1.6) if plan.kind == "territory" else rng.uniform(0.6, 1.6)
    core = 0.75 + 0.25 * ramp(level - 3.0, 6.0) if rng.random() < 0.5 else 1.0
    signal = head.signal
    if plan.swelling:
        # A swollen hemisphere: the sulci within the infarct are closed.
        effaced = plan.swelling * ramp(level, 3.0) * (head.signal < 0.8) * (head.tissue < 1.0)
        effaced = effaced * resample(
            ramp(ellipsoid(head.places, (0.0, 0.0, 0.55), (66.0, 80.0, 70.0)), 4.0), shape
        )
        signal = signal + effaced * (0.85 - signal)
        share = np.maximum(share, effaced * ramp(level, 2.0))
    signal = signal * (1.0 + gain * share * np.clip(texture * core, 0.3, 2.0))
    return signal.astype(np.float32), np.asarray(share > 0.4)


def scar(rng: np.random.Generator, head: Head, mm: float) -> tuple[Field, Field]:
    """Return the signal with an infarct of long ago, and its share of each voxel.

    It is a hollow full of fluid, not bright, and no lesion to find.
    """
    site = SITES[int(rng.integers(len(SITES)))]
    side = -1.0 if rng.random() < 0.5 else 1.0
    plan = LesionPlan("territory", site, side, rng.uniform(0.3, 0.9), 0.0)
    shape = head.signal.shape
    level = resample(_infarct(rng, head.places, plan), shape)
    level = level + rng.uniform(1.0, 3.0) * smooth_noise(rng, shape, (1.6, 6.0 / mm, 6.0 / mm))
    share = ramp(level, rng.uniform(2.0, 5.0)) * head.tissue
    signal = head.signal * (1.0 - share) + rng.uniform(0.08, 0.4) * share
    return signal.astype(np.float32), share.astype(np.float32)


def shine_through(rng: np.random.Generator, head: Head, mm: float) -> tuple[Field, Field]:
    """Return the signal with patches of old damage in the depth of the brain, and their share of each voxel.

    Their long T2 shines through diffusion weighting: a little bright, as fresh infarcts are, but water moves freely in
    them. They are no lesion to find.
    """
    shape = head.signal.shape
    patches = smooth_noise(rng, shape, (1.5, rng.uniform(4.0, 9.0) / mm, rng.uniform(4.0, 9.0) / mm))
    deep = ramp(head.depth - rng.uniform(8.0, 16.0), 4.0)
    share = ramp(patches - rng.uniform(1.6, 2.4), 0.6) * deep * head.tissue
    signal = head.signal * (1.0 + rng.uniform(0.05, 0.3) * share)
    return signal.astype(np.float32), share.astype(np.float32)


def _infarct(rng: np.random.Generator, places: Coordinates, plan: LesionPlan) -> Field:
    site = plan.site
    if plan.kind == "watershed":
        chain = [
            ellipsoid(
                places,
                (plan.side * (26.0 + rng.normal(0, 4)), y + rng.normal(0, 4), 0.70 + rng.normal(0, 0.05)),
                (rng.uniform(2.5, 6.0), rng.uniform(3.0, 8.0), rng.uniform(3.0, 9.0)),
            )
            for y in np.linspace(-38.0, 42.0, int(rng.integers(3, 8)))
        ]
        return np.asarray(np.maximum.reduce(chain))
    jitter = rng.normal(0.0, 0.6 * site.jitter_mm, 3)
    centre = (
        plan.side * max(3.0, site.centre[0] + jitter[0]),
        site.centre[1] + jitter[1],
        site.centre[2] + jitter[2] / 125.0,
    )
    stretch = plan.scale * np.exp(rng.normal(0.0, 0.2, 3))
    radii = tuple(max(2.0, float(r * s)) for r, s in zip(site.radii, stretch, strict=True))
    return ellipsoid(places, centre, radii)  # type: ignore[arg-type]


def _dots(rng: np.random.Generator, head: Head, plan: LesionPlan, mm: float) -> Field:
    """Return the level set of a shower of emboli: small spheres at random places of one hemisphere's tissue."""
    level = np.full(head.signal.shape, -50.0, dtype=np.float32)
    side = resample(plan.side * head.places.x, head.signal.shape)
    candidates = np.flatnonzero((head.tissue > 0.9) & (side > 3.0))
    if candidates.size == 0:
        return level
    slices, rows, columns = head.signal.shape
    height = float(np.median(np.diff(head.places.h[:, 0, 0]))) * 125.0 if slices > 1 else 5.0
    count = int(rng.integers(1, 4)) if plan.kind != "shower" else int(rng.integers(1, 16))
    # Emboli of one shower keep together: half of them within one region around the first.
    centres = np.array(np.unravel_index(rng.choice(candidates, size=count), head.signal.shape)).T
    for number, (k, j, i) in enumerate(centres):
        if number and rng.random() < 0.5:
            k = int(np.clip(centres[0][0] + rng.integers(-2, 3), 0, slices - 1))
        radius = float(np.clip(np.exp(rng.normal(0.75, 0.4)), 1.0, 6.0))
        reach = int(np.ceil((radius + 2.0) / mm))
        j0, j1, i0, i1 = (
            max(0, j - reach),
            min(rows, j + reach + 1),
            max(0, i - reach),
            min(columns, i + reach + 1),
        )
        dy, dx = np.meshgrid(np.arange(j0, j1) - j, np.arange(i0, i1) - i, indexing="ij")
        stretch = np.exp(rng.normal(0.0, 0.25))
        for plane in range(max(0, k - 1), min(slices, k + 2)):
            dz = (plane - k) * height
            distance = np.sqrt((dy * mm * stretch) ** 2 + (dx * mm / stretch) ** 2 + (0.7 * dz) ** 2)
            window = level[plane, j0:j1, i0:i1]
            np.maximum(window, (radius - distance).astype(np.float32), out=window)
    return level
