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
from viewer.imaging.reading import read_image
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


def film(path: Path, rows: int = 6, columns: int = 8) -> MedicalImage:
    Image.fromarray(np.zeros((rows, columns), dtype=np.uint8)).save(path)
    return read_image(path)


def test_boxes_of_several_readers_are_rescaled_and_what_is_odd_is_said(tmp_path: Path) -> None:
    table = tmp_path / "train.csv"
    table.write_text(
        "image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max,height,width\n"
        "one,Cardiomegaly,3,R1,4,2,12,6,12,16\n"
        "one,Cardiomegaly,3,R2,12,6,4,2,12,16\n"
        "one,No finding,14,R3,,,,,12,16\n"
        "two,Cardiomegaly,3,R1,1,1,2,2,12,16\n"
    )
    truth = read_truth(table, film(tmp_path / "one.png"))
    assert [(r.row_min, r.column_min, r.row_max, r.column_max, r.reader) for r in truth.regions] == [
        (1, 2, 3, 6, "R1"),
        (1, 2, 3, 6, "R2"),
    ]
    assert truth.readers == ("R1", "R2", "R3")
    assert truth.reader == "R1, R2 and R3"
    assert truth.positive_slices.tolist() == [True]
    assert truth.notes == (
        "A box had its corners the wrong way round, which was put right.",
        "Boxes were rescaled from 12 x 16 to 6 x 8 pixels (2 times).",
        "R3 looked at the image and marked nothing.",
    )
    with pytest.raises(ReadError, match="nothing about this image"):
        read_truth(table, film(tmp_path / "three.png"))
    stack = MedicalImage(np.zeros((4, 6, 8), dtype=np.int16), replace(SCAN, shape=(4, 6, 8)))
    with pytest.raises(ReadError, match="of single pictures, and the image has 4 slices"):
        read_truth(table, stack)


def test_a_reader_who_looked_and_found_nothing_is_truth(tmp_path: Path) -> None:
    table = tmp_path / "train.csv"
    table.write_text(
        "image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max\none,No finding,14,R1,,,,\n"
    )
    truth = read_truth(table, film(tmp_path / "one.png"))
    assert (truth.regions, truth.positive_slices.tolist()) == ((), [False])
    assert truth.notes == ("R1 looked at the image and marked nothing.",)


def test_a_mask_keeps_its_outline(tmp_path: Path) -> None:
    mask = np.zeros(SCAN.shape, dtype=np.uint8)
    mask[0, 1, 1:4] = mask[0, 2, 1] = mask[0, 5, 6] = 1
    write_nifti(tmp_path / "mask.nii", mask, SCAN)
    first, second = read_truth(tmp_path / "mask.nii", image(SCAN)).regions
    assert (first.area, second.area) == (4, 1)
    assert first.box.area == 6
    write_nifti(tmp_path / "empty.nii", mask * 0, SCAN)
    assert read_truth(tmp_path / "empty.nii", image(SCAN)).notes == ("The mask is empty: nothing is marked.",)
    dust = np.zeros((1, 20, 20), dtype=np.uint8)
    dust[0, ::2, ::2] = 1
    grid = replace(SCAN, shape=dust.shape)
    write_nifti(tmp_path / "dust.nii", dust, grid)
    [whole] = read_truth(tmp_path / "dust.nii", MedicalImage(np.zeros(dust.shape, np.int16), grid)).regions
    assert whole.area == 100


def test_tables_without_a_known_heading_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ReadError, match="no layout that is known"):
        read_truth(tmp_path / "x.csv", image(SCAN))


@pytest.mark.parametrize("name", ["one.png", "BloodImage_00000.jpg"])
def test_public_files(shared_data: Path, name: str) -> None:
    if name == "one.png":
        folder = shared_data / "cov_x_ccby"
        [picture] = folder.rglob("3a81faf3.jpg")
        [truth] = folder.rglob("lung_boxes.json")
        found = read_truth(truth, read_image(picture))
        assert {region.label for region in found.regions} == {"Right Lung", "Left Lung"}
        assert found.notes == ()
        right, left = sorted(found.regions, key=lambda region: region.column_min)
        assert (right.label, left.label) == ("Right Lung", "Left Lung")
        return
    [picture] = (shared_data / "bccd").rglob(name)
    [truth] = (shared_data / "bccd").rglob("BloodImage_00000.xml")
    found = read_truth(truth, read_image(picture))
    assert len(found.regions) == 20
    assert [region.label for region in found.regions].count("WBC") == 1
