"""The list of models on this machine, read from their cards alone: no torch."""

from __future__ import annotations

from viewer.foundation import paths
from viewer.foundation.errors import ModelError
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
