"""What is written as TOML is read as it was."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.foundation.toml_text import toml_text

texts = st.text(st.characters(exclude_categories=("Cs",)))
plain = st.one_of(st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False), texts)
names = st.text(min_size=1, max_size=8).filter(lambda name: "\x00" not in name and name.isprintable())
values = st.recursive(
    st.one_of(plain, st.lists(plain, max_size=3)),
    lambda inner: st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(names, values, max_size=5))
def test_round_trip(document: dict[str, object]) -> None:
    assert tomllib.loads(toml_text(document)) == document


def test_plain_values_come_before_tables() -> None:
    document = {"table": {"a": 1}, "after": 2, "rows": [{"x": 1.5, "y": "two"}, {"x": 2.0, "y": 'th"ree'}]}
    assert tomllib.loads(toml_text(document)) == document


def test_unknown_things_are_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        toml_text({"a": {1, 2}.union()})
