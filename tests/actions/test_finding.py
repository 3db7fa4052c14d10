"""What a few letters find, in which order, and what is said of that which cannot be done now."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.actions.action import Action
from viewer.actions.finding import find
from viewer.actions.table import ACTIONS
from viewer.state.session import Session


def first(typed: str) -> str:
    return find(typed, ACTIONS, Session())[0].action.id


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("mirror", "input.mirror"),
        ("mir inp", "input.mirror"),
        ("inp mir", "input.mirror"),
        ("SAVE FIG", "case.save-figure"),
        ("svfig", "case.save-figure"),
        ("next slice", "view.next-slice"),
        ("demo", "case.open-demo"),
    ],
)
def test_a_few_letters_find_it(typed: str, wanted: str) -> None:
    assert first(typed) == wanted


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("threshold", "map.threshold-up"),
        ("overlay opacity", "map.more-opacity"),
        ("opacity", "map.more-opacity"),
        ("transparency", "map.more-opacity"),
        ("lut", "map.colours-inferno"),
        ("colormap", "map.colours-inferno"),
        ("viridis", "map.colours-viridis"),
        ("heatmap", "map.toggle"),
        ("zoom", "view.zoom-in"),
        ("zoom out", "view.zoom-out"),
        ("reset zoom", "view.fit"),
        ("contrast", "view.more-contrast"),
        ("brightness", "view.brighter"),
        ("window level", "view.preset-1"),
        ("w/l", "view.reset-window"),
        ("invert", "view.invert"),
        ("flip", "view.neurological"),
        ("mpr", "view.workspace-volume"),
        ("axial", "view.workspace-volume"),
        ("layout", "view.workspace-reading"),
        ("compare", "view.workspace-compare"),
        ("play", "view.cine"),
        ("ruler", "boxes.measure"),
        ("measure", "boxes.measure"),
        ("length", "boxes.measure"),
        ("roi", "boxes.draw"),
        ("annotate", "boxes.draw"),
        ("screenshot", "case.save-figure"),
        ("clipboard", "edit.copy-view"),
        ("pdf", "case.save-figure"),
        ("print", "case.save-figure"),
        ("anonymize", "case.hide-phi"),
        ("anonymise", "case.hide-phi"),
        ("ground truth", "case.load-truth"),
        ("import", "case.open-file"),
        ("close", "case.close"),
        ("quit", "case.quit"),
        ("exit", "case.quit"),
        ("undo", "edit.undo"),
        ("preferences", "edit.settings"),
        ("dark mode", "edit.settings"),
        ("hotkeys", "edit.shortcuts"),
        ("report", "experiment.patient-summary"),
        ("version", "help.about"),
    ],
)
def test_the_words_of_other_viewers_find_it(typed: str, wanted: str) -> None:
    """Words of 3D Slicer, OHIF and napari."""
    assert first(typed) == wanted


@pytest.mark.parametrize("typed", ["histogram", "export segmentation", "save segmentation", "rendering"])
def test_what_the_program_does_not_have_finds_nothing(typed: str) -> None:
    assert find(typed, ACTIONS, Session()) == ()


def test_the_other_word_by_which_it_was_found_is_told() -> None:
    one = find("ruler", ACTIONS, Session())[0]
    assert (one.by, one.hits) == ("ruler", ())
    assert find("measure", ACTIONS, Session())[0].by == ""


def test_scattered_letters_are_no_answer_where_something_has_the_word() -> None:
    assert "map.under-noise" not in {one.action.id for one in find("mirror", ACTIONS, Session())}
    assert "case.save-cohort" not in {one.action.id for one in find("ruler", ACTIONS, Session())}


def test_whatever_cannot_be_done_says_why() -> None:
    silent = [one.action.id for one in find("", ACTIONS, Session()) if not one.enabled and not one.why_not]
    assert silent == []


def test_a_word_that_only_the_tooltip_has_is_found_last() -> None:
    found = find("synthetic", ACTIONS, Session())
    assert "case.open-demo" in {one.action.id for one in found}


def test_letters_that_nothing_has_find_nothing() -> None:
    assert find("xqzv", ACTIONS, Session()) == ()


def test_without_letters_everything_is_there_and_what_can_be_done_first() -> None:
    found = find("  ", ACTIONS, Session())
    assert {one.action for one in found} == {action for action in ACTIONS if action.shown(Session())}
    able = [one.enabled for one in found]
    assert able == sorted(able, reverse=True)


def test_what_cannot_be_done_says_why() -> None:
    [saving] = [one for one in find("save figure", ACTIONS, Session()) if one.action.id == "case.save-figure"]
    assert not saving.enabled
    assert saving.why_not == "No image is open."


@given(st.text(alphabet="abcdefgmst ", max_size=8))
def test_the_hits_are_the_letters_that_were_typed(typed: str) -> None:
    for one in find(typed, ACTIONS, Session()):
        if one.hits:
            assert {one.words[n].lower() for n in one.hits} <= set(typed)


@given(st.text(max_size=12))
def test_anything_may_be_typed(typed: str) -> None:
    assert len(find(typed, ACTIONS, Session())) <= len(ACTIONS)


def test_a_longer_beginning_of_the_words_is_not_worth_less_than_scattered_letters() -> None:
    def row(identity: str, text: str) -> Action:
        return Action(identity, text, "View", "Tip.", lambda _: None)

    rows = (row("a", "Spread the pale ink"), row("b", "Undo it"), row("c", "Spin"))
    assert find("spi", rows, Session())[0].action.id == "c"
