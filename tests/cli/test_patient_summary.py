"""``whyslice export --format pdf`` as a person, or a script, asks for it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image


def test_a_patient_as_pages(say, tiny, nifti, tmp_path):
    out = tmp_path / "patient.pdf"
    told = say(
        *("export", nifti, "--model", tiny, "--format", "pdf", "--out", out, "--mc-samples", 0, "--json")
    )
    assert told.code == 0, told.err
    document = told.document
    assert document["path"] == str(out)
    assert document["called_slices"] == [2]
    assert document["class"] == "stroke"
    assert len(document["slices"]) == 5
    assert {"probability", "interval", "called", "side", "peak_lps_mm", "drawn_ml"} <= set(
        document["slices"][0]
    )
    assert out.read_bytes().startswith(b"%PDF")
    assert (tmp_path / "patient.provenance.json").is_file()


def test_of_a_model_that_was_not_made_for_the_image_nobody_is_called(say, tiny, tmp_path):
    photograph, out = tmp_path / "photograph.png", tmp_path / "patient.pdf"
    colours = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(colours).save(photograph)
    told = say(*("export", photograph, "--model", tiny, "--format", "pdf", "--out", out, "--mc-samples", 0))
    assert told.code == 0, told.err
    assert "not made for this image" in told.err
    assert "which is no finding" in told.out
    assert "called" not in told.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--format", "docx", "--model", "tiny"), "docx"),
        (("--format", "pdf"), "--model"),
        (("--format", "pdf", "--model", "tiny", "--class", "tumour"), "no class 'tumour'"),
        (("--format", "pdf", "--model", "tiny", "--explainer", "grad-camm"), "grad-cam"),
    ],
)
def test_what_cannot_be_summarised_is_refused_in_a_sentence(say, tiny, nifti, tmp_path, words, sentence):
    told = say("export", nifti, "--out", tmp_path / "patient.pdf", *words)
    assert told.code == 2
    assert sentence in told.sentence
