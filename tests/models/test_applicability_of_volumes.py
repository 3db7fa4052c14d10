"""A network that reads volumes is not given a stack that is none, until it is resampled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.tiny import bright_spot, write_tiny_model
from viewer.imaging.diagnoses import Diagnosis
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.imaging.resampling import regular
from viewer.models.applicability import applicability
from viewer.models.card import ModelCard, read_card


@pytest.fixture
def volumes(user_folder: Path) -> ModelCard:
    """The card of a network that reads whole volumes."""
    return replace(read_card(write_tiny_model(user_folder)), dims=3)


def lying(*, tilt: float = 0.0, depths: tuple[float, ...] = (0, 5, 10, 15, 20)) -> MedicalImage:
    image = bright_spot(len(depths))
    origins = np.outer(depths, [0, np.tan(np.deg2rad(tilt)), 1])
    affine = np.eye(4)
    affine[:3, 2] = origins[-1] / (len(depths) - 1)
    return replace(image, geometry=Geometry(affine, image.geometry.shape, origins=origins))


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (lying(tilt=18.5), "tilted against their stack by 18.5 degrees"),
        (lying(depths=(0, 5, 10, 20, 25)), "varies from 5.00 to 10.00 mm"),
        (lying(depths=(0, 2, 5, 11, 12)), "varies from 1.00 to 6.00 mm"),
    ],
    ids=["tilt", "gap", "uneven"],
)
def test_a_bent_stack_is_no_volume_until_it_is_resampled(
    volumes: ModelCard, image: MedicalImage, words: str
) -> None:
    found = applicability(volumes, image)
    assert found.verdict == "does_not_apply"
    assert words in found.sentence
    assert "resample the volume first, or confirm" in found.sentence
    assert applicability(volumes, regular(image)).verdict == "applies"
    assert applicability(replace(volumes, dims=2), image).verdict == "applies"


def test_what_a_reader_found_counts_where_the_grid_does_not_show_it(volumes: ModelCard) -> None:
    missing = Diagnosis("missing-slice", "warning", "2 slices are missing after slice 7 of 20.")
    image = replace(bright_spot(), diagnoses=(missing,))
    assert "2 slices are missing after slice 7 of 20 (resample" in applicability(volumes, image).sentence
    history = replace(image, diagnoses=(replace(missing, severity="note"),))
    assert applicability(volumes, history).verdict == "applies"


def test_a_sequence_in_time_is_no_volume_and_cannot_become_one(volumes: ModelCard) -> None:
    cine = replace(
        bright_spot(), diagnoses=(Diagnosis("one-place", "warning", "All 5 pictures lie at one place."),)
    )
    found = applicability(volumes, cine)
    assert found.verdict == "does_not_apply"
    assert "single slices" in found.sentence
    assert "resample" not in found.sentence


def test_an_even_volume_is_one(volumes: ModelCard) -> None:
    assert applicability(volumes, bright_spot()).verdict == "applies"
