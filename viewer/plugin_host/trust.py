"""Which plugins of the user may run.

A Python plugin has all rights of the program, and no sandbox is claimed. So a plugin is off until the user enables it,
and what is enabled is not a name but the exact content of a folder: one changed byte switches it off again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from viewer.foundation import paths
from viewer.foundation.errors import PluginError

VERSION = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LARGEST = 64 << 20
_IGNORED = {"__pycache__", ".git", ".DS_Store"}


@dataclass(frozen=True)
class Snapshot:
    """The content of a plugin's folder at one moment; code runs from it and never from a file read later.

    Attributes
    ----------
    folder : where it was read.
    files : bytes by relative POSIX path, without caches of bytecode.
    sha256 : of the sorted paths, lengths and contents.
    """

    folder: Path
    files: dict[str, bytes]
    sha256: str


def snapshot(folder: Path) -> Snapshot:
    """Read a folder whole.

    Raises
    ------
    PluginError
        When it cannot be read, holds a link (whose target the hash would not cover) or is larger than 64 MB.
    """
    files: dict[str, bytes] = {}
    size = 0
    try:
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            if _IGNORED.intersection(relative.parts):
                continue
            if path.is_symlink():
                raise PluginError(
                    f"The plugin '{folder.name}' contains a link, '{relative}'.", code="plugin-link"
                )
            if path.is_file():
                size += path.stat().st_size
                if size > _LARGEST:
                    raise PluginError(f"The plugin '{folder.name}' is larger than 64 MB.", code="plugin-size")
                files[relative.as_posix()] = path.read_bytes()
    except OSError as error:
        raise PluginError(
            f"The plugin '{folder.name}' cannot be read ({error.strerror}).", code="plugin-unreadable"
        ) from error
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        encoded = name.encode("utf-8", "surrogateescape")
        digest.update(len(encoded).to_bytes(8, "big") + encoded + len(content).to_bytes(8, "big") + content)
    return Snapshot(folder, files, digest.hexdigest())


def _path() -> Path:
    return paths.user_data() / "plugins.json"


def enabled() -> dict[str, str]:
    """SHA-256 of the enabled folder by plugin name. Whatever is not well formed enables nothing."""
    try:
        document = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    entries = document.get("enabled") if isinstance(document, dict) else None
    if not isinstance(entries, dict):
        return {}
    return {
        name: digest
        for name, digest in entries.items()
        if isinstance(digest, str) and _SHA256.fullmatch(digest)
    }


def enable(name: str, sha256: str) -> None:
    """Let the plugin of that name run for as long as its content has this hash; takes effect at the next start."""
    if not _SHA256.fullmatch(sha256):
        raise ValueError("a SHA-256 has 64 lower-case hexadecimal digits")
    _save(enabled() | {name: sha256})


def disable(name: str) -> None:
    """Never load the plugin of that name again; takes effect at the next start."""
    _save({other: digest for other, digest in enabled().items() if other != name})


def _save(entries: dict[str, str]) -> None:
    path = _path()
    fresh = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8") as stream:
            json.dump({"version": VERSION, "enabled": dict(sorted(entries.items()))}, stream, indent=2)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(fresh, path)
    except OSError as error:
        raise PluginError(
            f"The list of enabled plugins could not be written ({error.strerror}).", code="plugin-list"
        ) from error
