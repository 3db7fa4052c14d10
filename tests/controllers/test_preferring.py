"""Settings are taken up at once, kept for the next start, and a bad one changes nothing."""

from __future__ import annotations

import json

import pytest

from tests.tiny import bright_spot
from viewer.controllers.workbench import Workbench
from viewer.foundation import settings as settings_file
from viewer.foundation.errors import SettingsError
from viewer.foundation.job_runner import InlineRunner
from viewer.foundation.settings import Settings


@pytest.fixture(autouse=True)
def own_file(tmp_path, monkeypatch):
    monkeypatch.setattr(settings_file, "default_path", lambda: tmp_path / "settings.json")


def test_what_is_set_is_kept(bench):
    bench.preferring.set("theme", "light")
    bench.preferring.set("text_size", 2)
    found, dropped = settings_file.load()
    assert (found.theme, found.text_size, dropped) == ("light", 2.0, [])
    assert bench.session.settings == found


def test_a_bad_value_is_refused_and_nothing_is_written(bench):
    for name, value in (("theme", "pink"), ("text_size", 9.0), ("phi_hidden", 1), ("atlas_budget_mb", -1)):
        with pytest.raises(SettingsError):
            bench.preferring.set(name, value)
    assert bench.session.settings == Settings()
    assert not settings_file.default_path().exists()


def test_display_budget_and_device_are_taken_up_at_once(bench):
    bench.opening.show(bright_spot(4))
    bench.preferring.set("convention", "neurological")
    assert bench.session.view.convention == "neurological"
    assert bench.session.atlas_bytes > 0
    bench.preferring.set("atlas_budget_mb", 16)
    assert bench.session.atlas_budget == 16 << 20
    bench.preferring.set("device", "cpu")
    assert (bench.session.device, bench.session.model.device) == ("cpu", "cpu")


def test_a_smaller_budget_lets_maps_go_and_keeps_the_shown_one(bench):
    bench.opening.show(bright_spot(4))
    held = bench.session.atlas_bytes
    bench.explaining.set_budget(held // 3)
    assert bench.session.atlas_bytes <= held // 3
    reading, view = bench.session.reading, bench.session.view
    assert reading.atlas.has(view.slice, layer=bench.session.choice.layer, methods=("grad-cam",))


def test_patient_data_is_hidden_at_the_start_unless_the_user_wants_otherwise():
    assert Workbench(InlineRunner()).session.phi_hidden
    assert not Workbench(InlineRunner(), Settings(phi_hidden=False)).session.phi_hidden


def test_a_folder_that_cannot_be_written_to_is_one_sentence_and_the_setting_holds(
    bench, tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(settings_file, "default_path", lambda: tmp_path / "file" / "settings.json")
    bench.preferring.set("theme", "light")
    assert bench.session.settings.theme == "light"
    assert "could not be saved" in bench.session.notice.sentence


def test_everything_goes_back_to_what_it_was(bench):
    bench.preferring.set("convention", "neurological")
    bench.preferring.set("theme", "light")
    bench.preferring.reset()
    assert bench.session.settings == Settings()
    assert bench.session.view.convention == "radiological"
    assert json.loads(settings_file.default_path().read_text())["theme"] == "dark"
