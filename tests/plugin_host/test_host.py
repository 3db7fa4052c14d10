"""Trust, loading and reporting of plugins. Plugins are written to disk; what they do is seen in a list in `sys`."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from viewer.foundation import paths
from viewer.foundation.errors import PluginError
from viewer.plugin_host import host as plugin_host
from viewer.plugin_host import trust
from viewer.plugin_host.host import PluginHost, PluginState
from viewer.plugin_host.loading import BUNDLED_PACKAGE, USER_PACKAGE

SAYS = "import sys\nsys.whyslice_test_loaded.append({word!r})\n"


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Words that plugins said while they were imported; the modules of plugins are forgotten around each test."""
    words: list[str] = []
    monkeypatch.setattr(sys, "whyslice_test_loaded", words, raising=False)
    ours = [name for name in sys.modules if name.split(".")[0] in (BUNDLED_PACKAGE, USER_PACKAGE)]
    kept = {name: sys.modules.pop(name) for name in ours}
    yield words
    for name in [name for name in sys.modules if name.split(".")[0] in (BUNDLED_PACKAGE, USER_PACKAGE)]:
        del sys.modules[name]
    sys.modules.update(kept)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WHYSLICE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def bundled(tmp_path: Path) -> Path:
    folder = tmp_path / "plugins"
    folder.mkdir()
    return folder


@pytest.fixture
def user(home: Path) -> Path:
    folder = home / "plugins"
    folder.mkdir(parents=True)
    return folder


def write_plugin(parent: Path, name: str, code: str | None = None, **files: str) -> Path:
    folder = parent / name
    folder.mkdir()
    (folder / "plugin.toml").write_text(f'name = "{name}"\ntitle = "The {name}"\nmodules = ["main"]\n')
    (folder / "main.py").write_text(SAYS.format(word=name) if code is None else code)
    for file, text in files.items():
        (folder / f"{file}.py").write_text(text)
    return folder


def by_name(states: tuple[PluginState, ...]) -> dict[str, PluginState]:
    return {state.name: state for state in states}


def test_bundled_plugins_load_once_and_only_on_demand(bundled: Path, user: Path, loaded: list[str]) -> None:
    write_plugin(bundled, "one")
    write_plugin(bundled, "two")
    host = PluginHost(bundled, user)
    assert [state.status for state in host.states()] == ["ready", "ready"]
    assert loaded == []
    first = host.activate()
    assert [(state.name, state.status) for state in first] == [("one", "loaded"), ("two", "loaded")]
    assert host.activate() == first
    assert loaded == ["one", "two"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("import no_such_library_at_all", "needs 'no_such_library_at_all', which is not installed"),
        ("def (", "not Python (line 1)"),
        (
            "from viewer.foundation.errors import PluginError\nraise PluginError('Two of one name.')",
            "Two of one name.",
        ),
    ],
)
def test_a_broken_plugin_is_reported_and_the_others_load(
    bundled: Path, user: Path, loaded: list[str], code: str, words: str
) -> None:
    write_plugin(bundled, "bad", code)
    write_plugin(bundled, "good")
    states = by_name(PluginHost(bundled, user).activate())
    assert states["bad"].status == "broken"
    assert words in states["bad"].sentence
    assert states["good"].status == "loaded"
    assert loaded == ["good"]


def test_a_missing_module_and_a_bad_manifest_are_reported(bundled: Path, user: Path) -> None:
    (write_plugin(bundled, "hollow") / "main.py").unlink()
    (write_plugin(bundled, "odd") / "plugin.toml").write_text("name = 3")
    states = by_name(PluginHost(bundled, user).activate())
    assert states["hollow"].status == states["odd"].status == "broken"
    assert "its module 'main' is missing" in states["hollow"].sentence
    assert "lower case" in states["odd"].sentence


