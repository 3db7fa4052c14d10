"""Where the chosen model was made for another kind of image, the first that was made for this one is taken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tiny import bright_spot
from viewer.controllers.workbench import Workbench
from viewer.models.card import AppliesTo
from viewer.state.session import Session


def chosen(bench: Workbench, monkeypatch: pytest.MonkeyPatch, first: AppliesTo) -> list[str]:
    session: Session = bench.session
    known = next(card for card in session.models if card.id == "tiny")
    bench.opening.show(bright_spot(5))
    session.models = (replace(known, id="first", applies_to=first), known)
    session.model_id = "first"
    asked: list[str] = []
    monkeypatch.setattr(bench.explaining, "select_model", asked.append)
    bench.explaining.suit()
    return asked


def test_a_model_of_other_images_gives_way(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen(bench, monkeypatch, AppliesTo(modality=("CR", "DX"))) == ["tiny"]


@pytest.mark.parametrize("first", [AppliesTo(modality=("MR",)), AppliesTo()])
def test_a_model_that_may_apply_stays(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, first: AppliesTo
) -> None:
    assert chosen(bench, monkeypatch, first) == []


def test_before_a_case_is_open_nothing_is_taken(bench: Workbench) -> None:
    bench.explaining.suit()
    assert bench.session.case is None
