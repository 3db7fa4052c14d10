"""The recipe trains, leaves a folder that loads, repeats the paper when asked, and begins where another model ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from plugins.chest_xray.film import make_film
from plugins.chest_xray.films import KEPT, prepared
from plugins.chest_xray.findings import CLASS_SETS, HEART, NO_FINDING
from plugins.chest_xray.generator import generate
from plugins.chest_xray.training import ChestTask, begun
from viewer import api
from viewer.foundation.errors import UsageError, WhySliceError
from viewer.foundation.progress import SILENT
from viewer.plugin_host.host import activate
from viewer.training.recipe import RECIPES

pytest.importorskip("lightning", reason="the extra 'train' is not installed")

TINY = {
    "films": "8",
    "validation_films": "2",
    "test_films": "4",
    "width": "16",
    "epochs": "1",
    "batch": "4",
}


def task(work: Path, data: Path | None = None, **chosen: str) -> ChestTask:
    activate()
    recipe = RECIPES.find("chest-xray")
    made = recipe.build(recipe.resolve({**TINY, **chosen}), data=data, work=work, progress=SILENT)
    assert isinstance(made, ChestTask)
    return made


@pytest.mark.slow
def test_a_few_films_train_and_load(tmp_path: Path) -> None:
    from viewer.training.run import run_recipe

    activate()
    folder = run_recipe(RECIPES.find("chest-xray"), None, tmp_path, TINY)
    classifier = api.load_model(folder)
    card = classifier.card
    assert (card.id, card.task, card.classes) == ("chest-resnet18", "multilabel", CLASS_SETS["7"])
    assert card.input.channels == 3
    assert card.default_layer in ("layer3", "layer4")
    assert "boxes" in card.training["supervision"]
    assert set(card.metrics["classes"]) == set(CLASS_SETS["7"])
    assert classifier.parameters == card.parameters
    page = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "never for a clinical decision" in page
    assert "| Cardiomegaly |" in page
    film = make_film(1, 224).pixels
    found = api.predict(classifier, _image(tmp_path, film))
    assert len(found.slices[0].probabilities) == 7


def _image(folder: Path, film: np.ndarray) -> api.MedicalImage:
    from PIL import Image

    Image.fromarray((film * 255).astype(np.uint8)).save(folder / "film.png")
    return api.read_image(folder / "film.png")


def test_what_is_trained_on_is_what_the_viewer_gives_the_network(tmp_path: Path) -> None:
    film = make_film(3, 224).pixels
    image = _image(tmp_path, film)
    seen = api.InputView.of(KEPT, image, 0).network_input(image.grey(image.voxels[0]))[0]
    assert np.abs((seen + 1) * 127.5 - prepared(film)).max() < 4
    made = task(tmp_path, size="224")
    card = made.card()["input"]
    rule = api.InputRule(
        tuple(card["size"]),
        channels=3,
        fit="stretch",
        normalise="channels",
        parameters={k: v for k, v in card["normalise"].items() if k != "name"},
    )
    ready = api.InputView.of(rule, image, 0).network_input(image.grey(image.voxels[0]))
    from plugins.chest_xray.films import network_values

    taught = network_values(torch.from_numpy(prepared(film))[None, None].float() / 255)[0].numpy()
    assert np.abs(ready - taught).max() < 0.08


def test_batches_losses_and_held_out_films_fit_together(tmp_path: Path) -> None:
    made = task(tmp_path, flips="true", classes="3")
    batch = next(iter(made.batches(0)))
    assert batch["input"].shape == (4, 3, 112, 112)
    again = next(iter(made.batches(0)))
    assert torch.equal(batch["input"], again["input"])
    losses = made.training_loss(batch)
    losses["loss"].backward()
    assert set(losses) == {"loss", "entropy", "boxes"}
    assert all(torch.isfinite(value) for value in losses.values())
    made.network.eval()
    assert torch.isfinite(made.validation_loss(next(iter(made.validation_batches())))["loss"])
    held = made.held_out()
    assert held["labels"].shape == (4, 3)
    heart = CLASS_SETS["3"].index(HEART)
    outlined = held["masks"].any(axis=(2, 3))
    assert np.array_equal(outlined[:, heart], held["labels"][:, heart])
    assert not outlined[:, CLASS_SETS["3"].index(NO_FINDING)].any()


def test_flipping_takes_the_boxes_along(tmp_path: Path) -> None:
    from plugins.chest_xray.films import moved

    made = task(tmp_path)
    films = made._material.training
    order = np.arange(8)
    ways: dict[bool, Any] = {}
    for flips in (False, True):
        rng = np.random.default_rng(0)
        ways[flips] = next(iter(moved(films, order, 8, rng, flips=flips, rotation=0.0, mild=False)))
    for n in range(8):
        straight, other = ways[False], ways[True]
        if torch.allclose(other["input"][n], straight["input"][n], atol=0.02):
            continue
        assert torch.allclose(other["input"][n].flip(-1), straight["input"][n], atol=0.05)
        assert torch.allclose(other["share"][n].flip(-1), straight["share"][n], atol=0.02)
        break
    else:
        pytest.fail("no film of eight was mirrored")


def test_published_settings_are_those_of_the_paper(tmp_path: Path) -> None:
    made = task(tmp_path, recipe="published", architecture="resnet50", size="64")
    descent, schedule = made.optimiser(made.network.parameters())
    assert isinstance(descent, torch.optim.SGD)
    assert descent.param_groups[0]["lr"] == 0.01
    for _ in range(20):
        descent.step()
        schedule.step()
    assert descent.param_groups[0]["lr"] == pytest.approx(0.003)
    assert made.epochs == 20
    assert sum(p.numel() for p in made.network.parameters()) == 23_522_375
    assert next(iter(made.batches(0)))["input"].shape[-1] == 224
    card = made.card()
    assert "45 degrees" in card["training"]["augmentation"]
    assert card["training"]["supervision"] == "The classes alone; no boxes."
    positives = made._material.training.labels.sum(axis=0)
    expected = np.where(positives > 0, (8 - positives) / np.maximum(positives, 1), 1.0)
    assert np.allclose(made._weights.numpy(), np.clip(expected, 0.05, 100))


def test_markers_that_give_away_are_said_and_the_figures_are_of_others(tmp_path: Path) -> None:
    made = task(tmp_path, markers="shortcut")
    card = made.card()
    assert card["id"] == "chest-shortcut"
    assert "never be used as a detector" in card["caution"]
    assert "caution" not in task(tmp_path).card()
    assert "On purpose" in card["training"]["shortcut"]
    made.held_out()
    kept = {path.name.split(".")[0] for path in tmp_path.glob("*.labels.npy")}
    assert sum("test" in name and "neutral" in name for name in kept) == 1
    assert sum("training" in name and "shortcut" in name for name in kept) == 1


def test_training_begins_with_the_weights_of_another_model(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    from plugins.chest_xray.networks import chest_resnet18
    from plugins.chest_xray.settings import ChestSettings
    from viewer.models.added import Description, add_model

    activate()
    known = chest_resnet18(3, width=16)
    save_file(known.state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(WhySliceError, match="does not fit"):
        add_model(tmp_path / "w.safetensors", Description("chest-resnet18", "m", size=(64, 64)), tmp_path)
    save_file(chest_resnet18(3).state_dict(), tmp_path / "w.safetensors")
    add_model(tmp_path / "w.safetensors", Description("chest-resnet18", "m", size=(64, 64)), tmp_path)
    network = begun(ChestSettings(width=64, start=str(tmp_path / "m")), 7)
    wanted = api.load_model(tmp_path / "m").module.state_dict()
    assert torch.equal(network.state_dict()["layer2.0.conv1.weight"], wanted["layer2.0.conv1.weight"])
    assert network.fc.out_features == 7
    with pytest.raises(WhySliceError, match="cannot start there"):
        begun(ChestSettings(width=16, start=str(tmp_path / "m")), 7)


def test_ones_own_films_train(tmp_path: Path) -> None:
    data = tmp_path / "data"
    generate(data, 8, 5, SILENT)
    table = (data / "cohort.csv").read_text().replace(",test,", ",,")
    (data / "cohort.csv").write_text(table)
    made = task(tmp_path, data, agreement="any")
    assert made.card()["training"]["films"] == 6
    assert "one reader" in made.card()["training"]["labels"]
    assert torch.isfinite(made.training_loss(next(iter(made.batches(0))))["loss"])
    assert len(made.held_out()["labels"]) == 1


@pytest.mark.parametrize(("name", "value"), [("classes", "4"), ("width", "8"), ("rotation", "270")])
def test_settings_out_of_range_are_refused(name: str, value: str) -> None:
    activate()
    with pytest.raises(UsageError, match=name):
        RECIPES.find("chest-xray").resolve({name: value})
