"""What a plugin says about itself in `plugin.toml`, read without running any of its code.

::

    name = "stroke_dwi"                 # the name of its folder
    title = "Stroke on diffusion MRI"
    version = "0.1.0"
    licence = "Apache-2.0"
    summary = "One sentence."
    modules = ["generator", "recipe"]   # imported in this order; importing them registers what they provide

    [provides]                          # names only, so that lists can be shown before anything is loaded
    architectures = ["stroke-gap"]
    generators = ["stroke-dwi"]
    recipes = ["stroke-dwi"]
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from viewer.foundation.errors import PluginError

FILE_NAME = "plugin.toml"

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_LARGEST = 64 * 1024
_TEXTS = ("title", "version", "licence", "summary")


@dataclass(frozen=True)
class Provides:
    """Names that a plugin registers once its modules are imported."""

    architectures: tuple[str, ...] = ()
    generators: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ()
    explainers: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()

    def to_json(self) -> dict[str, list[str]]:
        """Lists by kind; kinds without a name are left out."""
        return {kind.name: list(names) for kind in fields(self) if (names := getattr(self, kind.name))}


@dataclass(frozen=True)
class Manifest:
    """A checked `plugin.toml`.

    Attributes
    ----------
    name : identifier, lower case, equal to the folder's name.
    title, version, licence, summary : words for people; `title` is never empty.
    modules : modules of the plugin, relative to its folder, in the order of import; at least one.
    provides : what those modules register.
    """

    name: str
    title: str
    modules: tuple[str, ...]
    version: str = ""
    licence: str = ""
    summary: str = ""
    provides: Provides = field(default_factory=Provides)


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a plugin's folder.

    Raises
    ------
    PluginError
        With one sentence that names the plugin's folder and what is wrong.
    """
    path = folder / FILE_NAME
    try:
        with path.open("rb") as stream:
            text = stream.read(_LARGEST + 1)
    except OSError as error:
        raise _broken(folder, f"its {FILE_NAME} cannot be read ({error.strerror})") from error
    return parse_manifest(folder, text)


def parse_manifest(folder: Path, text: bytes) -> Manifest:
    """Check the bytes of the manifest of the plugin in `folder`; see `read_manifest`."""
    if len(text) > _LARGEST:
        raise _broken(folder, f"its {FILE_NAME} is longer than {_LARGEST // 1024} kB")
    try:
        document = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _broken(folder, f"its {FILE_NAME} is not TOML: {error}") from error
    return _checked(folder, document)


def _checked(folder: Path, document: dict[str, Any]) -> Manifest:
    known = {"name", "modules", "provides", *_TEXTS}
    if unknown := sorted(set(document) - known):
        raise _broken(folder, f"its {FILE_NAME} has unknown keys: {', '.join(unknown)}")
    name = document.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _broken(folder, "its name must be lower case letters, digits and underscores")
    if name != folder.name:
        raise _broken(folder, f"it calls itself '{name}', which is not the name of its folder")
    texts = {key: document.get(key, "") for key in _TEXTS}
    if wrong := [key for key, value in texts.items() if not isinstance(value, str)]:
        raise _broken(folder, f"its {wrong[0]} must be a text")
    if not texts["title"].strip():
        raise _broken(folder, "it has no title")
    modules = _names(folder, document, "modules")
    if not modules:
        raise _broken(folder, "it lists no modules")
    if wrong := [module for module in modules if not _MODULE.fullmatch(module)]:
        raise _broken(folder, f"'{wrong[0]}' is not the name of a module")
    provided = document.get("provides", {})
    kinds = [kind.name for kind in fields(Provides)]
    if not isinstance(provided, dict) or (unknown := sorted(set(provided) - set(kinds))):
        raise _broken(folder, f"[provides] knows {', '.join(kinds)} and nothing else")
    provides = Provides(**{kind: _names(folder, provided, kind) for kind in provided})
    return Manifest(name=name, modules=modules, provides=provides, **texts)


def _names(folder: Path, table: dict[str, Any], key: str) -> tuple[str, ...]:
    names = table.get(key, [])
    if not isinstance(names, list) or not all(isinstance(each, str) and each.strip() for each in names):
        raise _broken(folder, f"'{key}' must be a list of names")
    if len(set(names)) != len(names):
        raise _broken(folder, f"'{key}' lists a name twice")
    return tuple(names)


def _broken(folder: Path, reason: str) -> PluginError:
    return PluginError(f"The plugin '{folder.name}' is not usable: {reason}.", code="plugin-manifest")
