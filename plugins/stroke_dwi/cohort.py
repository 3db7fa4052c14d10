"""Synthetic patients: one seed, one diffusion-weighted scan with its lesion mask."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from scipy.ndimage import gaussian_filter

from .anatomy import Head, build_head
from .fields import Field, ramp
from .lesions import LesionPlan, draw_lesions, plan_lesion, scar, shine_through
from .places import Placement
from .scanner import acquire, add_artefacts, coil, distort, extract

IMAGE_SIZE = 192
EDITION = 5
"""Raised whenever the same seed gives another patient, so that patients kept on disk are not taken for new ones."""
ARTEFACTS = ("old infarct", "shine-through", "susceptibility", "coil", "ghosts", "extraction")
"""What may look like a stroke, or hide one, and is none: families that can be left out, or asked for."""


@dataclass(frozen=True)
class Patient:
    """One synthetic patient.

    Attributes
    ----------
    image
        Trace image at b = 1000, float32 (slice, row, column); rows run to the back, columns to the patient's left,
        slices to the top of the head. Grey matter is about 1.
    mask
        Lesion voxels, bool, on the same grid.
    spacing_mm
        Voxel size along (slice, row, column).
    plan
        What was asked for: kind, site, side of the lesion.
    unweighted
        Image at b = 0 on the same grid and scale; None unless it was asked for.
    """

    image: Field
    mask: np.ndarray
    spacing_mm: tuple[float, float, float]
    plan: LesionPlan
    unweighted: Field | None = None

    @property
    def lesion_ml(self) -> float:
        """Return the volume of the lesion in millilitres."""
        return float(self.mask.sum()) * float(np.prod(self.spacing_mm)) / 1000.0

    @property
    def adc(self) -> Field:
        """Return the apparent diffusion coefficient, 10^-6 mm2/s, 0 where there is hardly any signal.

        Raises
        ------
        ValueError
            When the patient was made without an image at b = 0.
        """
        if self.unweighted is None:
            raise ValueError("this patient has no image at b = 0")
        seen = (self.image > 0.05) & (self.unweighted > 0.15)
        ratio = np.divide(self.unweighted, self.image, out=np.ones_like(self.image), where=seen)
        return np.asarray(np.clip(1000.0 * np.log(ratio), 0.0, 4000.0), dtype=np.float32)


def make_patient(
    seed: int | tuple[int, ...],
    *,
    stroke: bool | None = None,
    plan: LesionPlan | None = None,
    wide: bool = False,
    quiet: bool = False,
    unweighted: bool = False,
    artefacts: Mapping[str, bool] = MappingProxyType({}),
) -> Patient:
    """Return one synthetic patient, the same for the same arguments.

    Parameters
    ----------
    seed
        Everything random follows from it.
    stroke
        Whether there is a lesion; None draws it, three of four patients have one.
    plan
        A lesion asked for by name, in place of a drawn one.
    wide
        Vary field of view, aspect and rotation far beyond routine scans, as training does.
    quiet
        A scan of good quality, for a demonstration.
    unweighted
        Make the image at b = 0 as well; the other one stays the same.
    artefacts
        For some of `ARTEFACTS` whether the patient has them; the others are drawn. Susceptibility, the coil and ghosts
        are in every scan, more or less, and can be left out only.
    """
    rng = np.random.default_rng(seed)
    has_stroke = bool(rng.random() < 0.75) if stroke is None else stroke
    drawn = plan_lesion(rng, has_stroke)
    plan = plan or drawn
    slices = int(rng.integers(24, 37))
    bottom, top = rng.uniform(-0.16, 0.06), rng.uniform(1.0, 1.1)
    step_mm = (top - bottom) * 125.0 / (slices - 1)
    field = rng.uniform(150.0, 275.0) if wide and rng.random() < 0.6 else rng.uniform(205.0, 245.0)
    aspect = float(np.exp(rng.normal(0.0, 0.06 if wide else 0.02)))
    spread = 1.0 if wide else 0.5
    placement = Placement(
        slices=slices,
        size=IMAGE_SIZE,
        field_mm=(field * aspect, field / aspect),
        heights=np.linspace(bottom, top, slices, dtype=np.float32),
        rotation=rng.normal(0.0, 9.0 * spread),
        tilt=rng.normal(0.0, 10.0 * spread) + 4.0,
        roll=rng.normal(0.0, 5.0 * spread),
        offset_mm=(rng.normal(0.0, 8.0 * spread), rng.normal(0.0, 6.0 * spread)),
        head_size=rng.uniform(0.9, 1.07),
        midline_shift_mm=-plan.side * 8.0 * plan.swelling,
    )
    closed = 1.0 - 0.7 * plan.swelling
    asymmetry = np.exp(rng.normal(0.0, 0.15))
    sides = (asymmetry * (closed if plan.side < 0 else 1.0), (closed if plan.side > 0 else 1.0) / asymmetry)
    head = build_head(rng, placement, sides)
    mm = 0.5 * sum(placement.field_mm) / IMAGE_SIZE
    hollow = np.zeros_like(head.signal)
    if artefacts.get("old infarct", bool(rng.random() < 0.12)):
        scarred, hollow = scar(rng, head, mm)
        head = replace(head, signal=scarred)
    gliosis = np.zeros_like(head.signal)
    # Drawn aside, so that a patient without it is the same in every edition.
    aside = rng.spawn(1)[0]
    if artefacts.get("shine-through", bool(not quiet and aside.random() < 0.2)):
        brightened, gliosis = shine_through(aside, head, mm)
        head = replace(head, signal=brightened)
    signal, mask = draw_lesions(rng, head, plan, mm)
    adc = diffusion(head, hollow, mask, gliosis)
    # What is left out is drawn all the same: the rest of the patient stays as it is.
    scalp = head.scalp
    distorted = distort(rng, head, signal, mask, adc, mm)
    if artefacts.get("susceptibility", True):
        signal, mask, scalp, adc = distorted
    sensitivity = coil(rng, signal.shape)
    if artefacts.get("coil", True):
        signal = signal * sensitivity
    haunted = add_artefacts(rng, signal, scalp)
    if artefacts.get("ghosts", True):
        signal = haunted
    # The same scanner a moment earlier: the protocol is drawn alike, the noise is not.
    again = deepcopy(rng)
    image = acquire(rng, signal, quiet)
    before = acquire(again, signal * np.exp(adc), quiet, noise=rng.spawn(1)[0]) if unweighted else None
    if artefacts.get("extraction", bool(not quiet and aside.random() < 0.25)):
        outline = extract(aside, head.depth, mm)
        image = image * outline
        before = None if before is None else before * outline
        mask = np.asarray(mask) & outline
    spacing = (float(step_mm), placement.field_mm[0] / IMAGE_SIZE, placement.field_mm[1] / IMAGE_SIZE)
    return Patient(image, np.asarray(mask), spacing, plan, before)


def diffusion(head: Head, hollow: Field, mask: np.ndarray, gliosis: Field | float = 0.0) -> Field:
    """Return how freely water moves, 10^-3 mm2/s: little in fresh infarcts, most in fluid and in old ones.

    Parameters
    ----------
    hollow
        Share of each voxel that an old infarct has left to fluid.
    mask
        Fresh infarct.
    gliosis
        Share of each voxel that is old damage without a hollow.
    """
    inside = ramp(head.depth, 2.0)
    tissue = head.tissue * (1.0 - hollow)
    adc = 1.1 * (1.0 - inside) + (0.8 + 0.4 * gliosis) * tissue + 3.0 * np.clip(inside - tissue, 0.0, 1.0)
    fresh = gaussian_filter(mask.astype(np.float32), (0.0, 0.7, 0.7))
    return np.asarray(adc * (1.0 - 0.42 * fresh), dtype=np.float32)
