"""A figure of several findings shows what the window shows: colours, numbers, legend, verdict and record."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tiny import bright_spot
from tests.tiny_multilabel import SPOTS, write_tiny_labels_model
from viewer.controllers.exporting import figure_of
from viewer.controllers.shown import shown_slice
from viewer.controllers.workbench import Workbench
from viewer.foundation.job_runner import InlineRunner
from viewer.imaging.image import MedicalImage
from viewer.reporting.blend import blended, grey_levels
from viewer.state.class_colours import COLOURS


@pytest.fixture
def bench(user_folder: Path) -> Workbench:
    write_tiny_labels_model(user_folder)
    image = bright_spot()
    voxels = image.voxels.copy()
    for slice_, row, column, value in SPOTS.values():
        voxels[slice_, row : row + 4, column : column + 4] = value
    bench = Workbench(InlineRunner())
    bench.explaining.select_model("tiny-labels")
    bench.opening.show(MedicalImage(voxels, image.geometry, modality="MR"))
    bench.viewing.select_slice(2)
    return bench


def colour_at(content, row: int, column: int) -> np.ndarray:
    """What the maps add to a pixel, as a share of the largest channel."""
    base = grey_levels(content.picture, content.window)
    black = np.zeros_like(base)
    added = blended(black, content.overlay, *content.tints)[row, column]
    return added / added.max()


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)], dtype=float)


def test_each_finding_is_drawn_in_its_colour_where_its_map_is(bench: Workbench) -> None:
    content = figure_of(shown_slice(bench.session))
    assert content.overlay is None
    assert [tint.colour for tint in content.tints] == list(COLOURS[:2])
    assert [tint.words.split("  ")[0] for tint in content.tints] == ["1 bright", "2 dark"]
    assert "p \u2265 0.70" in content.tints_head
    for tint, (_, row, column, _) in zip(content.tints, SPOTS.values(), strict=True):
        wanted = rgb(tint.colour) / rgb(tint.colour).max()
        np.testing.assert_allclose(colour_at(content, row + 1, column + 1), wanted, atol=0.02)
    assert "2 findings together" in content.title
    assert "legend" in dict(content.facts)["scale"]
    assert {region.label for region in content.regions if region.reader == "map"} == {"bright"}


def test_a_hidden_finding_is_named_and_not_drawn(bench: Workbench) -> None:
    bench.findings.toggle_finding("dark")
    content = figure_of(shown_slice(bench.session))
    assert [tint.values is None for tint in content.tints] == [False, True]
    assert "hidden" in content.tints[1].words
    assert "1 finding," in content.title


def test_the_neurological_picture_turns_maps_and_numbers(bench: Workbench) -> None:
    before = figure_of(shown_slice(bench.session))
    bench.viewing.toggle_convention()
    after = figure_of(shown_slice(bench.session))
    for old, new in zip(before.tints, after.tints, strict=True):
        np.testing.assert_array_equal(new.values, old.values[:, ::-1])
        assert new.peak == (old.peak[0], 32 - old.peak[1])


def test_one_class_alone_has_a_colour_bar_as_before(bench: Workbench) -> None:
    bench.findings.show_together(False)
    content = figure_of(shown_slice(bench.session))
    assert content.overlay is not None
    assert (content.tints, content.tints_head) == ((), "")
    assert "findings" not in shown_slice(bench.session).record


def test_without_a_probable_finding_the_figure_says_so(bench: Workbench, tmp_path: Path) -> None:
    bench.findings.set_least(1.0)
    shown = shown_slice(bench.session)
    content = figure_of(shown)
    assert content.tints == ()
    assert "no finding" in content.tints_head
    assert "no finding" in content.verdict
    bench.exporting.save_figure(tmp_path / "none.png")
    assert bench.session.notice.severity == "note"


def test_the_file_has_the_colours_and_the_record_the_findings(bench: Workbench, tmp_path: Path) -> None:
    bench.exporting.save_figure(tmp_path / "why.png")
    with Image.open(tmp_path / "why.png") as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3).astype(float)
    for colour in COLOURS[:2]:
        assert (np.abs(pixels - rgb(colour)).max(axis=1) < 3).sum() > 100, "a swatch in the legend"
    record = json.loads((tmp_path / "why.provenance.json").read_text())
    found = record["findings"]
    assert found["least_probability"] == 0.7
    assert [(each["class"], each["shown"]) for each in found["maps"]] == [("bright", True), ("dark", True)]
    assert all(each["scale"] > 0 for each in found["maps"])