def test_a_users_plugin_is_off_until_enabled_and_off_again_after_a_change(
    bundled: Path, user: Path, loaded: list[str]
) -> None:
    folder = write_plugin(
        user,
        "mine",
        "from .words import WORD\nimport sys\nsys.whyslice_test_loaded.append(WORD)",
        words="WORD = 'a'",
    )
    (state,) = PluginHost(bundled, user).activate()
    assert (state.status, state.bundled) == ("off", False)
    assert "Not enabled" in state.sentence

    trust.enable("mine", state.sha256)
    assert PluginHost(bundled, user).activate()[0].status == "loaded"
    assert loaded == ["a"]

    (folder / "words.py").write_text("WORD = 'b'")
    (state,) = PluginHost(bundled, user).activate()
    assert state.status == "off"
    assert "changed" in state.sentence
    assert loaded == ["a"]

    trust.disable("mine")
    assert trust.enabled() == {}


def test_code_runs_from_what_was_hashed_not_from_what_lies_there_later(
    bundled: Path, user: Path, loaded: list[str]
) -> None:
    folder = write_plugin(user, "mine")
    trust.enable("mine", trust.snapshot(folder).sha256)
    host = PluginHost(bundled, user)
    host.states()
    (folder / "main.py").write_text(SAYS.format(word="swapped"))
    host.activate()
    assert loaded == ["mine"]


def test_bytecode_in_a_users_plugin_is_never_run(bundled: Path, user: Path, loaded: list[str]) -> None:
    import py_compile

    folder = write_plugin(user, "mine", "")
    trust.enable("mine", trust.snapshot(folder).sha256)
    evil = folder.parent / "evil.py"
    evil.write_text(SAYS.format(word="bytecode"))
    cache = folder / "__pycache__"
    cache.mkdir()
    tag = sys.implementation.cache_tag
    py_compile.compile(
        str(evil),
        cfile=str(cache / f"main.{tag}.pyc"),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        doraise=True,
    )
    assert PluginHost(bundled, user).activate()[0].status == "loaded"
    assert loaded == []


def test_safe_mode_loads_bundled_plugins_only_and_stays(bundled: Path, user: Path, loaded: list[str]) -> None:
    write_plugin(bundled, "one")
    folder = write_plugin(user, "mine")
    trust.enable("mine", trust.snapshot(folder).sha256)
    host = PluginHost(bundled, user)
    assert by_name(host.states())["mine"].status == "ready"
    host.enter_safe_mode()
    states = by_name(host.activate(safe_mode=False))
    assert (states["one"].status, states["mine"].status) == ("loaded", "off")
    assert "Safe mode" in states["mine"].sentence
    assert loaded == ["one"]


def test_safe_mode_after_a_users_plugin_was_loaded_is_refused(bundled: Path, user: Path) -> None:
    folder = write_plugin(user, "mine")
    trust.enable("mine", trust.snapshot(folder).sha256)
    host = PluginHost(bundled, user)
    host.activate()
    with pytest.raises(PluginError, match="too late"):
        host.activate(safe_mode=True)


def test_a_user_cannot_shadow_a_bundled_plugin(bundled: Path, user: Path, loaded: list[str]) -> None:
    write_plugin(bundled, "one")
    folder = write_plugin(user, "one", SAYS.format(word="shadow"))
    trust.enable("one", trust.snapshot(folder).sha256)
    first, second = PluginHost(bundled, user).activate()
    assert (first.status, second.status) == ("loaded", "broken")
    assert "already named" in second.sentence
    assert loaded == ["one"]


def test_the_working_directory_is_never_a_source(
    tmp_path: Path, bundled: Path, user: Path, loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "plugins").mkdir(parents=True)
    (elsewhere / "plugins" / "__init__.py").write_text(SAYS.format(word="elsewhere"))
    write_plugin(elsewhere / "plugins", "one", SAYS.format(word="elsewhere"))
    write_plugin(bundled, "one")
    monkeypatch.chdir(elsewhere)
    monkeypatch.syspath_prepend(str(elsewhere))
    assert [state.status for state in PluginHost(bundled, user).activate()] == ["loaded"]
    assert loaded == ["one"]


