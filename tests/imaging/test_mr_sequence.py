"""What protocol names and descriptions say of an MR sequence."""

from __future__ import annotations

import pytest

from viewer.imaging.mr_sequence import named_sequence, names_trace


@pytest.mark.parametrize(
    ("words", "b_value", "sequence"),
    [
        ("ep2d_diff_3scan_p2", None, "DWI"),
        ("AX DWI b1000", None, "DWI"),
        ("*ep_b1000t", None, "DWI"),
        ("ep2d_diff_ADC", None, "ADC"),
        ("t2_tirm_tra_dark-fluid", None, "FLAIR"),
        ("T2 FLAIR", None, "FLAIR"),
        ("t1_mprage_sag", None, "T1"),
        ("t2_tse_tra", None, "T2"),
        ("t2_tse_tra", 1000.0, "DWI"),
        ("head", 0.0, "DWI"),
        ("different head", None, ""),
        ("", None, ""),
    ],
)
def test_words_name_a_sequence(words: str, b_value: float | None, sequence: str) -> None:
    assert named_sequence(words, b_value) == sequence


def test_a_trace_image_is_named_in_several_ways() -> None:
    assert all(
        names_trace(words) for words in ("ep2d_diff_TRACEW", "b1000 trace", "Isotropic DWI", "x_trace")
    )
    assert not any(names_trace(words) for words in ("retraced", "DWI b1000", "traces"))
