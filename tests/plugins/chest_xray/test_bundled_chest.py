"""The bundled network names findings on films that it has not seen, and its card says how well."""

from __future__ import annotations

import numpy as np
import pytest

from plugins.chest_xray.film import make_film
from plugins.chest_xray.findings import AORTA, CLASS_SETS, EFFUSION, HEART, NO_FINDING
from viewer.api import Classifier, check, load_model, predict, read_image
from viewer.foundation import paths
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


def test_the_scale_of_its_input_fits(classifier: Classifier) -> None:
    (finding,) = check(classifier, read_image(DEMO), checks=["normalisation"], target=HEART)
    assert finding.verdict == "no objection", finding.sentence