def test_a_foreign_package_named_plugins_is_not_mixed_with_ours(
    tmp_path: Path, bundled: Path, user: Path, loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "plugins").mkdir(parents=True)
    write_plugin(elsewhere / "plugins", "one", SAYS.format(word="elsewhere"))
    write_plugin(bundled, "one")
    monkeypatch.syspath_prepend(str(elsewhere))
    import plugins  # noqa: F401

    (state,) = PluginHost(bundled, user).activate()
    assert state.status == "broken"
    assert "Another package" in state.sentence
    assert loaded == []


def test_a_link_in_a_users_plugin_is_refused(bundled: Path, user: Path, tmp_path: Path) -> None:
    folder = write_plugin(user, "mine")
    (tmp_path / "outside.py").write_text("")
    (folder / "extra.py").symlink_to(tmp_path / "outside.py")
    (state,) = PluginHost(bundled, user).activate()
    assert state.status == "broken"
    assert "link" in state.sentence


def test_the_hash_covers_names_and_contents(tmp_path: Path) -> None:
    digests = set()
    for name, files in enumerate([{"a": "xy", "b": ""}, {"a": "x", "b": "y"}, {"ab": "xy"}, {"a": "xy"}]):
        folder = tmp_path / str(name)
        folder.mkdir()
        for file, text in files.items():
            (folder / file).write_text(text)
        digests.add(trust.snapshot(folder).sha256)
    assert len(digests) == 4


@pytest.mark.parametrize(
    "text", ["", "[]", '{"enabled": 3}', '{"enabled": {"mine": 4, "other": "short"}}', "{"]
)
def test_a_damaged_list_enables_nothing(home: Path, text: str) -> None:
    home.mkdir(exist_ok=True)
    (home / "plugins.json").write_text(text)
    assert trust.enabled() == {}


def test_enable_by_name_writes_the_hash_and_names_the_nearest(user: Path, home: Path) -> None:
    folder = write_plugin(user, "mine")
    with pytest.raises(PluginError, match="nearest: mine"):
        plugin_host.enable("mone")
    state = plugin_host.enable("mine")
    assert (state.status, state.sentence) == ("ready", "")
    stored = json.loads((home / "plugins.json").read_text())
    assert stored["enabled"] == {"mine": state.sha256} == {"mine": trust.snapshot(folder).sha256}
    plugin_host.disable("mine")
    assert trust.enabled() == {}


def test_threads_load_once(bundled: Path, user: Path, loaded: list[str]) -> None:
    write_plugin(bundled, "slow", "import time\ntime.sleep(0.05)\n" + SAYS.format(word="slow"))
    host = PluginHost(bundled, user)
    seen: list[tuple[PluginState, ...]] = []
    threads = [threading.Thread(target=lambda: seen.append(host.activate())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert loaded == ["slow"]
    assert [states[0].status for states in seen] == ["loaded"] * 4


def test_a_plugin_may_ask_for_plugins_while_it_is_loaded(
    bundled: Path, user: Path, loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = PluginHost(bundled, user)
    monkeypatch.setattr(sys, "whyslice_test_host", host, raising=False)
    write_plugin(
        bundled,
        "curious",
        "import sys\nsys.whyslice_test_loaded.append(sys.whyslice_test_host.activate()[0].status)",
    )
    assert host.activate()[0].status == "loaded"
    assert loaded == ["ready"]


def test_the_bundled_manifests_are_well_formed() -> None:
    states = PluginHost(user=Path("does-not-exist")).states()
    assert {state.name for state in states} == {
        path.name for path in paths.plugins().iterdir() if (path / "plugin.toml").exists()
    }
    assert [state for state in states if state.status != "ready"] == []
    assert all(state.licence and state.summary and state.to_json()["provides"] for state in states)
