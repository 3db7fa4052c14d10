"""The list of models on this machine, read from their cards alone: no torch."""

from __future__ import annotations

from pathlib import Path

from viewer.foundation import paths
from viewer.foundation.errors import ModelError
from viewer.foundation.registry import nearest
from viewer.models.card import ModelCard, read_card


def model_cards() -> tuple[tuple[ModelCard, ...], tuple[ModelError, ...]]:
    """Every readable card of the bundled and the user's model folders, and what was wrong with the others.

    A user's model with the id of a bundled one is not taken.
    """
    cards: dict[str, ModelCard] = {}
    broken: list[ModelError] = []
    for place in paths.model_folders():
        for folder in sorted(f for f in place.glob("*") if (f / "model.toml").is_file()):
            try:
                card = read_card(folder)
            except ModelError as error:
                broken.append(error)
                continue
            if card.id in cards:
                broken.append(
                    ModelError(
                        f"There are two models '{card.id}'; the bundled one is used.", code="name-taken"
                    )
                )
            else:
                cards[card.id] = card
    return tuple(cards.values()), tuple(broken)


def find_card(id_or_folder: str | Path) -> ModelCard:
    """The card of a bundled or added model by id, or of any model folder by path.

    Raises
    ------
    ModelError
        When there is no such model (nearest ids are offered) or its card is not usable.
    """
    text = str(id_or_folder)
    cards, _ = model_cards()
    for card in cards:
        if card.id == text:
            return card
    folder = Path(id_or_folder)
    if folder.is_dir():
        return read_card(folder)
    if folder.is_file():
        raise ModelError(
            f"'{folder.name}' is a file, not a model folder.",
            code="not-a-model",
            action="A model is a folder with model.toml and weights.safetensors.",
        )
    raise ModelError(
        f"There is no model '{text}'{nearest(text, [c.id for c in cards])}.", code="no-such-model"
    )
