"""The recipe trains, goes on after an interruption, and leaves a folder that loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from plugins.stroke_dwi import volumes
from plugins.stroke_dwi.card import describe
from plugins.stroke_dwi.settings import StrokeSettings
from plugins.stroke_dwi.slices import Slices, augmented, balanced
from plugins.stroke_dwi.training import begun
from plugins.stroke_dwi.variants import VARIANTS
from viewer import api
from viewer.foundation.errors import Cancelled, UsageError, WhySliceError
from viewer.foundation.progress import SILENT
from viewer.plugin_host.host import activate
from viewer.training.recipe import RECIPES

pytest.importorskip("lightning", reason="the extra 'train' is not installed")

TINY = {
    "architecture": "shallow",
    "patients": "2",
    "validation_patients": "1",
    "test_patients": "1",
    "slices_per_epoch": "16",
    "batch": "8",
    "small_epochs": "1",
    "epochs": "1",
    "seed": "3",
}


class StopAfter:
    """Lets the first epoch pass and stops in the second."""

    def report(self, done: int, total: int, text: str = "") -> None:
        if text.startswith("epoch 2"):
            raise Cancelled


@pytest.mark.slow
def test_two_patients_train_stop_go_on_and_load(tmp_path: Path) -> None:
    from viewer.training.run import run_recipe

    activate()
    recipe = RECIPES.find("stroke-dwi")
    with pytest.raises(Cancelled):
        run_recipe(recipe, None, tmp_path, TINY, StopAfter())
    assert len(list((tmp_path / "work").glob("stroke-shallow-*/last.ckpt"))) == 1
    seen: list[str] = []

    class Listener:
        def report(self, done: int, total: int, text: str = "") -> None:
            seen.append(text)

    folder = run_recipe(recipe, None, tmp_path, TINY, Listener())
    assert not any(text.startswith("epoch 1 ") for text in seen), "the finished epoch was trained again"
    assert any(text.startswith("epoch 2 ") for text in seen)
    (curves,) = (tmp_path / "work").glob("*/curves.csv")
    assert curves.read_text(encoding="utf-8").count("\n") == 3

    classifier = api.load_model(folder)
    card = classifier.card
    assert classifier.parameters == card.parameters == 93_634
    assert card.id == "stroke-shallow"
    assert card.default_layer in ("relu2", "relu3")
    assert card.classes == ("no stroke", "stroke")
    assert card.input.normalise == "tissue-median"
    assert "lesion masks" in card.training["supervision"]
    assert card.reference(card.default_layer, "stroke", "grad-cam") is not None
    page = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "never for a clinical decision" in page
    assert "Synthetic" in page


@pytest.mark.parametrize(
    ("name", "value"),
    [("architecture", "vgg"), ("patients", "0"), ("dropout", "1.5"), ("batch", "many"), ("colour", "1")],
)
def test_settings_out_of_range_are_refused(name: str, value: str) -> None:
    activate()
    with pytest.raises(UsageError, match=name):
        RECIPES.find("stroke-dwi").resolve({name: value})


def _card(**chosen: str) -> dict[str, Any]:
    recipe = RECIPES.find("stroke-dwi")
    return dict(describe(recipe.resolve(chosen), VARIANTS["gap"], {}))


def test_a_twin_does_not_take_the_name_of_the_ordinary_network() -> None:
    activate()
    ordinary, plain = _card(), _card(supervision="no")
    assert (ordinary["id"], plain["id"]) == ("stroke-gap", "stroke-gap-plain")
    assert plain["name"] == f"{ordinary['name']}, never shown a lesion mask"
    assert _card(flips="no")["id"] == "stroke-gap-unmirrored"
    assert _card(flips="no", supervision="no")["id"] == "stroke-gap-plain-unmirrored"
    own = _card(name="hospital-2", flips="no")
    assert own["id"] == "hospital-2"
    assert own["name"].endswith("never shown a mirrored picture, trained as hospital-2")


@pytest.mark.parametrize("name", ["Hospital", "two words", "../gap", "-gap", "x" * 65])
def test_a_name_that_cannot_be_a_folder_is_refused_before_training(name: str) -> None:
    activate()
    with pytest.raises(UsageError, match="lower-case"):
        RECIPES.find("stroke-dwi").resolve({"name": name})


@pytest.fixture
def small_volumes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Volumes of a fraction of the size: what is tested does not depend on it."""
    monkeypatch.setattr(volumes, "SIZE", (8, 48, 48))


