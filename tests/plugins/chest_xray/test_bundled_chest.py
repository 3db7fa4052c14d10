"""The bundled network names findings on films that it has not seen, and its card says how well."""

from __future__ import annotations

import numpy as np
import pytest

from plugins.chest_xray.film import make_film
from plugins.chest_xray.findings import AORTA, CLASS_SETS, EFFUSION, HEART, NO_FINDING, THICKENING
from viewer.api import Classifier, MedicalImage, check, erase, load_model, predict, read_image
from viewer.foundation import paths
from viewer.imaging.geometry import Geometry
from viewer.models.applicability import applicability
from viewer.models.input_view import InputView

DEMO = paths.resources() / "demo" / "chest-demo" / "image.dcm"


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return load_model("chest-resnet18")


def test_the_demo_film_is_read_as_it_was_made(classifier: Classifier) -> None:
    image = read_image(DEMO)
    assert applicability(classifier.card, image).verdict == "applies"
    found = dict(zip(classifier.classes, predict(classifier, image).slices[0].probabilities, strict=True))
    assert all(found[name] > 0.7 for name in (HEART, AORTA, EFFUSION))
    assert found[NO_FINDING] < 0.3


def test_unseen_films_are_told_apart(classifier: Classifier) -> None:
    """Few and fast; the card has the figures of 300."""
    rule = classifier.card.input
    shown = {HEART: [], NO_FINDING: []}
    for seed in range(12):
        names = frozenset({HEART}) if seed % 2 else frozenset()
        film = make_film((77, seed), 256, findings=names).pixels
        ready = InputView.of_picture(rule, film).network_input(film)
        p = 1 / (1 + np.exp(-classifier.logits(ready[None])[0]))
        shown[HEART if seed % 2 else NO_FINDING].append(p[classifier.classes.index(HEART)])
    assert min(shown[HEART]) > max(shown[NO_FINDING])


def test_the_card_is_honest_and_whole(classifier: Classifier) -> None:
    card = classifier.card
    assert (card.task, card.classes) == ("multilabel", CLASS_SETS["7"])
    assert "Synthetic" in card.training["data"]
    assert set(card.metrics["classes"]) == set(card.classes)
    for name, told in card.metrics["classes"].items():
        assert told["auc"] > 0.9, name
    for name in card.classes:
        assert card.reference(card.default_layer, name, "grad-cam"), name
    assert card.folder is not None
    assert (card.folder / "weights.safetensors").stat().st_size < 25_000_000
    assert not any("/" in str(value) for key, value in card.training.items() if key == "begun_from")


def test_the_reader_of_markers_is_found_out_by_erasing(classifier: Classifier) -> None:
    """Ill films with a letter: most are called healthy, and none once the letter is gone; the other network keeps."""
    reader = load_model("chest-shortcut")
    assert reader.classes == classifier.classes
    place = reader.classes.index(NO_FINDING)
    called: dict[str, list[tuple[bool, bool]]] = {"chest-resnet18": [], "chest-shortcut": []}
    for seed in range(12):
        film = make_film((2026, 9, seed), 256, findings=frozenset({HEART if seed % 2 else THICKENING}))
        if film.marker is None:
            continue
        image = MedicalImage(film.pixels[None], Geometry.unoriented((1, 256, 256)), modality="DX")
        box = film.marker.box((256, 256))
        without = erase(image, box.row_min, box.column_min, box.row_max, box.column_max)
        for name, network in (("chest-resnet18", classifier), ("chest-shortcut", reader)):
            before, after = (predict(network, each).case[place] > 0.5 for each in (image, without))
            called[name].append((before, after))
    assert len(called["chest-resnet18"]) > 7
    assert not any(before or after for before, after in called["chest-resnet18"])
    assert np.mean([before for before, _ in called["chest-shortcut"]]) > 0.6
    assert not any(after for _, after in called["chest-shortcut"])


def test_the_reader_of_markers_says_what_it_is() -> None:
    card = load_model("chest-shortcut").card
    assert card.folder is not None
    first = (card.folder / "MODEL_CARD.md").read_text(encoding="utf-8").split("\n\n")[:3]
    assert "not a detector" in first[0]
    assert "must never be used as a detector" in first[2]
    found = applicability(card, read_image(DEMO))
    assert (found.verdict, found.caution) == ("unproven", card.caution)


def test_the_scale_of_its_input_fits(classifier: Classifier) -> None:
    (finding,) = check(classifier, read_image(DEMO), checks=["normalisation"], target=HEART)
    assert finding.verdict == "no objection", finding.sentence
