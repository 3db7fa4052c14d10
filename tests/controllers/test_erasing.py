"""Was the network reading what is erased? Numbers before and after, undone like everything else."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tiny import bright_spot
from viewer.controllers.workbench import Workbench
from viewer.evaluation.regions import Region
from viewer.foundation.errors import UsageError
from viewer.imaging.erasure import Erasure
from viewer.state.canvas_view import canvas_view, shown_background
from viewer.state.case import Truth
from viewer.state.compare_view import columns, compare_view
from viewer.state.map_view import map_view
from viewer.state.panel_views import prediction_view

STROKE = 1


@pytest.fixture
def shown(bench: Workbench) -> Workbench:
    """The bright square, which the tiny network calls stroke, is on rows 8 to 12 and columns 20 to 24 of slice 2."""
    bench.opening.show(bright_spot())
    bench.viewing.select_slice(2)
    return bench


def probability(bench: Workbench) -> float:
    assert bench.session.reading is not None
    return bench.session.reading.probability(bench.session.view.slice, STROKE)


def test_what_is_erased_is_not_seen_by_the_network_and_stays_on_screen(shown: Workbench) -> None:
    session = shown.session
    before = probability(shown)
    shown.erasing.add(7, 19, 13, 25)
    after = probability(shown)
    assert before > 0.5 > after
    bars = prediction_view(session).bars
    assert bars[STROKE].probability == pytest.approx(after)
    assert bars[STROKE].other_input == pytest.approx(before)
    assert shown_background(session).pixels[9, 21] == session.case.picture(2)[9, 21], "the patient stays"
    found = map_view(session, session.reading, 2)
    assert "a part of the input was erased" in found.may_read.line
    (erased,) = canvas_view(session, found).erased
    assert (erased.row_min, erased.slice, erased.fill) == (7, 2, "surroundings")
    shown.viewing.toggle_seen()
    seen = shown_background(session)
    assert seen.pixels.max() < 1
    assert "ERASED IN PART" in seen.mark


def test_only_the_slice_where_it_was_drawn_is_erased(shown: Workbench) -> None:
    shown.erasing.add(7, 19, 13, 25)
    shown.viewing.select_slice(1)
    found = map_view(shown.session, shown.session.reading, 1)
    assert "erased" not in found.may_read.line
    assert canvas_view(shown.session, found).erased == ()


def test_it_is_undone_done_again_and_put_back(shown: Workbench) -> None:
    before, session = probability(shown), shown.session
    shown.erasing.add(7, 19, 13, 25)
    after = probability(shown)
    assert session.history.past[-1].words == "erase a part"
    shown.undoing.undo()
    assert (session.choice.erased, probability(shown)) == ((), before)
    shown.undoing.redo()
    assert probability(shown) == after
    shown.erasing.put_back()
    assert probability(shown) == before


def test_mirror_and_crop_keep_what_is_erased(shown: Workbench) -> None:
    shown.erasing.add(7, 19, 13, 25)
    shown.explaining.toggle_mirror()
    shown.explaining.step_crop()
    assert len(shown.session.choice.erased) == 1
    shown.undoing.undo()
    assert len(shown.session.choice.erased) == 1


def test_another_filling_is_used_for_everything_that_is_erased(shown: Workbench) -> None:
    shown.erasing.add(7, 19, 13, 25)
    shown.erasing.set_fill("mean")
    assert [each.fill for each in shown.session.choice.erased] == ["mean"]
    shown.erasing.add(20, 2, 25, 8)
    assert [each.fill for each in shown.session.choice.erased] == ["mean", "mean"]
    with pytest.raises(UsageError, match="blur"):
        shown.erasing.set_fill("blurr")  # type: ignore[arg-type]


def test_the_selected_box_and_what_readers_marked(shown: Workbench) -> None:
    session = shown.session
    with pytest.raises(UsageError, match="Select a box"):
        shown.erasing.erase_selected()
    shown.boxing.add(7, 19, 13, 25)
    shown.erasing.erase_selected()
    assert session.choice.erased[0].row_max == 13
    shown.erasing.put_back()
    regions = (
        Region(1, 2, 5, 8, "marker", "A", 2),
        Region(1, 3, 5, 9, "marker", "B", 2),
        Region(1, 3, 5, 9, "marker", "B", 3),
    )
    shown.opening.show(bright_spot(), truth=Truth(np.zeros(5, bool), regions))
    shown.viewing.select_slice(2)
    shown.erasing.erase_marked("marker")
    assert len(session.choice.erased) == 2
    with pytest.raises(UsageError, match="nearest: marker"):
        shown.erasing.erase_marked("markre")


def test_a_click_and_a_box_outside_erase_nothing(shown: Workbench) -> None:
    shown.erasing.draw_mode(True)
    shown.erasing.add(7, 19, 7.2, 19.2)
    assert shown.session.choice.erased == ()
    assert not shown.session.view.erasing
    with pytest.raises(UsageError, match="no pixel"):
        shown.erasing.add(40, 40, 50, 50)
    with pytest.raises(UsageError, match="whole picture"):
        shown.erasing.add(-3, -3, 50, 50)
    with pytest.raises(UsageError, match="no slice 9"):
        shown.erasing.erase_all((Erasure(1, 1, 4, 4, 9),))


def test_another_case_is_whole_again(shown: Workbench) -> None:
    shown.erasing.add(7, 19, 13, 25)
    shown.opening.show(bright_spot(4))
    assert shown.session.choice.erased == ()


def test_maps_on_demand_and_of_compare_are_of_the_erased_input(shown: Workbench) -> None:
    shown.erasing.add(7, 19, 13, 25)
    shown.explaining.select_target("stroke")
    shown.explaining.select_explainer("gradient")
    shown.explaining.asking.compute()
    assert shown.session.reading.variant.erased
    shown.explaining.comparing.select("inputs")
    shown.viewing.set_workspace("compare")
    titles = [column.title for column in columns(shown.session)]
    assert titles.index("erased in part") == 2
    tile = compare_view(shown.session).rows[1][2]
    assert tile.words.startswith(f"p {probability(shown):.2f}")