@pytest.mark.usefixtures("small_volumes")
@pytest.mark.parametrize("architecture", ["flat", "mrs", "3d"])
def test_other_networks_of_the_study_give_a_loss_and_a_card(architecture: str, tmp_path: Path) -> None:
    """One batch each; that training runs to its end is tested above."""
    chosen = {**TINY, "architecture": architecture, "patients": "1", "batch": "2", "volumes_per_epoch": "2"}
    activate()
    recipe = RECIPES.find("stroke-dwi")
    task = recipe.build(recipe.resolve(chosen), data=None, work=tmp_path, progress=SILENT)
    batch = next(iter(task.batches(0)))
    losses = task.training_loss(batch)
    losses["loss"].backward()
    assert {"loss", "entropy", "masks"} <= set(losses)
    assert all(torch.isfinite(value) for value in losses.values())
    assert int(batch["label"].max()) < len(VARIANTS[architecture].classes)
    task.network.eval()
    seen = next(iter(task.validation_batches()))
    assert torch.isfinite(task.validation_loss(seen)["loss"])
    card = task.card()
    assert card["dims"] == batch["input"].dim() - 2
    assert card["training"]["patients"] == 1
    assert len(card["classes"]) == (3 if architecture == "mrs" else 2)


def test_training_begins_with_the_weights_of_another_model() -> None:
    activate()
    known = api.load_model("stroke-gap").module.state_dict()
    shallow, layers = begun(VARIANTS["shallow"], StrokeSettings(architecture="shallow", start="stroke-gap"))
    assert torch.equal(shallow.conv3.weight, known["conv3.weight"])
    assert shallow.linear.weight.shape != known["linear.weight"].shape
    assert layers == {"conv1", "bn1", "conv2", "bn2", "conv3", "bn3"}
    assert begun(VARIANTS["shallow"], StrokeSettings(architecture="shallow"))[1] == frozenset()
    with pytest.raises(WhySliceError, match="cannot start there"):
        begun(VARIANTS["baseline"], StrokeSettings(architecture="baseline", start="stroke-gap"))


def test_the_network_of_volumes_begins_as_the_network_of_slices_on_every_slice() -> None:
    activate()
    slices = api.load_model("stroke-gap").module
    of_volumes, layers = begun(VARIANTS["3d"], StrokeSettings(architecture="3d", start="stroke-gap"))
    assert {f"conv{number}" for number in range(1, 6)} <= layers
    assert "conv6" not in layers
    voxels = torch.randn(1, 1, 3, 64, 64)
    with torch.no_grad():
        _, seen = of_volumes.eval().activations(voxels)
        _, one_by_one = slices.eval().activations(voxels[0].transpose(0, 1))
    assert torch.allclose(seen["relu5"][0].transpose(0, 1), one_by_one["relu5"], atol=1e-5)


@pytest.mark.usefixtures("small_volumes")
def test_the_sixth_block_alone_learns_on_the_blocks_of_the_network_of_slices(tmp_path: Path) -> None:
    activate()
    recipe = RECIPES.find("stroke-dwi")
    chosen = {**TINY, "patients": "1", "architecture": "3d", "start": "stroke-gap", "head_only": "true"}
    chosen |= {"batch": "2", "volumes_per_epoch": "2"}
    task = recipe.build(recipe.resolve(chosen), data=None, work=tmp_path, progress=SILENT)
    before = {name: value.clone() for name, value in task.network.state_dict().items()}
    optimiser = torch.optim.AdamW(task.network.parameters(), lr=0.1)
    task.network.train()
    losses = task.training_loss(next(iter(task.batches(0))))
    losses["loss"].backward()
    optimiser.step()
    moved = {
        name for name, value in task.network.state_dict().items() if not torch.equal(value, before[name])
    }
    assert {name.split(".")[0] for name in moved} == {"conv6", "bn6", "bn_head", "linear"}
    assert "masks" in losses
    words = task.card()["training"]["supervision"]
    assert "stroke-gap" in words
    assert "lesion masks" in words


def test_the_head_alone_is_trained_on_convolutions_that_stay(tmp_path: Path) -> None:
    activate()
    recipe = RECIPES.find("stroke-dwi")
    chosen = {**TINY, "patients": "1", "architecture": "mrs", "start": "stroke-gap", "head_only": "true"}
    task = recipe.build(recipe.resolve(chosen), data=None, work=tmp_path, progress=SILENT)
    before = {name: value.clone() for name, value in task.network.state_dict().items()}
    optimiser = torch.optim.AdamW(task.network.parameters(), lr=0.1)
    task.network.train()
    task.training_loss(next(iter(task.batches(0))))["loss"].backward()
    optimiser.step()
    moved = {
        name for name, value in task.network.state_dict().items() if not torch.equal(value, before[name])
    }
    assert {name.split(".")[0] for name in moved} == {"bn_head", "linear"}
    assert "stroke-gap" in task.card()["training"]["supervision"]
    with pytest.raises(WhySliceError, match="start=MODEL"):
        recipe.build(recipe.resolve({**chosen, "start": ""}), data=None, work=tmp_path, progress=SILENT)


