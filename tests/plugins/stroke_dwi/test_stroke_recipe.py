"""The recipe trains, goes on after an interruption, and leaves a folder that loads."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.stroke_dwi.settings import StrokeSettings
from plugins.stroke_dwi.training import build
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


def test_data_that_the_recipe_cannot_use_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WhySliceError, match="makes its own patients"):
        build(StrokeSettings(), data=tmp_path, work=tmp_path, progress=SILENT)


@pytest.mark.parametrize(
    ("name", "value"),
    [("architecture", "vgg"), ("patients", "0"), ("dropout", "1.5"), ("batch", "many"), ("colour", "1")],
)
def test_settings_out_of_range_are_refused(name: str, value: str) -> None:
    activate()
    with pytest.raises(UsageError, match=name):
        RECIPES.find("stroke-dwi").resolve({name: value})
