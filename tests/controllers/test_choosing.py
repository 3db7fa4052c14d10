"""Among several series: one look at the paths, then each choice reads only what it needs."""

from __future__ import annotations

import pytest

from tests.controllers.conftest import StepRunner
from tests.fake_contents import FakeSeries, contents, vanished
from viewer.controllers.workbench import Workbench
from viewer.imaging.contents import Contents
from viewer.state.opened import WITHOUT_PATIENT, Opened

Shelf = dict[str, Contents]


def test_several_series_are_offered_and_another_choice_needs_no_second_look(
    bench: Workbench, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf["study"] = contents(FakeSeries("T1", 4), FakeSeries("T2", 5))
    session = bench.session
    bench.opening.open("study")
    assert session.case is None
    first, second = session.chooser.entries
    shelf.clear()  # a second look would fail
    bench.opening.choose(first)
    assert session.chooser is None
    assert (session.case.slices, session.entry) == (4, first)
    bench.opening.choose(second)
    assert (session.case.slices, session.entry) == (5, second)
    assert session.notice is None


def test_a_series_that_is_named_is_opened_at_once(bench: Workbench, shelf: Shelf) -> None:
    shelf["study"] = contents(FakeSeries("T1", 4), FakeSeries("T2", 5))
    bench.opening.open("study", series="s2")
    assert bench.session.case.slices == 5
    assert bench.session.entry.info.id == "s2"
    bench.opening.open("study", series="s9")
    assert "s9" in bench.session.notice.sentence
    assert bench.session.case.slices == 5


def test_two_paths_make_one_choice_and_a_bad_one_does_not_stop_the_good(
    bench: Workbench, shelf: Shelf
) -> None:
    shelf["a"], shelf["b"] = contents(FakeSeries("A", 4)), contents(FakeSeries("B", 5))
    bench.opening.open("a", "b", "nowhere")
    chooser = bench.session.chooser
    assert [entry.info.description for entry in chooser.entries] == ["A", "B"]
    assert [entry.number for entry in chooser.entries] == [1, 2]
    assert ["nowhere" in each.sentence for each in chooser.unreadable] == [True]
    bench.opening.choose(chooser.entries[1])
    assert bench.session.case.slices == 5
    assert bench.session.opened is chooser


def test_one_good_path_among_bad_ones_is_still_a_choice_to_make(bench: Workbench, shelf: Shelf) -> None:
    shelf["a"] = contents(FakeSeries("A", 4))
    bench.opening.open("a", "nowhere")
    assert bench.session.case.slices == 4
    bench.opening.open("nowhere", "no-more")
    assert "nowhere" in bench.session.notice.sentence
    assert bench.session.case.slices == 4


def test_patients_are_numbered_and_never_merged() -> None:
    one = contents(FakeSeries(patient_key="x"), FakeSeries(patient_key=""), FakeSeries(patient_key="y"))
    two = contents(FakeSeries(patient_key="x"), FakeSeries(patient_key=""))
    opened = Opened.of([one, two])
    assert [entry.patient for entry in opened.entries] == [1, WITHOUT_PATIENT, 2, 1, WITHOUT_PATIENT]


def test_parts_of_a_diffusion_series_know_each_other() -> None:
    dwi = {"series_uid": "1.2", "b_values": (1000.0,)}
    opened = Opened.of(
        [contents(FakeSeries(**dwi), FakeSeries(series_uid="1.2"), FakeSeries(series_uid="9"))]
    )
    first, second, other = opened.entries
    assert opened.parts(first) == opened.parts(second) == (first, second)
    assert opened.parts(other) == ()


def test_every_series_is_peeked_at_once_and_a_broken_one_says_why(bench: Workbench, shelf: Shelf) -> None:
    good, bad = FakeSeries("A"), FakeSeries("B", broken=vanished())
    shelf["study"] = contents(good, bad)
    bench.opening.open("study")
    a, b = bench.session.chooser.entries
    assert bench.session.peeked[a].thumbnail.pixels.shape[2] == 3
    assert bench.session.peeked[b].thumbnail is None
    assert "gone.dcm" in bench.session.peeked[b].sentence
    bench.opening.offer()
    assert (good.peeks, bad.peeks) == (1, 1)


def test_a_choice_does_not_wait_for_pictures_of_the_others(
    slow_bench: Workbench, steps: StepRunner, shelf: Shelf
) -> None:
    series = [FakeSeries(f"scan {n}") for n in range(9)]
    shelf["study"] = contents(*series)
    slow_bench.opening.open("study")
    steps.step()  # the look
    steps.step()  # the first picture
    chosen = slow_bench.session.chooser.entries[8]
    slow_bench.opening.choose(chosen)
    steps.step()  # the second picture was waiting already; it has been cancelled
    steps.step()
    assert slow_bench.session.entry is chosen
    assert sum(one.peeks for one in series) == 1
    steps.drain()
    # What has been read needs no peek.
    assert [one.peeks for one in series] == [1] * 8 + [0]


def test_a_series_that_vanishes_between_chooser_and_load_leaves_the_case(
    bench: Workbench, shelf: Shelf
) -> None:
    shelf["one"] = contents(FakeSeries("fine", 4))
    bench.opening.open("one")
    case, entry = bench.session.case, bench.session.entry
    shelf["study"] = contents(FakeSeries("A"), FakeSeries("B", broken=vanished()))
    bench.opening.open("study")
    bench.opening.choose(bench.session.chooser.entries[1])
    assert "gone.dcm" in bench.session.notice.sentence
    assert (bench.session.case, bench.session.entry) == (case, entry)


def test_words_of_a_file_hide_its_name_with_the_patient() -> None:
    from dataclasses import replace
    from pathlib import Path

    entry = Opened.of([contents(FakeSeries(""))]).entries[0]
    named = replace(entry, info=replace(entry.info, modality="", path=Path(__file__)))
    assert named.words(hidden=True) == "image 1"
    assert named.words(hidden=False) == Path(__file__).name