def test_a_slice_with_a_lesion_carries_its_patients_outcome() -> None:
    slices = Slices(
        pixels=np.zeros((4, 8, 8), np.uint8),
        masks=np.zeros((4, 8, 1), np.uint8),
        patients=np.array([0, 0, 1, 1]),
        areas=np.array([0, 9, 9, 2]),
        outcomes=np.array([1, 1, 2, 2]),
    )
    assert slices.labels().tolist() == [0, 1, 1, 0]
    assert slices.labels(3).tolist() == [0, 1, 2, 0]


def test_a_slice_is_shown_with_neighbours_of_its_own_patient(tmp_path: Path) -> None:
    pixels = np.arange(5, dtype=np.uint8)[:, None, None] * np.ones((1, 8, 8), np.uint8)
    facts = {"areas": np.zeros(5), "outcomes": np.zeros(5), "limits": (0.0, 255.0), "neighbours": 1}
    slices = Slices(pixels, np.zeros((5, 8, 1), np.uint8), np.array([0, 0, 0, 1, 1]), **facts)
    shown = slices.inputs(np.array([0, 2, 3]))[:, :, 0, 0].tolist()
    assert shown == [[0, 0, 1], [1, 2, 2], [3, 3, 4]]


@pytest.mark.parametrize("published", [True, False])
def test_the_published_augmentation_moves_pictures_and_leaves_their_values(published: bool) -> None:
    pixels = np.zeros((16, 192, 192), np.uint8)
    pixels[:, 60:130, 60:130] = 100
    slices = Slices(pixels, np.zeros((16, 192, 24), np.uint8), np.arange(16), np.zeros(16), np.zeros(16))
    given = slices.inputs(np.arange(16)).amax()
    (batch,) = augmented(slices, np.arange(16), 16, 192, np.random.default_rng(0), published=published)
    assert bool((batch["input"].amax(dim=(1, 2, 3)) <= given + 1e-5).all()) is published


def test_a_network_of_neighbours_takes_what_its_card_says(tmp_path: Path) -> None:
    activate()
    recipe = RECIPES.find("stroke-dwi")
    chosen = {**TINY, "patients": "1", "neighbours": "1"}
    task = recipe.build(recipe.resolve(chosen), data=None, work=tmp_path, progress=SILENT)
    batch = next(iter(task.batches(0)))
    assert batch["input"].shape[1] == 3
    assert torch.isfinite(task.training_loss(batch)["loss"])
    card = task.card()
    assert (card["input"]["channels"], card["input"]["neighbours"]) == (3, 1)
    assert card["architecture_options"]["channels"] == 3
    with pytest.raises(WhySliceError, match="for the networks of slices"):
        recipe.build(
            recipe.resolve({**chosen, "architecture": "3d"}), data=None, work=tmp_path, progress=SILENT
        )


@pytest.mark.parametrize(("positive", "expected"), [([1, 0, 0, 0], 3), ([1, 1, 1, 1], 6), ([0, 0, 0, 0], 0)])
def test_half_of_what_is_drawn_has_the_finding_where_there_are_both(
    positive: list[int], expected: int
) -> None:
    kinds = np.array(positive, dtype=bool)
    order = balanced(kinds, 6, 0.5, np.random.default_rng(0))
    assert len(order) == 6
    assert kinds[order].sum() == expected


@pytest.mark.parametrize("flips", [True, False])
@pytest.mark.parametrize("augmentation", ["mild", "published"])
def test_the_card_tells_the_mirror_check_whether_training_mirrored(flips: bool, augmentation: str) -> None:
    from plugins.stroke_dwi.card import describe
    from viewer.evaluation.checks.input_changes import flips_in_training
    from viewer.models.card import InputRule, ModelCard

    settings = StrokeSettings(flips=flips, augmentation=augmentation)
    training = describe(settings, VARIANTS["gap"], {})["training"]
    card = ModelCard("m", ("no stroke", "stroke"), InputRule((8, 8)), training=training)
    assert flips_in_training(card) is flips
