"""Settings of a recipe: typed, limited, named in every complaint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from viewer.foundation.errors import UsageError
from viewer.training.recipe import Recipe


@dataclass(frozen=True)
class Settings:
    network: str = field(default="small", metadata={"choices": ("small", "large")})
    patients: int = field(default=10, metadata={"minimum": 1, "maximum": 99})
    rate: float = 0.5
    augment: bool = True
    name: str = field(default="", metadata={"meaning": "id, of small letters", "pattern": "[a-z]*"})


def never(settings: Any, **_: Any) -> Any:
    raise AssertionError


RECIPE = Recipe("toy", "A toy.", Settings, never)


def test_defaults() -> None:
    assert RECIPE.resolve({}) == Settings()


def test_texts_and_values_take_the_type_of_the_default() -> None:
    chosen = RECIPE.resolve({"network": "large", "patients": "7", "rate": "1e-3", "augment": "no"})
    assert chosen == Settings("large", 7, 0.001, False)
    assert RECIPE.resolve({"patients": 7, "rate": 2, "augment": False}) == Settings("small", 7, 2.0, False)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("network", "huge", "one of small, large"),
        ("patients", "0", "at least 1"),
        ("patients", "100", "at most 99"),
        ("patients", "2.5", "whole number"),
        ("rate", "fast", "a number"),
        ("augment", "perhaps", "true or false"),
        ("name", "Two words", "the id, of small letters"),
        ("name", "a\n", "the id, of small letters"),
        ("pateints", "3", "nearest: patients"),
    ],
)
def test_complaints_name_the_setting(name: str, value: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as complaint:
        RECIPE.resolve({name: value})
    assert f"'{name}'" in complaint.value.sentence


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError):
        RECIPE.resolve({"patients": "nan"})


def test_a_text_that_matches_is_taken() -> None:
    assert RECIPE.resolve({"name": "twin"}).name == "twin"
