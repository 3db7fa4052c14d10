"""Is there a screen to open a window on? Qt itself would end the program with advice that does not help."""

from __future__ import annotations

import ctypes
import os
import re
import socket
import sys
from collections.abc import Mapping

_PACKAGES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-shape.so.0": "libxcb-shape0",
}
"""Libraries that Qt needs on an X11 screen -> Debian's package; `.ci/prepare` installs the same."""
_LOCAL = re.compile(r"(?:unix)?:(\d+)(?:\.\d+)?")


def why_no_window(environment: Mapping[str, str]) -> str:
    """Why no window can be opened, in sentences with the way out; empty where nothing speaks against it.

    Parameters
    ----------
    environment : the process's; only Linux without a platform that was chosen by hand is looked at.
    """
    if not sys.platform.startswith("linux") or environment.get("QT_QPA_PLATFORM"):
        return ""
    if environment.get("WAYLAND_DISPLAY"):
        return ""
    display = environment.get("DISPLAY", "")
    if not display:
        return (
            "There is no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set); "
            "'whyslice view PATH --screenshot FILE --exit' writes a picture of the window without one."
        )
    if (local := _LOCAL.fullmatch(display)) and not _answers(int(local.group(1))):
        return f"Nothing answers on the screen '{display}' that DISPLAY names."
    missing = [package for library, package in _PACKAGES.items() if not _loads(library)]
    if missing:
        packages = " ".join(missing)
        return (
            "The window needs system libraries that are missing here; on Debian and Ubuntu "
            f"'sudo apt-get install {packages}' installs them."
        )
    return ""


def has_screen() -> bool:
    """Whether this process has been told of a screen, or of a platform of Qt to use in its place."""
    return any(os.environ.get(name) for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY"))


def _answers(number: int) -> bool:
    path = f"/tmp/.X11-unix/X{number}"  # noqa: S108 - where X11 has its socket
    for address in (path, f"\0{path}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
            try:
                door.connect(address)
            except OSError:
                continue
            return True
    return False


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
