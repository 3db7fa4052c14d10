"""``whyslice check --figures``: the experiments as a person, or a script, asks for them."""

from __future__ import annotations

import pytest

from tests.tiny import write_tiny_model
from viewer.controllers.experiments.declaration import EXPERIMENTS


def test_an_experiment_is_a_number_a_sentence_and_a_figure(say, tiny, nifti, tmp_path):
    out = tmp_path / "figures"
    told = say(
        *("check", nifti, "--model", tiny, "--checks", "none", "--experiments", "mirroring"),
        *("--figures", out, "--slice", 2, "--json"),
    )
    assert told.code == 0, told.err
    assert told.document["checks"] == []
    (found,) = told.document["experiments"]
    assert found["name"] == "mirroring"
    assert -1 <= found["value"] <= 1
    assert found["slice"] == 2
    assert found["sentence"]
    assert found["figure"] == str(out / "mirroring.png")
    assert {path.name for path in out.iterdir()} == {
        "mirroring.png",
        "mirroring.pdf",
        "experiments.provenance.json",
    }


@pytest.fixture
def again(user_folder):
    """A second training of the tiny network."""
    return write_tiny_model(user_folder, "tiny-again").name


@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if name != "outcome"])
def test_every_experiment_is_json_too(say, tiny, again, nifti, name):
    """``outcome`` is below; Table 2, misclassified cases and the patient are of ``evaluate`` and ``export``."""
    words = ("check", nifti, "--model", tiny, "--checks", "none", "--beside", again, "--slice", 2)
    told = say(*words, "--experiments", name, "--json")
    assert told.code == 0, told.err
    (found,) = told.document["experiments"]
    assert (found["name"], found["reason"]) == (name, "")
    assert isinstance(found["value"], float)
    assert found["sentence"]
    assert found["numbers"]


def test_without_a_folder_there_are_numbers_and_no_figures(say, tiny, nifti):
    told = say("check", nifti, "--model", tiny, "--checks", "none", "--experiments", "classes", "--slice", 2)
    assert told.code == 0, told.err
    assert "Overlap of the maps" in told.out


def test_an_outcome_that_only_the_cohort_knows_is_asked_for_beside_a_network_of_outcomes(
    say, tiny, nifti, tmp_path
):
    (tmp_path / "cohort.csv").write_text(f"path,label,mrs_3months\n{nifti.name},stroke,4\n")
    words = ("check", nifti, "--model", tiny, "--checks", "none", "--experiments", "outcome", "--json")
    told = say(*words, "--cohort", tmp_path, "--slice", 2, "--beside", tiny)
    assert told.code == 0, told.err
    (found,) = told.document["experiments"]
    assert found["value"] is None
    assert "three classes" in found["reason"]
    told = say(*words, "--cohort", tmp_path, "--slice", 2, "--beside", "stroke-mrs")
    assert told.code == 0, told.err
    (found,) = told.document["experiments"]
    assert found["reason"] == ""
    assert found["numbers"]["facts"] == {"mrs_3months": "4"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--checks", "none"), "leaves nothing to do"),
        (("--experiments", "miroring"), "mirroring"),
        (("--experiments", "classes", "--slice", "all"), "one layer and one slice"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(say, tiny, nifti, words, sentence):
    told = say("check", nifti, "--model", tiny, *words)
    assert told.code == 2
    assert sentence in told.sentence
