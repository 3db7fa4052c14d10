"""A tiny network of three findings, any of which may be there, and patients with some of them, marked by readers."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tests.tiny import bright_spot, tiny_network, write_model
from viewer.imaging.writing import write_nifti

TINY_LABELS = "tiny-test-network-of-labels"
LABELS = ("bright", "dark", "grey")

CARD = """
id = "{id}"
name = "Tiny labels"
task = "multilabel"
dims = 2
architecture = "tiny-test-network-of-labels"
classes = ["bright", "dark", "grey"]
default_layer = "relu2"
licence = "Apache-2.0"
[input]
size = [32, 32]
channels = 1
crop = "none"
[input.normalise]
name = "none"
[thresholds]
bright = 0.5
dark = 0.5
"""
SPOTS = {"bright": (2, 6, 20, 5.0), "dark": (2, 20, 6, -5.0)}
"""Finding -> slice, first row, first column and value of its square of 4 x 4 voxels."""


def tiny_labels_network(classes: int = 3, channels: int = 1) -> nn.Module:
    """Bright and dark squares are found each by a channel of its own; nothing is ever grey."""
    net = tiny_network(classes, channels)
    with torch.no_grad():
        for conv in (net.conv1, net.conv2):
            conv.weight.zero_()
        net.conv1.weight[0, 0, 1, 1], net.conv1.weight[1, 0, 1, 1] = 1.0, -1.0
        net.conv2.weight[0, 0, 1, 1], net.conv2.weight[1, 1, 1, 1] = 1.0, 1.0
        net.linear.weight.zero_()
        net.linear.weight[0, 0] = net.linear.weight[1, 1] = 40.0
        net.linear.bias[:] = torch.tensor([-2.0, -2.0, -4.0])
    return net.eval()


def write_tiny_labels_model(home: Path, model_id: str = "tiny-labels") -> Path:
    """A model folder of the tiny network of labels among the user's models."""
    return write_model(home, model_id, TINY_LABELS, tiny_labels_network, CARD)


def write_tiny_labels_cohort(folder: Path) -> Path:
    """Four patients: both findings, one of each, none. Reader A gives boxes, B a mask in a row for each."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, str]] = []
    for number, names in enumerate((("bright", "dark"), ("bright",), ("dark",), ())):
        name = f"p{number}"
        image = bright_spot()
        voxels = image.voxels.copy()
        voxels[2] = voxels[0]
        boxes = []
        facts = {"path": f"{name}.nii.gz", "case": name}
        for finding in names:
            slice_, row, column, value = SPOTS[finding]
            voxels[slice_, row : row + 4, column : column + 4] = value
            mask = np.zeros(voxels.shape, np.uint8)
            mask[slice_, row : row + 4, column : column + 4] = 1
            file = f"{name}-{finding}.nii.gz"
            write_nifti(folder / file, mask, image.geometry)
            rows.append({**facts, "label": finding, "mask": file, "reader": "B"})
            box = {"slice": slice_, "row_min": row, "column_min": column}
            boxes.append({**box, "row_max": row + 4, "column_max": column + 5, "label": finding})
        rows.append({**facts, "label": ";".join(names), "boxes": json.dumps(boxes), "reader": "A"})
        write_nifti(folder / f"{name}.nii.gz", voxels + np.float32(0.001 * number), image.geometry)
    with (folder / "cohort.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ("path", "case", "label", "mask", "boxes", "reader"))
        writer.writeheader()
        writer.writerows(rows)
    return folder
