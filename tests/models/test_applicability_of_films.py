"""A film is told by its modality, its view position and its colours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.tiny import write_tiny_model
from viewer.api import read_image, write_radiograph
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.models.applicability import applicability
from viewer.models.card import AppliesTo, ModelCard, read_card


@pytest.fixture
def card(user_folder: Path) -> ModelCard:
    """The card of a network for films from the front."""
    wanted = AppliesTo(modality=("CR", "DX"), plane="coronal")
    return replace(read_card(write_tiny_model(user_folder)), applies_to=wanted)


def film(view: str = "", *, modality: str = "DX", colour: bool = False) -> MedicalImage:
    voxels = np.zeros((1, 20, 30, 3) if colour else (1, 20, 30), np.uint8)
    geometry = Geometry(np.eye(4), (1, 20, 30), oriented=False, placed=False)
    return MedicalImage(voxels, geometry, modality=modality, view_position=view)


def test_a_film_from_the_front_applies_and_a_lateral_one_does_not(card: ModelCard) -> None:
    assert applicability(card, film("PA")).verdict == "applies"
    lateral = applicability(card, film("LL"))
    assert lateral.verdict == "does_not_apply"
    assert "a lateral film (LL), made for frontal films" in lateral.sentence


def test_a_card_that_cautions_against_its_model_never_applies(card: ModelCard) -> None:
    cautious = replace(card, caution="it was made to show a mistake")
    found = applicability(cautious, film("PA"))
    assert applicability(card, film("PA")).verdict == "applies"
    assert found.verdict == "unproven"
    assert found.sentence == "It was made to show a mistake."
    assert found.fits
    assert not applicability(cautious, film()).fits
    silent = applicability(cautious, film())
    assert silent.sentence.startswith(
        "It was made to show a mistake. Nobody can tell whether the model applies: "
    )
    lateral = applicability(cautious, film("LL"))
    assert lateral.verdict == "does_not_apply"
    assert "mistake" not in lateral.sentence


def test_a_film_that_does_not_say_its_view_is_unproven(card: ModelCard) -> None:
    assert applicability(card, film()).verdict == "unproven"


def test_a_card_may_name_its_view_positions(card: ModelCard) -> None:
    strict = replace(card, applies_to=AppliesTo(view_position=("PA",)))
    assert applicability(strict, film("PA")).verdict == "applies"
    assert "view position AP, made for PA" in applicability(strict, film("AP")).sentence
    assert "view position" in applicability(strict, film()).sentence


def test_a_colour_photograph_is_named(card: ModelCard) -> None:
    found = applicability(card, film("PA", colour=True))
    assert found.verdict == "does_not_apply"
    assert "a colour picture, made for grey ones" in found.sentence


def test_the_view_position_is_read_from_the_file(card: ModelCard, tmp_path: Path) -> None:
    path = tmp_path / "lateral.dcm"
    pixels = np.arange(600, dtype=np.uint16).reshape(20, 30)
    facts = {"modality": "DX", "bits": 12, "pixel_mm": 0.2, "description": "side", "patient": "nobody"}
    write_radiograph(path, pixels, view_position="LL", **facts)
    image = read_image(path)
    assert image.view_position == "LL"
    assert applicability(card, image).verdict == "does_not_apply"
