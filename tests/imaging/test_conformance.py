"""The page of DICOM conformance says what the code does."""

from __future__ import annotations

from tests.imaging.conformance import IGNORED, PAGE, PRIVATE, SPECIAL, attributes, page, private_elements


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.imaging.conformance"


def test_every_element_of_a_vendor_has_its_words_and_no_words_are_left_over() -> None:
    assert {(creator, element) for _, creator, element in private_elements()} == set(PRIVATE)


def test_what_is_said_to_be_ignored_is_read_nowhere() -> None:
    read = attributes()
    assert [what for what, keyword in IGNORED if keyword in read] == []


def test_what_is_treated_in_a_way_of_its_own_is_read() -> None:
    read = attributes()
    assert [what for what, _, keyword in SPECIAL if keyword not in read] == []
    assert {"PatientName", "PixelData", "RescaleSlope", "WindowCenter"} <= set(read)
