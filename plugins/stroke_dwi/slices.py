"""The slices of many synthetic patients on disk, and batches of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional

from viewer.api import Progress, normalise

from .cohort import EDITION, IMAGE_SIZE, make_patient
from .generator import outcome_of

NORMALISATION: dict[str, Any] = {"name": "tissue-median", "clip": 5.0}
LEAST_LESION = 3
"""A slice with fewer lesion pixels counts as one without: nobody could see it."""
_STEPS = 255.0 / NORMALISATION["clip"]


@dataclass(frozen=True)
class Slices:
    """Normalised slices and lesion masks.

    Attributes
    ----------
    pixels
        uint8 (n, row, column); see `inputs` for the network's values.
    masks
        Packed bits, uint8 (n, row, column / 8).
    patients
        Index of the patient of each slice (n,).
    areas
        Lesion pixels of each slice (n,).
    outcomes
        For each slice the study's class of its patient's outcome (n,): 0 without stroke, 1 for mRS 0 to 2, 2 above.
    """

    pixels: np.ndarray
    masks: np.ndarray
    patients: np.ndarray
    areas: np.ndarray
    outcomes: np.ndarray

    @property
    def positive(self) -> np.ndarray:
        """Return whether a lesion can be seen on each slice (n,)."""
        return np.asarray(self.areas >= LEAST_LESION)

    def labels(self, classes: int = 2) -> np.ndarray:
        """Return the class of each slice (n,), int64: stroke or not, or with three classes by the patient's outcome.

        By the paper's rule a slice on which the lesion shows carries the outcome of its patient.
        """
        return np.asarray(
            self.positive * (1 if classes == 2 else self.outcomes.astype(np.int64)), dtype=np.int64
        )

    def inputs(self, chosen: np.ndarray) -> torch.Tensor:
        """Return the network's input of the chosen slices, float32 (n, 1, row, column)."""
        values: torch.Tensor = torch.from_numpy(self.pixels[chosen])[:, None].float() / _STEPS - 1.0
        return values

    def truths(self, chosen: np.ndarray) -> torch.Tensor:
        """Return the lesion masks of the chosen slices, float32 (n, 1, row, column)."""
        return torch.from_numpy(np.unpackbits(self.masks[chosen], axis=-1))[:, None].float()


def synthesise(
    folder: Path,
    name: str,
    patients: int,
    seed: tuple[int, ...],
    wide: bool,
    progress: Progress,
) -> Slices:
    """Make the slices of a synthetic cohort, or open them when this has been done before.

    Parameters
    ----------
    folder, name
        Where the cohort is kept, so that a continued run need not make it again.
    patients, seed
        Number of patients; patient number i follows from the seed and i.
    wide
        Vary the acquisition beyond routine scans.
    progress
        Told after each patient; may stop the work.
    """
    key = f"{name}-edition{EDITION}-{'-'.join(map(str, seed))}-{patients}{'-wide' if wide else ''}"
    paths = [folder / f"{key}.{part}.npy" for part in ("pixels", "masks", "patients", "areas", "outcomes")]
    if not all(path.is_file() for path in paths):
        folder.mkdir(parents=True, exist_ok=True)
        pixels, masks, owners, areas, outcomes = [], [], [], [], []
        for index in range(patients):
            patient = make_patient((*seed, index), wide=wide)
            parameters = dict(NORMALISATION)
            rule = parameters.pop("name")
            values = np.stack([normalise(rule, picture, **parameters) for picture in patient.image])
            pixels.append(np.round((values + 1.0) * _STEPS).astype(np.uint8))
            masks.append(np.packbits(patient.mask, axis=-1))
            owners.append(np.full(len(patient.image), index))
            areas.append(patient.mask.sum(axis=(1, 2)))
            outcomes.append(
                np.full(len(patient.image), outcome_of(patient, np.random.default_rng((*seed, index, 1))))
            )
            progress.report(index + 1, patients, f"making {name} patients")
        for path, parts in zip(paths, (pixels, masks, owners, areas, outcomes), strict=True):
            np.save(path, np.concatenate(parts))
    return Slices(*(np.load(path, mmap_mode="r" if "pixels" in path.name else None) for path in paths))


