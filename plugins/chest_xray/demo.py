"""The demonstration film: `python -m plugins.chest_xray.demo resources/demo/chest-demo` writes its files."""

import json
import sys
from pathlib import Path

import numpy as np

from viewer.api import write_radiograph

from .film import make_film
from .findings import AORTA, EFFUSION, HEART
from .generator import PIXEL_MM, SIZE, stored
from .readers import READERS, read

SEED = (2026, 11, 3)
"""No training seed has this form."""
_BITS = 10
"""The noise of a film is a few steps of it, and the file compresses well."""


def write_demo(folder: Path) -> None:
    """Write a film with a large heart, a wide aorta and fluid, and what three readers marked."""
    film = make_film(SEED, SIZE, findings=frozenset({HEART, AORTA, EFFUSION}))
    folder.mkdir(parents=True, exist_ok=True)
    write_radiograph(
        folder / "image.dcm",
        stored(film.pixels, _BITS),
        modality="DX",
        bits=_BITS,
        pixel_mm=PIXEL_MM,
        description="Synthetic chest PA",
        patient="SYNTHETIC^CHEST-DEMO",
        body_part="CHEST",
        view_position="PA",
        burned_in=film.marker is not None,
    )
    rng = np.random.default_rng(SEED)
    truth = {
        "synthetic": True,
        "description": "Synthetic PA film: a large heart, a wide aorta, fluid. No image of a person.",
        "reader": READERS[0].name,
        "boxes": [
            {
                "slice": 0,
                "row_min": box.row_min,
                "column_min": box.column_min,
                "row_max": box.row_max,
                "column_max": box.column_max,
                "label": name,
                "reader": habit.name,
            }
            for habit in READERS
            for name, box in read(rng, film, habit)
        ],
    }
    (folder / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_demo(Path(sys.argv[1]))
