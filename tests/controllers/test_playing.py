"""Cine, windows and workspaces as plain state."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.tiny import bright_spot
from viewer.actions.table import ACTIONS
from viewer.controllers.workbench import Workbench
from viewer.foundation.errors import SettingsError
from viewer.foundation.job_runner import InlineRunner
from viewer.foundation.settings import Settings
from viewer.imaging.geometry import Geometry
from viewer.imaging.image import MedicalImage

BY_ID = {action.id: action for action in ACTIONS}


def test_cine_plays_round_and_stops_with_the_case(bench: Workbench) -> None:
    bench.opening.show(bright_spot(3))
    bench.viewing.first()
    bench.playing.toggle()
    seen = []
    for _ in range(4):
        bench.playing.step()
        seen.append(bench.session.view.slice)
    assert seen == [1, 2, 0, 1]
    bench.session.case = replace(bench.session.case, title="with truth")
    assert bench.session.cine.playing, "it is the same image"
    bench.opening.show(bright_spot(4))
    assert not bench.session.cine.playing
    bench.playing.step()
    assert bench.session.view.slice == 2, "a step after the end moves nothing"


def test_cine_plays_the_slices_that_are_there(bench: Workbench) -> None:
    image = bright_spot(5)
    arrived = np.array([True, False, False, True, False])
    bench.opening.show(bright_spot(5))
    bench.session.case = replace(bench.session.case, image=replace(image, arrived=arrived))
    bench.viewing.first()
    bench.playing.toggle()
    bench.playing.step()
    assert bench.session.view.slice == 3
    bench.playing.step()
    assert bench.session.view.slice == 0


def test_the_rate_stays_between_its_ends(bench: Workbench) -> None:
    for _ in range(30):
        bench.playing.faster()
    assert bench.session.cine.rate == 30
    for _ in range(30):
        bench.playing.slower()
    assert bench.session.cine.rate == 1
    bench.playing.set_rate(999)
    assert bench.session.cine.rate == 30


def test_a_single_picture_says_why_it_has_neither_cine_nor_volume(bench: Workbench) -> None:
    bench.opening.show(MedicalImage(np.zeros((1, 8, 8), np.uint8), Geometry.unoriented((1, 8, 8))))
    bench.playing.toggle()
    assert not bench.session.cine.playing
    for name in ("view.cine", "view.workspace-volume"):
        assert not BY_ID[name].is_enabled(bench.session)
        assert BY_ID[name].why_not(bench.session).endswith(".")


@pytest.mark.parametrize("modality", ["CT", "MR", "CR", "DX", "PT", "NM", "US", ""])
def test_every_preset_key_does_something_visible_or_says_why_not(bench: Workbench, modality: str) -> None:
    values = np.random.default_rng(0).gamma(2, 300, (4, 24, 24)).astype(np.int16)
    bench.opening.show(MedicalImage(values, Geometry(np.eye(4), values.shape), modality=modality))
    session, windows = bench.session, []
    for number in range(1, 6):
        action = BY_ID[f"view.preset-{number}"]
        if action.is_enabled(session):
            action.verb(bench)
            windows.append((session.view.window.low, session.view.window.high))
            assert session.view.window.name in action.label(session)
        else:
            assert action.why_not(session)
    assert len(windows) >= 3
    assert len(set(windows)) == len(windows)


def test_colours_have_no_grey_window(bench: Workbench) -> None:
    photo = MedicalImage(np.zeros((1, 8, 8, 3), np.uint8), Geometry.unoriented((1, 8, 8)))
    bench.opening.show(photo)
    before = bench.session.view.window
    assert "Colours" in BY_ID["view.preset-1"].why_not(bench.session)
    bench.viewing.preset(1)
    bench.viewing.automatic_window()
    assert bench.session.view.window == before


def test_the_automatic_window_is_that_of_the_shown_slice(bench: Workbench) -> None:
    bench.opening.show(bright_spot())
    bench.viewing.select_slice(0)
    bench.viewing.automatic_window()
    dark = bench.session.view.window
    assert dark.name == "automatic, slice 1"
    assert dark.high < 1


def test_inversion_ends_with_the_case_and_the_convention_does_not(bench: Workbench) -> None:
    bench.opening.show(bright_spot())
    bench.viewing.toggle_inverted()
    bench.viewing.toggle_convention()
    bench.opening.show(bright_spot(4))
    assert not bench.session.view.inverted
    assert bench.session.view.convention == "neurological"
    with pytest.raises(SettingsError, match="convention"):
        bench.viewing.set_convention("upside-down")
    set_so = Workbench(InlineRunner(), Settings(convention="neurological"))
    assert set_so.session.view.convention == "neurological"
