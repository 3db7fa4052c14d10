from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.tiny import CARD, bright_spot, tiny_network, write_tiny_model
from viewer import api
from viewer.foundation.errors import ModelError, UsageError
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage
from viewer.models.applicability import applicability
from viewer.models.card import AppliesTo, read_card
from viewer.models.shelf import find_card, model_cards


def test_card_is_read_whole(user_folder: Path) -> None:
    card = read_card(write_tiny_model(user_folder))
    assert card.classes == ("no stroke", "stroke")
    assert card.input.size == (32, 32)
    assert card.reference("relu2", "stroke", "grad-cam") == 2.0
    assert card.reference("relu2", "stroke", "layer-cam") is None
    assert card.threshold("stroke") == card.threshold("unknown") == 0.5
    assert card.weights is not None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('classes = ["no stroke", "stroke"]', "", "'classes' is missing"),
        ('task = "multiclass"', 'task = "guess"', "task 'guess'"),
        ("size = [32, 32]", "size = [32]", "input size"),
        ('crop = "none"', 'crop = "some"', "crop 'some'"),
        ('positive_class = "stroke"', 'positive_class = "TIA"', "positive class 'TIA'"),
        ("dims = 2", "dims = = 2", "cannot be read"),
        ('classes = ["no stroke", "stroke"]', 'classes = ["stroke", "stroke"]', "one name"),
        ("stroke = 0.5", "strok = 0.9", "threshold of 'strok'"),
        ("stroke = 0.5", "stroke = 50", "not a probability"),
        ("size = [32, 32]", "size = [32, 32]\nneighbours = 1", "3 channels"),
        ("size = [32, 32]", "size = [32, 32]\nneighbours = -1", "neighbours"),
    ],
)
def test_a_bad_card_names_the_field(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in CARD
    (tmp_path / "model.toml").write_text(CARD.format(id="bad").replace(old, new))
    with pytest.raises(ModelError, match=words):
        read_card(tmp_path)


def test_a_broken_card_does_not_hide_the_others(user_folder: Path) -> None:
    write_tiny_model(user_folder)
    broken = user_folder / "models" / "broken"
    broken.mkdir(exist_ok=True)
    (broken / "model.toml").write_text("id = ")
    cards, errors = model_cards()
    assert "tiny" in [card.id for card in cards]
    assert any("broken" in error.sentence for error in errors)
    (broken / "model.toml").unlink()


def test_models_that_are_not_there(tmp_path: Path, user_folder: Path) -> None:
    write_tiny_model(user_folder)
    with pytest.raises(ModelError, match=r"no model 'tinny'.*tiny"):
        find_card("tinny")
    with pytest.raises(ModelError, match=r"no model\.toml"):
        find_card(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ModelError, match="is a file, not a model folder"):
        find_card(tmp_path / "file")


def test_a_model_without_weights_says_so(tmp_path: Path) -> None:
    (tmp_path / "model.toml").write_text(CARD.format(id="weightless"))
    with pytest.raises(ModelError, match="has no weights"):
        api.load_model(tmp_path)


def test_classes_by_index_and_name() -> None:
    wrapped = api.wrap_module(tiny_network(), classes=["no stroke", "stroke"], dims=2, input_size=(32, 32))
    assert wrapped.target_index("stroke") == wrapped.target_index(1) == 1
    for wrong in ("strokes", 2, -1, True):
        with pytest.raises(UsageError):
            wrapped.target_index(wrong)


def oblique(name: str, spacing: float = 1.0) -> MedicalImage:
    affine = {"axial": np.diag([spacing, spacing, 5, 1]), "coronal": np.diag([1.0, 5, 1, 1])}[name]
    return MedicalImage(np.zeros((4, 8, 8), np.float32), Geometry(affine, (4, 8, 8)), modality="MR")


def test_applicability_has_three_verdicts(user_folder: Path) -> None:
    card = read_card(write_tiny_model(user_folder))
    assert applicability(card, bright_spot()).verdict == "applies"
    assert applicability(card, bright_spot(modality="")).verdict == "unproven"
    ct = applicability(card, bright_spot(modality="CT"))
    assert ct.verdict == "does_not_apply"
    assert "CT" in ct.sentence
    assert applicability(card, oblique("coronal")).verdict == "does_not_apply"
    colour = MedicalImage(np.zeros((1, 8, 8, 3), np.uint8), Geometry.unoriented((1, 8, 8)))
    assert "colour" in applicability(card, colour).sentence
    silent = applicability(replace(card, applies_to=AppliesTo()), bright_spot())
    assert silent.verdict == "unproven"
    assert "its card does not say" in silent.sentence
    brain = replace(card, applies_to=replace(card.applies_to, body_part="brain"))
    assert applicability(brain, replace(bright_spot(), body_part="brain")).verdict == "applies"
    assert applicability(brain, replace(bright_spot(), body_part="chest")).verdict == "does_not_apply"


@pytest.mark.parametrize(
    ("spacing", "verdict"), [(2.0001, "applies"), (2.1, "does_not_apply"), (0.5, "does_not_apply")]
)
def test_spacing_is_compared_as_headers_mean_it(user_folder: Path, spacing: float, verdict: str) -> None:
    card = read_card(write_tiny_model(user_folder))
    card = replace(card, applies_to=replace(card.applies_to, spacing_mm=(0.6, 2.0)))
    assert applicability(card, oblique("axial", spacing)).verdict == verdict


def test_weights_that_are_not_those_of_the_card_are_refused(user_folder: Path) -> None:
    folder = write_tiny_model(user_folder, "swapped")
    card = folder / "model.toml"
    card.write_text(f'weights_sha256 = "{"0" * 64}"\n' + card.read_text())
    with pytest.raises(ModelError, match="not those that its card describes"):
        api.load_model(folder)
    card.unlink()
