"""The experiments on tiny networks: their numbers against the plain definitions, and what their pages hold."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.tiny import CARD, bright_spot, write_tiny_segmentation
from viewer import api
from viewer.controllers.experiments.declaration import EXPERIMENTS
from viewer.controllers.experiments.order import ExperimentOrder
from viewer.controllers.experiments.running import placed, run_experiment
from viewer.controllers.experiments.to_files import experiments_to_files
from viewer.evaluation.agreement import class_overlap, correlation
from viewer.foundation.errors import Cancelled, UsageError
from viewer.foundation.progress import ProgressToken
from viewer.models.architectures import ARCHITECTURES
from viewer.plugin_host import host
from viewer.reporting.page_content import PageRow, PageWords


def rows_of(found) -> list[PageRow]:
    return [block for block in found.page.blocks if isinstance(block, PageRow)]


def explained(model, image, **wish):
    return api.explain(api.load_model(model), image, explainer="grad-cam", **wish)


def test_mirroring_sets_both_inputs_side_by_side_and_counts_what_they_share(order):
    found = run_experiment("mirroring", order)
    first, second = (
        explained(order.model, order.image, target="stroke", slice=2, mirror=turned).picture_map
        for turned in (False, True)
    )
    assert found.value == pytest.approx(correlation(first, second).value, abs=1e-5)
    as_it_is, turned = rows_of(found)
    assert [panel.content.mirrored for panel in turned.panels] == [True, False, False]
    assert not any(panel.content.mirrored for panel in as_it_is.panels)
    # The patient under the maps is never turned: the letters of both rows are the same.
    assert as_it_is.panels[1].content.letters == turned.panels[1].content.letters
    assert turned.panels[0].content.letters[0] == as_it_is.panels[0].content.letters[1]
    assert "mirrored its images" in found.sentence or "does not say" in found.sentence


def test_cropping_says_for_every_rule_how_much_lies_outside(order):
    found = run_experiment("cropping", order)
    assert set(found.numbers["mass_outside_body"]) == {"none", "brain", "percentile"}
    assert len(rows_of(found)) == 3
    shares = [share["grad-cam"] for share in found.numbers["mass_outside_body"].values()]
    assert all(0 <= share <= 1 for share in shares)
    assert found.value == found.numbers["mass_outside_body"]["none"]["grad-cam"]


def test_an_even_picture_has_no_outside(order):
    image = bright_spot()
    even = replace(image, voxels=np.ones_like(image.voxels))
    found = run_experiment("cropping", replace(order, image=even))
    assert found.value is None
    assert "No body stands out" in found.sentence


def test_a_tile_for_every_layer_with_an_output_of_its_own(order):
    found = run_experiment("layers", order)
    layers = [
        layer
        for layer in api.layers(api.load_model(order.model))
        if layer.differentiable and not layer.same_as
    ]
    assert found.value == len(layers)
    assert [row["layer"] for row in found.numbers["layers"]] == [layer.name for layer in layers]
    titles = [panel.title for row in rows_of(found) for panel in row.panels]
    assert titles == ["the slice", *(layer.name for layer in layers)]
    assert "repeat one of them" not in found.sentence


def test_the_seventy_layers_of_the_baseline_are_accounted_for(tmp_path):
    """Fifty-four have an output of their own; dropout, which is off, repeats the sixteen before it."""
    card = CARD.format(id="deep").replace("tiny-test-network", "stroke-baseline").replace("relu2", "relu6_3")
    card = card.replace("size = [32, 32]", "size = [128, 128]").split("[[reference]]")[0]
    (tmp_path / "model.toml").write_text(f"{card}[architecture_options]\nside = 128\n", encoding="utf-8")
    torch.manual_seed(0)
    host.activate()
    save_file(ARCHITECTURES["stroke-baseline"](side=128).state_dict(), tmp_path / "weights.safetensors")
    found = run_experiment("layers", ExperimentOrder(str(tmp_path), bright_spot(), 2))
    assert found.value == 54
    assert "54 layers have a map of stroke" in found.sentence
    assert "16 more repeat one of them" in found.sentence
    panels = [panel for row in rows_of(found) for panel in row.panels]
    assert len(panels) == 55
    assert [panel.note.splitlines()[0] for panel in (panels[1], panels[-1])] == ["128x128", "2x2"]


def test_six_panels_of_each_score_with_the_overlap_of_the_classes(order):
    found = run_experiment("classes", order)
    logit, probability = rows_of(found)
    assert len(logit.panels) == len(probability.panels) == 6
    maps = [explained(order.model, order.image, target=name, slice=2).raw for name in ("stroke", "no stroke")]
    expected = class_overlap(*maps)
    assert found.value == (pytest.approx(expected.value, abs=1e-5) if expected.defined else None)
    # Of two classes the probability's maps are each other's reverse, so their overlap is none at all.
    assert found.numbers["overlap"]["probability"]["grad-cam"] in (None, pytest.approx(0, abs=1e-6))
    assert "reverse by construction" in found.sentence


def test_an_improbable_class_is_flagged_on_its_panels(order):
    image = bright_spot()
    found = run_experiment("classes", replace(order, image=replace(image, voxels=4 * image.voxels)))
    assert found.numbers["improbable"] == ["no stroke"]
    flagged = [panel for panel in rows_of(found)[0].panels if "improbable" in panel.care]
    assert [panel.title.splitlines()[1] for panel in flagged] == ["no stroke", "no stroke"]
    words = found.page.blocks[-1]
    assert isinstance(words, PageWords)
    assert words.level == "caution"


def test_the_same_network_twice_agrees_entirely_and_another_training_less(order, tiny, again):
    same = run_experiment("reproducibility", replace(order, beside=(str(tiny),)))
    other = run_experiment("reproducibility", replace(order, beside=(str(again),)))
    assert same.value == pytest.approx(1, abs=1e-6)
    assert other.value < 0.999
    assert [row["slice"] for row in other.numbers["slices"]] == sorted(
        row["slice"] for row in other.numbers["slices"]
    )
    assert all(len(row.panels) == 5 for row in rows_of(other))


def test_models_are_compared_on_one_slice(order, again):
    found = run_experiment("models", replace(order, beside=(str(again),)))
    assert [row["model"] for row in found.numbers["models"]] == ["tiny", "tiny-again"]
    assert found.value == pytest.approx(found.numbers["models"][1]["correlation"])
    assert len(rows_of(found)) == 2


def test_a_grading_model_stands_below_with_all_of_its_classes(order, grading):
    facts = (("mrs_3months", "4"),)
    found = run_experiment("outcome", replace(order, beside=(str(grading),), facts=facts))
    upper, lower = rows_of(found)
    assert (len(upper.panels), len(lower.panels)) == (6, 8)
    assert upper.panels[0].note == "mrs_3months 4"
    assert set(found.numbers["models"][1]["probabilities"]) == {"no stroke", "mild", "severe"}
    assert sum(found.numbers["models"][1]["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_every_slice_has_its_map_and_its_probability(order):
    found = run_experiment("slices", order)
    prediction = api.predict(api.load_model(order.model), order.image)
    p = [each.probabilities[1] for each in prediction.slices]
    assert found.numbers["probabilities"] == pytest.approx(p, abs=1e-5)
    assert found.numbers["called"] == [index for index, each in enumerate(p) if each >= 0.5]
    assert sum(found.numbers["mass"]) == pytest.approx(1)
    assert [len(row.panels) for row in rows_of(found)] == [5, 5, 3]
    assert dict(found.page.facts)["maps"].startswith("Grad-CAM of the logit, layer relu2;")


def test_planes_go_through_the_most_probable_slice_and_not_the_largest_value(order):
    """Two spots on slice 2; on slice 4 a brighter one alone: its map is higher, and its slice is less probable."""
    image = bright_spot()
    voxels = image.voxels.copy()
    voxels[2, 20:24, 4:8] = 5.0
    voxels[4, 24:28, 4:8] = 7.0
    turned = replace(image, voxels=voxels)
    found = run_experiment("slices", replace(order, image=turned))
    highest = [explained(order.model, turned, target="stroke", slice=k).raw.max() for k in range(5)]
    assert int(np.argmax(highest)) == 4
    assert int(np.argmax(found.numbers["probabilities"])) == 2
    slice_, row, column = found.numbers["planes"]["voxel"]
    assert slice_ == 2
    assert voxels[2, row - 2 : row + 3, column - 2 : column + 3].max() == 5
    words = rows_of(found)[-1].heading
    assert words == found.numbers["planes"]["words"]
    assert "slice 3, where stroke is most probable" in words
    assert rows_of(found)[-1].panels[0].note == "axial 3 of 5"


def test_planes_of_an_empty_map_say_so(order):
    image = bright_spot()
    dark = replace(image, voxels=np.full_like(image.voxels, -1.0))
    found = run_experiment("slices", replace(order, image=dark))
    assert "its map is empty" in found.numbers["planes"]["words"]
    assert found.numbers["planes"]["voxel"][1:] == [16, 16]


def test_a_volume_is_shown_slice_by_slice_and_in_three_planes(volumes):
    found = run_experiment("slices", ExperimentOrder(str(volumes), bright_spot()))
    assert found.slice is None
    assert found.numbers["probabilities"] is None
    assert int(np.argmax(found.numbers["mass"])) == 2
    planes = rows_of(found)[-1]
    assert [panel.title for panel in planes.panels] == ["axial", "coronal", "sagittal"]
    slice_, row, column = found.numbers["planes"]["voxel"]
    volume = bright_spot().voxels
    assert slice_ == 2
    assert volume[slice_, row - 2 : row + 3, column - 2 : column + 3].max() == 5
    assert "one probability for the whole volume" in planes.heading


@pytest.mark.parametrize("name", ["mirroring", "cropping", "layers", "classes"])
def test_experiments_on_volumes(volumes, name):
    found = run_experiment(name, ExperimentOrder(str(volumes), bright_spot()))
    assert found.slice is None
    assert "the volume as a whole" in dict(found.page.facts)["image"]


@pytest.mark.parametrize("name", ["models", "outcome", "reproducibility"])
def test_what_has_no_partner_says_so(order, volumes, name):
    with pytest.raises(UsageError) as told:
        run_experiment(name, replace(order, beside=(str(volumes),)))
    assert told.value.code == "no-experiment"


def test_a_segmentation_has_no_class_of_the_whole_image(tmp_path):
    folder = write_tiny_segmentation(tmp_path)
    with pytest.raises(UsageError, match="segmentation"):
        run_experiment("mirroring", ExperimentOrder(str(folder), bright_spot(), 2))


def test_without_a_slice_all_stand_where_the_class_is_most_probable(order):
    assert placed(replace(order, slice=None)).slice == 2


def test_an_unknown_experiment_is_answered_with_the_nearest(order):
    with pytest.raises(UsageError, match="mirroring"):
        run_experiment("miroring", order)


def test_a_cancelled_experiment_stops(order):
    token = ProgressToken()
    token.cancel()
    with pytest.raises(Cancelled):
        run_experiment("mirroring", order, token)


def test_files_hold_every_experiment_and_no_name(order, again, tmp_path):
    entries = experiments_to_files(
        replace(order, beside=(str(again),)), ("classes", "outcome"), tmp_path / "figures"
    )
    by_name = {entry["name"]: entry for entry in entries}
    assert by_name["outcome"]["reason"]
    assert by_name["outcome"]["figure"] is None
    assert (tmp_path / "figures" / "classes.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "figures" / "classes.pdf").read_bytes().startswith(b"%PDF")
    record = json.loads((tmp_path / "figures" / "experiments.provenance.json").read_text())
    assert str(tmp_path) not in json.dumps(record)
    assert set(by_name) <= set(EXPERIMENTS)
