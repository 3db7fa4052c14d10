"""A small cohort on disk for tests: bright squares mean stroke, which the tiny network sees."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np

from tests.tiny import bright_spot
from viewer.imaging.writing import write_nifti

COLUMNS = ("path", "case", "label", "mask", "boxes", "reader", "split")


def write_tiny_cohort(folder: Path, strokes: int = 3, others: int = 2, **more: object) -> Path:
    """Patients with a bright square each, and some without; box and mask of it are known, two readers of the first.

    Parameters
    ----------
    more : values of columns for every row.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = []
    for number in range(strokes + others):
        name = f"p{number}"
        place = (2, 8 + number, 20 - 4 * number)
        image = bright_spot(at=place)
        voxels = image.voxels.copy()
        ill = number < strokes
        mask = np.zeros(voxels.shape, np.uint8)
        slice_, row, column = place
        if ill:
            mask[slice_, row : row + 4, column : column + 4] = 1
        else:
            voxels[slice_] = voxels[0]
        write_nifti(folder / f"{name}.nii.gz", voxels + np.float32(0.001 * number), image.geometry)
        write_nifti(folder / f"{name}-mask.nii.gz", mask, image.geometry)
        box = {
            "slice": slice_,
            "row_min": row,
            "column_min": column,
            "row_max": row + 4,
            "column_max": column + 4,
            "label": "stroke",
        }
        facts = {"path": f"{name}.nii.gz", "case": name, "label": "stroke" if ill else "no stroke"}
        rows.append(
            {
                **facts,
                "mask": f"{name}-mask.nii.gz",
                "boxes": json.dumps([box] if ill else []),
                "reader": "A",
                **more,
            }
        )
        if number == 0:
            wider = {**box, "row_min": row - 1, "column_max": column + 5}
            rows.append({**facts, "boxes": json.dumps([wider]), "reader": "B", **more})
        (folder / f"{name}.json").write_text(json.dumps({"Modality": "MR"}), encoding="utf-8")
    with (folder / "cohort.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys((*COLUMNS, *more))))
        writer.writeheader()
        writer.writerows(rows)
    return folder
