"""Words of the page of a cohort."""

from __future__ import annotations

from viewer.reporting.cohort_page import _place


def test_a_layer_that_is_a_number_is_called_a_layer() -> None:
    assert (_place("10"), _place("input")) == ("layer 10", "the input")
