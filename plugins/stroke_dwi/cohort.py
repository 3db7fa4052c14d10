"""Synthetic patients: one seed, one diffusion-weighted scan with its lesion mask."""

from dataclasses import dataclass, replace

import numpy as np

from .anatomy import build_head
from .fields import Field
from .lesions import LesionPlan, draw_lesions, plan_lesion, scar
from .places import Placement
from .scanner import acquire, add_artefacts, coil, distort

IMAGE_SIZE = 192
EDITION = 3
"""Raised whenever the same seed gives another patient, so that patients kept on disk are not taken for new ones."""


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
    """

    image: Field
    mask: np.ndarray
    spacing_mm: tuple[float, float, float]
    plan: LesionPlan


def make_patient(
    seed: int | tuple[int, ...],
    *,
    stroke: bool | None = None,
    plan: LesionPlan | None = None,
    wide: bool = False,
    quiet: bool = False,
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
    if rng.random() < 0.12:
        head = replace(head, signal=scar(rng, head, mm))
    signal, mask = draw_lesions(rng, head, plan, mm)
    signal, mask, scalp = distort(rng, head, signal, mask, mm)
    signal = signal * coil(rng, signal.shape)
    signal = add_artefacts(rng, signal, scalp)
    image = acquire(rng, signal, quiet)
    spacing = (float(step_mm), placement.field_mm[0] / IMAGE_SIZE, placement.field_mm[1] / IMAGE_SIZE)
    return Patient(image, np.asarray(mask), spacing, plan)
