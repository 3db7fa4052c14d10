"""The log: what the program did, never whom it did it to.

Messages are constant text with technical facts (codes, shapes, counts). File names can hold a patient's name, so a path
is logged only through `anonymous`, which keeps the suffix.
"""

from __future__ import annotations

import hashlib
import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

from viewer.foundation import paths

logger = logging.getLogger("whyslice")
logger.addHandler(logging.NullHandler())


def anonymous(path: Path | str) -> str:
    """A stable stand-in for a path: eight hexadecimal digits of its hash and its suffix."""
    path = Path(path)
    digest = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"<{digest}{path.suffix.lower() if len(path.suffix) <= 6 else ''}>"


def start_logging(*, debug: bool = False) -> Path | None:
    """Write the log to the user's folder; a folder that cannot be written to costs the log, not the program."""
    logger.setLevel(logging.DEBUG if debug else logging.INFO)
    try:
        folder = paths.user_data()
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            folder / "whyslice.log", maxBytes=1_000_000, backupCount=1, encoding="utf-8"
        )
    except OSError:
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    return Path(handler.baseFilename)
