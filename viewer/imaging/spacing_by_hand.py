"""Distances between voxels that a person states: a file that says none is else measured in pixels for ever."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from viewer.foundation.errors import UsageError
from viewer.imaging.diagnoses import SPACING_BY_HAND, Diagnosis
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage

Spacing = tuple[float, float, float]
"""(slice, row, column) mm."""

_SETTLED = ("no-spacing", "size-at-detector", "size-estimated", SPACING_BY_HAND)
"""Findings about sizes that a person's own word replaces."""
_LEAST, _MOST = 1e-3, 1e3
_SAME = 1e-3
_UNKNOWN = "does not say all of them."


def check_spacing(spacing_mm: Sequence[float]) -> None:
    """Accept three distances that voxels can have.

    Raises
    ------
    UsageError
        With the code ``spacing``.
    """
    if len(spacing_mm) != 3 or not all(
        math.isfinite(step) and _LEAST <= step <= _MOST for step in spacing_mm
    ):
        raise UsageError(
            f"A spacing is three distances from {_LEAST:g} to {_MOST:g} mm: slice, row and column.",
            code="spacing",
        )


def with_spacing(image: MedicalImage, spacing_mm: Spacing) -> MedicalImage:
    """The image with its voxels as far apart as a person says; directions and the first voxel stay where they are.

    Parameters
    ----------
    spacing_mm : (slice, row, column). Slices that lie at places of their own keep them as long as their usual distance
        is the stated one.

    Returns
    -------
    MedicalImage
        The same voxels. A diagnosis says that the spacing is a person's, and what the file says.

    Raises
    ------
    UsageError
        See `check_spacing`.
    """
    check_spacing(spacing_mm)
    geometry = image.geometry
    before = geometry.spacing_mm
    affine = np.array(geometry.affine_lps)
    affine[:3, :3] *= np.array(spacing_mm)[::-1] / np.array(before)[::-1]
    kept = math.isclose(spacing_mm[0], before[0], rel_tol=_SAME)
    moved: Geometry = replace(geometry, affine_lps=affine, origins=geometry.origins if kept else None)
    unknown = any(finding.code == "no-spacing" for finding in image.diagnoses)
    return replace(
        image,
        geometry=moved,
        spacing_by_hand=spacing_mm,
        diagnoses=(
            _stated(spacing_mm, None if unknown else before),
            *(finding for finding in image.diagnoses if finding.code not in _SETTLED),
        ),
    )


def spacing_was_stated(image: MedicalImage) -> bool:
    """Whether a person's spacing took the place of another one that the file itself states."""
    return any(
        finding.code == SPACING_BY_HAND and not finding.sentence.endswith(_UNKNOWN)
        for finding in image.diagnoses
    )


def _stated(spacing_mm: Spacing, before: Spacing | None) -> Diagnosis:
    file = _UNKNOWN.rstrip(".") if before is None else f"says {_words(before)}"
    return Diagnosis(
        SPACING_BY_HAND,
        "note",
        f"The distances between voxels, {_words(spacing_mm)} mm (slice, row, column), were given by hand; "
        f"the file {file}.",
    )


def _words(spacing: Spacing) -> str:
    return " x ".join(f"{step:.4g}" for step in spacing)
