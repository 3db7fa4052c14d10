"""Pages of studies: what one command has written, it reads again, so that one figure can be made anew alone."""

from __future__ import annotations

from pathlib import Path

from benchmarks.stroke_experiments import FIGURES, page_of, written

_PAGE = Path(__file__).parents[2] / "docs" / "studies" / "stroke_experiments.md"


def test_the_page_of_the_stroke_figures_is_what_its_command_writes():
    page = _PAGE.read_text(encoding="utf-8")
    found = written(page)
    assert list(found) == [figure.title for figure in FIGURES]
    assert page_of(found) == page
    pictures = [each["picture"] for each in found.values() if "picture" in each]
    assert all((_PAGE.parent / "pictures" / name).is_file() for name in pictures)


def test_a_figure_that_is_missing_says_so_and_the_others_stay():
    first, *others = (figure.title for figure in FIGURES)
    found = written(
        page_of({first: {"picture": "stroke-mirroring.png", "sentence": "It turns. Left out: no."}})
    )
    assert found[first] == {"picture": "stroke-mirroring.png", "sentence": "It turns. Left out: no."}
    assert all("not made yet" in found[title]["reason"] for title in others)
