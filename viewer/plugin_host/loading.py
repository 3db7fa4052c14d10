"""How the code of a plugin becomes modules.

Neither road depends on the working directory: bundled plugins are the package ``plugins`` of exactly the folder that
`viewer.foundation.paths` names, and the user's plugins come from the bytes that were hashed, under a package of their
own, so that no file, link or cached bytecode can slip in between the check and the import.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType

from viewer.foundation.errors import PluginError
from viewer.plugin_host.trust import Snapshot

BUNDLED_PACKAGE = "plugins"
USER_PACKAGE = "whyslice_user_plugins"

_lock = threading.Lock()


def import_bundled(folder: Path, module: str) -> ModuleType:
    """Import a module of the bundled plugin in `folder`, as ``plugins.<name>.<module>``."""
    _open_package(folder.parent)
    return importlib.import_module(f"{BUNDLED_PACKAGE}.{folder.name}.{module}")


def _open_package(parent: Path) -> None:
    with _lock:
        known = sys.modules.get(BUNDLED_PACKAGE)
        if known is not None:
            places = [Path(place).resolve() for place in getattr(known, "__path__", [])]
            if parent.resolve() not in places:
                raise PluginError(
                    "Another package named 'plugins' is already imported, so the bundled plugins cannot be loaded.",
                    code="plugin-package",
                )
            return
        spec = importlib.machinery.ModuleSpec(BUNDLED_PACKAGE, None, is_package=True)
        spec.submodule_search_locations = [str(parent)]
        sys.modules[BUNDLED_PACKAGE] = importlib.util.module_from_spec(spec)


def import_sealed(content: Snapshot, module: str) -> ModuleType:
    """Import a module of a user's plugin from the bytes of `content`, as ``whyslice_user_plugins.<name>.<module>``."""
    with _lock:
        if not any(isinstance(finder, _SealedFinder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _finder)
        _finder.contents[content.folder.name] = content
    return importlib.import_module(f"{USER_PACKAGE}.{content.folder.name}.{module}")


class _SealedFinder(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds and compiles modules of the user's plugins in their snapshots. Python sources only."""

    def __init__(self) -> None:
        self.contents: dict[str, Snapshot] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != USER_PACKAGE and not fullname.startswith(USER_PACKAGE + "."):
            return None
        is_package = self.is_package(fullname)
        if not is_package and self._file(fullname) is None:
            return None
        spec = importlib.machinery.ModuleSpec(fullname, self, is_package=is_package)
        name = self._file(fullname)
        if name is not None:
            # Tracebacks and `__file__` name the real place; nothing is read from it.
            spec.origin = str(self._content(fullname).folder / name)
            spec.has_location = True
        return spec

    def is_package(self, fullname: str) -> bool:
        parts = fullname.split(".")
        if len(parts) == 1:
            return True
        if parts[1] not in self.contents:
            return False
        inside = "".join(f"{part}/" for part in parts[2:])
        return any(name.startswith(inside) for name in self.contents[parts[1]].files)

    def get_source(self, fullname: str) -> str:
        name = self._file(fullname)
        if name is None:
            return ""
        return importlib.util.decode_source(self._content(fullname).files[name])

    def get_code(self, fullname: str) -> CodeType:
        name = self._file(fullname)
        origin = f"<{fullname}>" if name is None else str(self._content(fullname).folder / name)
        return self.source_to_code(self.get_source(fullname), origin)

    def _content(self, fullname: str) -> Snapshot:
        return self.contents[fullname.split(".")[1]]

    def _file(self, fullname: str) -> str | None:
        """Path of the module's source inside its plugin; None for a package without ``__init__.py``."""
        parts = fullname.split(".")
        if len(parts) < 2 or parts[1] not in self.contents:
            return None
        files = self.contents[parts[1]].files
        stem = "/".join(parts[2:])
        for name in (f"{stem}/__init__.py", f"{stem}.py") if stem else ("__init__.py",):
            if name in files:
                return name
        return None


_finder = _SealedFinder()
