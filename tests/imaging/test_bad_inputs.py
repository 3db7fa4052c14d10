"""All thirty bad inputs are recognised, coded and explained, and the folder goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.imaging.bad_inputs import BAD_INPUTS, PAGE, BadInput, answer_to, page


def test_there_are_thirty() -> None:
    assert sorted({int(bad.number.rstrip("abcd")) for bad in BAD_INPUTS}) == list(range(1, 31))


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: f"{bad.number} {bad.what}")
def test_a_bad_input_is_named_and_the_folder_goes_on(bad: BadInput, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    answer, said, images = answer_to(bad, folder)
    assert answer is not None, said
    for words in bad.words:
        assert words in answer.sentence
    assert answer.sentence.endswith(".")
    assert str(tmp_path) not in answer.sentence
    assert (answer.severity != "refused") == bad.image or bad.number == "30d"
    # The picture itself where there is one, and the good file beside it.
    assert images >= bad.image + (not bad.alone)


def test_the_page_says_what_the_readers_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.imaging.bad_inputs"
