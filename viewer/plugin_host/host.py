"""Finds plugins, checks trust, loads them and says what became of each.

Bundled plugins are part of the program. The user's own lie in ``plugins`` of the user's folder and are off until
enabled (see `trust`). No other place is ever looked at: not the working directory, not the folder of an image. A broken
plugin is a line in a list, never a crash.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from viewer.foundation import paths
from viewer.foundation.errors import PluginError, WhySliceError
from viewer.foundation.log import logger
from viewer.foundation.registry import nearest
from viewer.plugin_host import trust
from viewer.plugin_host.loading import import_bundled, import_sealed
from viewer.plugin_host.manifest import FILE_NAME, Manifest, Provides, parse_manifest, read_manifest

Status = Literal["ready", "loaded", "off", "broken"]


_NOT_ENABLED = (
    "Not enabled yet: a plugin can do everything that you can do on this computer. "
    "'whyslice plugins --enable {}' trusts it as it is now."
)


@dataclass(frozen=True)
class PluginState:
    """What is known of one plugin.

    Attributes
    ----------
    name, title, version, licence, summary : from its manifest; of a broken one only the name is certain.
    status : ``ready`` (trusted, loaded at first need), ``loaded``, ``off`` (the user's, not enabled) or ``broken``.
    sentence : why it is off or broken; empty otherwise.
    provides : names it registers.
    bundled : whether it came with the program.
    sha256 : of the folder of a user's plugin, the value to enable; empty for a bundled one.
    """

    name: str
    title: str
    status: Status
    sentence: str = ""
    provides: Provides = field(default_factory=Provides)
    bundled: bool = True
    version: str = ""
    licence: str = ""
    summary: str = ""
    sha256: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "version": self.version,
            "licence": self.licence,
            "summary": self.summary,
            "status": self.status,
            "sentence": self.sentence,
            "bundled": self.bundled,
            "provides": self.provides.to_json(),
            "sha256": self.sha256,
        }


@dataclass(frozen=True)
class _Found:
    state: PluginState
    modules: tuple[str, ...] = ()
    load: Callable[[str], Any] | None = None


class PluginHost:
    """The plugins of this process.

    Parameters
    ----------
    bundled, user : folders of plugin folders; by default those of the program and of the user.
    """

    def __init__(self, bundled: Path | None = None, user: Path | None = None) -> None:
        self._bundled = bundled
        self._user = user
        self._lock = threading.RLock()
        self._safe_mode = False
        self._active = False
        self._found: list[_Found] | None = None

    def enter_safe_mode(self) -> None:
        """Load none but the bundled plugins for the rest of this process. Must come before `activate`.

        Raises
        ------
        PluginError
            When a plugin of the user has already been loaded.
        """
        with self._lock:
            if any(state.status == "loaded" and not state.bundled for state in self._states()):
                raise PluginError("Safe mode comes too late: a plugin is already loaded.", code="safe-mode")
            if not self._safe_mode:
                self._safe_mode = True
                if not self._active:
                    self._found = None

    def states(self) -> tuple[PluginState, ...]:
        """Every plugin, bundled ones first, without loading any."""
        with self._lock:
            return self._states()

    def activate(self, safe_mode: bool = False) -> tuple[PluginState, ...]:
        """Load what is trusted, once; later calls return the same states.

        Plugins may import torch, so this belongs on the compute lane. It may be called from any thread, and by the
        modules of a plugin while they are being loaded (they then see the states so far).

        Parameters
        ----------
        safe_mode : the same as calling `enter_safe_mode` before.
        """
        with self._lock:
            if safe_mode:
                self.enter_safe_mode()
            if not self._active:
                self._active = True
                self._states()
                assert self._found is not None
                for index, found in enumerate(self._found):
                    if found.state.status == "ready":
                        self._found[index] = _loaded(found)
            return self._states()

    def _states(self) -> tuple[PluginState, ...]:
        if self._found is None:
            self._found = self._find()
        return tuple(found.state for found in self._found)

    def _find(self) -> list[_Found]:
        bundled = [_bundled(folder) for folder in _plugin_folders(self._bundled or paths.plugins())]
        enabled = {} if self._safe_mode else trust.enabled()
        user = [
            _users(folder, enabled, self._safe_mode)
            for folder in _plugin_folders(self._user or paths.user_data() / "plugins")
        ]
        taken = {found.state.name for found in bundled}
        return bundled + [_refused(found) if found.state.name in taken else found for found in user]


def _plugin_folders(parent: Path) -> list[Path]:
    try:
        return sorted(path for path in parent.iterdir() if path.is_dir() and (path / FILE_NAME).exists())
    except OSError:
        return []


def _bundled(folder: Path) -> _Found:
    try:
        manifest = read_manifest(folder)
    except PluginError as error:
        return _Found(PluginState(folder.name, folder.name, "broken", error.sentence))
    return _Found(_described(manifest, "ready"), manifest.modules, partial(import_bundled, folder))


def _users(folder: Path, enabled: dict[str, str], safe_mode: bool) -> _Found:
    try:
        content = trust.snapshot(folder)
        manifest = parse_manifest(folder, content.files.get(FILE_NAME, b""))
    except PluginError as error:
        return _Found(PluginState(folder.name, folder.name, "broken", error.sentence, bundled=False))
    if safe_mode:
        status, sentence = "off", "Safe mode: only bundled plugins are loaded."
    elif folder.name not in enabled:
        status, sentence = "off", _NOT_ENABLED.format(folder.name)
    elif enabled[folder.name] != content.sha256:
        status, sentence = (
            "off",
            f"It has changed since it was enabled: 'whyslice plugins --enable {folder.name}' trusts it as it is now.",
        )
    else:
        state = _described(manifest, "ready", bundled=False, sha256=content.sha256)
        return _Found(state, manifest.modules, partial(import_sealed, content))
    assert status == "off"
    return _Found(_described(manifest, "off", sentence=sentence, bundled=False, sha256=content.sha256))


def _refused(found: _Found) -> _Found:
    sentence = f"A bundled plugin is already named '{found.state.name}'."
    return _Found(replace(found.state, status="broken", sentence=sentence))


def _described(
    manifest: Manifest, status: Status, *, sentence: str = "", bundled: bool = True, sha256: str = ""
) -> PluginState:
    return PluginState(
        name=manifest.name,
        title=manifest.title,
        status=status,
        sentence=sentence,
        provides=manifest.provides,
        bundled=bundled,
        version=manifest.version,
        licence=manifest.licence,
        summary=manifest.summary,
        sha256=sha256,
    )


def _loaded(found: _Found) -> _Found:
    assert found.load is not None
    state = found.state
    for module in found.modules:
        try:
            found.load(module)
        # A plugin is foreign code: whatever it raises, even SystemExit, is a line about that plugin.
        except (Exception, SystemExit) as error:  # noqa: BLE001
            logger.warning("plugin %s is broken: %s in module %s", state.name, type(error).__name__, module)
            sentence = f"The plugin '{state.name}' could not be loaded: {_reason(error, state, module)}"
            return replace(found, state=replace(state, status="broken", sentence=sentence))
    return replace(found, state=replace(state, status="loaded"))


def _reason(error: BaseException, state: PluginState, module: str) -> str:
    if isinstance(error, WhySliceError):
        return error.sentence
    if isinstance(error, ModuleNotFoundError) and (error.name or "").endswith(f".{state.name}.{module}"):
        return f"its module '{module}' is missing."
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"its module '{module}' needs '{error.name}', which is not installed."
    if isinstance(error, SyntaxError):
        return f"its module '{module}' is not Python (line {error.lineno})."
    return f"its module '{module}' failed with {type(error).__name__}: {error}".rstrip(".: ") + "."


_host = PluginHost()


def states() -> tuple[PluginState, ...]:
    """Every plugin of this process, without loading any."""
    return _host.states()


def activate(safe_mode: bool = False) -> tuple[PluginState, ...]:
    """Load the trusted plugins of this process, once. See `PluginHost.activate`."""
    return _host.activate(safe_mode)


def enter_safe_mode() -> None:
    """Load none but the bundled plugins in this process. See `PluginHost.enter_safe_mode`."""
    _host.enter_safe_mode()


def enable(name: str) -> PluginState:
    """Trust the present content of a user's plugin; it is loaded from the next start on.

    Raises
    ------
    PluginError
        When there is no such plugin of the user, or it is broken.
    """
    fresh = {state.name: state for state in PluginHost().states() if not state.bundled}
    if name not in fresh:
        raise PluginError(f"You have no plugin '{name}'{nearest(name, list(fresh))}.", code="no-such-plugin")
    state = fresh[name]
    if state.status == "broken":
        raise PluginError(state.sentence, code="plugin-broken")
    trust.enable(name, state.sha256)
    return next(state for state in PluginHost().states() if state.name == name and not state.bundled)


def disable(name: str) -> None:
    """Stop trusting a user's plugin; it stays loaded until the program ends.

    Raises
    ------
    PluginError
        When there is no plugin of that name, neither in the user's folder nor among those that are trusted.
    """
    own = {state.name for state in PluginHost().states() if not state.bundled} | trust.enabled().keys()
    if name not in own:
        raise PluginError(f"You have no plugin '{name}'{nearest(name, sorted(own))}.", code="no-such-plugin")
    trust.disable(name)