def balanced(positive: np.ndarray, count: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return `count` indices in random order, `share` of them positive, none repeated before all were used.

    Parameters
    ----------
    positive
        Of every case whether it has the finding, bool (n,).
    """

    def draw(pool: np.ndarray, wanted: int) -> np.ndarray:
        if pool.size == 0:
            return pool
        rounds = -(-wanted // pool.size)
        return np.concatenate([rng.permutation(pool) for _ in range(rounds)])[:wanted]

    # Where all cases are of one kind there is nothing to balance.
    wanted = round(count * share) if not positive.all() else count
    with_finding = draw(np.flatnonzero(positive), wanted)
    without = draw(np.flatnonzero(~positive), count - with_finding.size)
    return rng.permutation(np.concatenate([with_finding, without]))


def augmented(
    slices: Slices,
    order: np.ndarray,
    batch: int,
    side: int,
    rng: np.random.Generator,
    classes: int = 2,
    flips: bool = True,
) -> Iterator[dict[str, torch.Tensor]]:
    """Yield training batches: mirrored, moved, rescaled, changed in contrast.

    Parameters
    ----------
    slices, order
        Where from, and which in which order.
    batch
        Slices a batch; an incomplete last one is left out.
    side
        Rows and columns given to the network. Below the full size every other batch is the whole head reduced, and
        every other one a cut-out at full resolution.
    rng
        Source of the changes.
    classes
        See `Slices.labels`.
    flips
        Whether left and right are exchanged in half of the pictures.
    """
    every = slices.labels(classes)
    for number, start in enumerate(range(0, len(order) - batch + 1, batch)):
        chosen = order[start : start + batch]
        whole = side >= IMAGE_SIZE or number % 2 == 0
        # Moved in grey values above air, so that what comes in from outside is air.
        stack = torch.cat([slices.inputs(chosen) + 1.0, slices.truths(chosen)], dim=1)
        if whole and side < IMAGE_SIZE:
            stack = functional.interpolate(stack, (side, side), mode="area")
        moves = torch.from_numpy(_moves(rng, len(chosen), 1.0 if whole else side / IMAGE_SIZE, flips))
        grid = functional.affine_grid(moves, [len(chosen), 2, side, side], align_corners=False)
        stack = functional.grid_sample(stack, grid, align_corners=False)
        masks = (stack[:, 1:] > 0.3).float()
        # A cut-out may have lost the lesion; a whole head keeps its label, however small the lesion has become.
        seen = masks.sum(dim=(1, 2, 3)) >= (1 if whole else LEAST_LESION)
        labels = torch.from_numpy(every[chosen]) * seen
        yield {
            "input": recontrasted(rng, stack[:, :1]).contiguous(memory_format=torch.channels_last),
            "label": labels,
            "mask": masks,
        }


def _moves(rng: np.random.Generator, n: int, zoom: float, flips: bool) -> np.ndarray:
    """Return affine maps (n, 2, 3): mirrored or not, scaled, sheared, shifted; below a zoom of 1 far off the middle."""
    scale = np.exp(rng.normal(0.0, 0.08, (n, 2))) * zoom
    flip = np.where(rng.random(n) < (0.5 if flips else 0.0), -1.0, 1.0)
    shear, move = rng.normal(0.0, 0.04, (n, 2)), rng.normal(0.0, 0.04, (n, 2))
    if zoom < 1.0:
        move += rng.uniform(-0.35, 0.35, (n, 2))
    theta = np.zeros((n, 2, 3), dtype=np.float32)
    theta[:, 0, 0], theta[:, 1, 1] = scale[:, 0] * flip, scale[:, 1]
    theta[:, 0, 1], theta[:, 1, 0], theta[:, :, 2] = shear[:, 0], shear[:, 1], move
    return theta


def recontrasted(rng: np.random.Generator, values: torch.Tensor) -> torch.Tensor:
    """Return values above air with another gain and gamma, as the network takes them; axes (n, channel, ...)."""
    each = (len(values), *[1] * (values.ndim - 1))
    gain, power = np.exp(rng.normal(0.0, 0.12, (2, *each))).astype(np.float32)
    changed = torch.from_numpy(gain) * values.clamp_min(0.0) ** torch.from_numpy(power)
    return changed.clamp_max(NORMALISATION["clip"]) - 1.0


def plain(slices: Slices, batch: int, classes: int = 2) -> Iterator[dict[str, torch.Tensor]]:
    """Yield all slices unchanged, in their order."""
    labels = slices.labels(classes)
    for start in range(0, len(slices.areas), batch):
        chosen = np.arange(start, min(start + batch, len(slices.areas)))
        yield {
            "input": slices.inputs(chosen).contiguous(memory_format=torch.channels_last),
            "label": torch.from_numpy(labels[chosen]),
            "mask": slices.truths(chosen),
        }
