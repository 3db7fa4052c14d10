"""The volumes of many synthetic patients on disk, and batches of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional

from viewer.api import InputRule, Progress, VolumeView

from .cohort import EDITION, Patient, make_patient
from .preparation import PLAIN
from .slices import LEAST_LESION, recontrasted

SIZE = (32, 192, 192)
"""(slices, rows, columns) of the network's input: the whole scan, stretched."""
_LOW, _HIGH = PLAIN.limits
_STEPS = 255.0 / (_HIGH - _LOW)
_MASK_AT = 0.2
"""Share of a cell of the input that is lesion from which the cell counts as lesion."""


def volume_rule() -> InputRule:
    """Return how a scan becomes the network's input; the card says the same."""
    parameters = PLAIN.normalisation
    return InputRule(SIZE, fit="stretch", normalise=parameters.pop("name"), parameters=parameters)


@dataclass(frozen=True)
class Volumes:
    """Normalised volumes and lesion masks.

    Attributes
    ----------
    voxels
        uint8 (n, slice, row, column); see `inputs` for the network's values.
    masks
        uint8 (n, slice, row, column), 1 where there is a lesion.
    positive
        Whether a lesion can be seen (n,).
    """

    voxels: np.ndarray
    masks: np.ndarray
    positive: np.ndarray

    def inputs(self, chosen: np.ndarray) -> torch.Tensor:
        """Return the network's input of the chosen volumes, float32 (n, 1, slice, row, column)."""
        values: torch.Tensor = torch.from_numpy(self.voxels[chosen])[:, None].float() / _STEPS + _LOW
        return values

    def truths(self, chosen: np.ndarray) -> torch.Tensor:
        """Return the lesion masks of the chosen volumes, float32 (n, 1, slice, row, column)."""
        return torch.from_numpy(self.masks[chosen])[:, None].float()


def network_volume(patient: Patient) -> tuple[np.ndarray, np.ndarray]:
    """Return a patient's input (slice, row, column) as a network of volumes takes it, and the mask on that grid."""
    view = VolumeView.of_volume(volume_rule(), patient.image, patient.spacing_mm)
    share = view.resized(patient.mask.astype(np.float32))
    return view.network_input(patient.image)[0], share > _MASK_AT


def synthesise_volumes(
    folder: Path, name: str, patients: int, seed: tuple[int, ...], wide: bool, progress: Progress
) -> Volumes:
    """Make the volumes of a synthetic cohort, or open them when this has been done before.

    Parameters
    ----------
    folder, name, patients, seed, wide, progress
        As of `slices.synthesise`.
    """
    words = "-".join(map(str, seed))
    key = f"{name}-volumes-edition{EDITION}-{words}-{patients}{'-wide' if wide else ''}"
    paths = [folder / f"{key}.{part}.npy" for part in ("voxels", "masks", "positive")]
    if not all(path.is_file() for path in paths):
        folder.mkdir(parents=True, exist_ok=True)
        voxels, masks, positive = [], [], []
        for index in range(patients):
            patient = make_patient((*seed, index), wide=wide)
            values, mask = network_volume(patient)
            voxels.append(np.round((values - _LOW) * _STEPS).astype(np.uint8))
            masks.append(mask.astype(np.uint8))
            positive.append(bool(patient.mask.sum(axis=(1, 2)).max() >= LEAST_LESION))
            progress.report(index + 1, patients, f"making {name} patients")
        for path, parts in zip(paths, (np.stack(voxels), np.stack(masks), np.array(positive)), strict=True):
            np.save(path, parts)
    return Volumes(*(np.load(path, mmap_mode="r" if "voxels" in path.name else None) for path in paths))


def augmented_volumes(
    volumes: Volumes, order: np.ndarray, batch: int, rng: np.random.Generator, flips: bool = True
) -> Iterator[dict[str, torch.Tensor]]:
    """Yield training batches: mirrored, moved, rescaled, changed in contrast."""
    for start in range(0, len(order) - batch + 1, batch):
        chosen = order[start : start + batch]
        stack = torch.cat([volumes.inputs(chosen) - _LOW, volumes.truths(chosen)], dim=1)
        moves = torch.from_numpy(_moves(rng, len(chosen), flips))
        grid = functional.affine_grid(moves, [len(chosen), 2, *SIZE], align_corners=False)
        stack = functional.grid_sample(stack, grid, align_corners=False)
        masks = (stack[:, 1:] > 0.3).float()
        yield {
            "input": recontrasted(rng, stack[:, :1], _HIGH - _LOW) + _LOW,
            "label": torch.from_numpy(volumes.positive[chosen].astype(np.int64)),
            "mask": masks,
        }


def plain_volumes(volumes: Volumes, batch: int) -> Iterator[dict[str, torch.Tensor]]:
    """Yield all volumes unchanged, in their order."""
    for start in range(0, len(volumes.positive), batch):
        chosen = np.arange(start, min(start + batch, len(volumes.positive)))
        yield {
            "input": volumes.inputs(chosen),
            "label": torch.from_numpy(volumes.positive[chosen].astype(np.int64)),
            "mask": volumes.truths(chosen),
        }


def _moves(rng: np.random.Generator, n: int, flips: bool) -> np.ndarray:
    """Return affine maps (n, 3, 4) over (column, row, slice): mirrored or not, scaled, turned in plane, shifted."""
    scale = np.exp(rng.normal(0.0, 0.08, (n, 3)))
    flip = np.where(rng.random(n) < (0.5 if flips else 0.0), -1.0, 1.0)
    angle = rng.normal(0.0, 0.08, n)
    theta = np.zeros((n, 3, 4), dtype=np.float32)
    theta[:, 0, 0], theta[:, 0, 1] = scale[:, 0] * np.cos(angle) * flip, -np.sin(angle)
    theta[:, 1, 0], theta[:, 1, 1] = np.sin(angle) * flip, scale[:, 1] * np.cos(angle)
    theta[:, 2, 2] = scale[:, 2]
    theta[:, :, 3] = rng.normal(0.0, 0.04, (n, 3))
    return theta
