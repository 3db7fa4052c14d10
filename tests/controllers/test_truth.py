"""A mask is truth for the image on whose grid it lies, as far as the two say where they lie."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from viewer.controllers.truth import read_truth
from viewer.foundation.errors import ReadError
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.imaging.writing import write_nifti

SCAN = Geometry(np.diag([1.0, 1.0, 3.0, 1.0]), (1, 6, 8))
MASK = np.zeros(SCAN.shape, dtype=np.uint8)
MASK[0, 2:4, 3:5] = 1


def image(geometry: Geometry) -> MedicalImage:
    return MedicalImage(np.zeros(SCAN.shape, dtype=np.int16), geometry)


def moved(geometry: Geometry, *, turn: bool = False) -> Geometry:
    affine = np.array(geometry.affine_lps)
    affine[:3, 3] += 40
    if turn:
        affine[:3, 0] *= -1
    return replace(geometry, affine_lps=affine)


def test_a_mask_elsewhere_in_the_patient_is_refused(tmp_path: Path) -> None:
    write_nifti(tmp_path / "mask.nii", MASK, moved(SCAN))
    with pytest.raises(ReadError, match="elsewhere"):
        read_truth(tmp_path / "mask.nii", image(SCAN))


def test_of_a_film_only_the_directions_of_a_mask_are_compared(tmp_path: Path) -> None:
    film = replace(SCAN, placed=False)
    write_nifti(tmp_path / "mask.nii", MASK, moved(SCAN))
    [region] = read_truth(tmp_path / "mask.nii", image(film)).regions
    assert (region.row_min, region.column_min, region.row_max, region.column_max) == (2, 3, 4, 5)
    write_nifti(tmp_path / "turned.nii", MASK, moved(SCAN, turn=True))
    with pytest.raises(ReadError, match="elsewhere"):
        read_truth(tmp_path / "turned.nii", image(film))
    Image.fromarray(MASK[0] * 255).save(tmp_path / "mask.png")
    assert read_truth(tmp_path / "mask.png", image(film)).regions == (replace(region),)
