"""The slices of many patients on disk, synthetic ones or one's own, and batches of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional

from viewer.api import Progress

from .cohort import EDITION, IMAGE_SIZE, make_patient
from .generator import outcome_of
from .preparation import PLAIN, Preparation

LEAST_LESION = 3
"""A slice with fewer lesion pixels counts as one without: nobody could see it."""
_PARTS = ("pixels", "masks", "patients", "areas", "outcomes")


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
    limits
        Network values of the bytes 0 and 255.
    neighbours
        Slices on either side that go into the input with each slice.
    outlined
        Whether the masks say where lesions are; own data may know no more than on which slices.
    """

    pixels: np.ndarray
    masks: np.ndarray
    patients: np.ndarray
    areas: np.ndarray
    outcomes: np.ndarray
    limits: tuple[float, float] = (-1.0, 4.0)
    outlined: bool = True
    neighbours: int = 0

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
        """Return the network's input of the chosen slices, float32 (n, channel, row, column)."""
        low, high = self.limits
        values = torch.from_numpy(self.pixels[self._with_neighbours(chosen)]).float()
        return values * ((high - low) / 255.0) + low

    def _with_neighbours(self, chosen: np.ndarray) -> np.ndarray:
        """Return for each slice the rows of the slices (n, channel) that it is shown with, all of its patient.

        Beyond the ends of a patient its last slice stands in, as in the viewer.
        """
        first = np.searchsorted(self.patients, self.patients[chosen], side="left")
        last = np.searchsorted(self.patients, self.patients[chosen], side="right") - 1
        steps = np.arange(-self.neighbours, self.neighbours + 1)
        return np.asarray(np.clip(chosen[:, None] + steps, first[:, None], last[:, None]))

    def truths(self, chosen: np.ndarray) -> torch.Tensor:
        """Return the lesion masks of the chosen slices, float32 (n, 1, row, column)."""
        return torch.from_numpy(np.unpackbits(self.masks[chosen], axis=-1))[:, None].float()


class Keeper:
    """Collects prepared slices, patient by patient."""

    def __init__(self, preparation: Preparation) -> None:
        self._preparation = preparation
        self._parts: dict[str, list[np.ndarray]] = {part: [] for part in _PARTS}
        self._patients = 0

    def add(
        self,
        pictures: np.ndarray,
        masks: np.ndarray | None,
        spacing: tuple[float, float],
        outcome: int,
        positive: np.ndarray | None = None,
    ) -> None:
        """Add a patient's slices (slice, row, column); `positive` says on which a lesion shows where masks do not."""
        outlines: list[np.ndarray | None] = [None] * len(pictures) if masks is None else list(masks)
        kept = [
            self._preparation.kept(picture, mask, spacing)
            for picture, mask in zip(pictures, outlines, strict=True)
        ]
        areas = np.array([int(mask.sum()) for _, mask in kept])
        if masks is None and positive is not None:
            areas = np.where(positive, LEAST_LESION, 0)
        self._parts["pixels"].append(np.stack([pixels for pixels, _ in kept]))
        self._parts["masks"].append(np.packbits(np.stack([mask for _, mask in kept]), axis=-1))
        self._parts["patients"].append(np.full(len(kept), self._patients))
        self._parts["areas"].append(areas)
        self._parts["outcomes"].append(np.full(len(kept), outcome))
        self._patients += 1

    def save(self, folder: Path, key: str) -> None:
        """Write what was collected."""
        folder.mkdir(parents=True, exist_ok=True)
        for part, arrays in self._parts.items():
            np.save(folder / f"{key}.{part}.npy", np.concatenate(arrays))


def kept_slices(folder: Path, key: str, preparation: Preparation, outlined: bool = True) -> Slices | None:
    """Open slices that were kept earlier; None where they were not."""
    paths = [folder / f"{key}.{part}.npy" for part in _PARTS]
    if not all(path.is_file() for path in paths):
        return None
    pixels, masks, owners, areas, outcomes = (
        np.load(path, mmap_mode="r" if "pixels" in path.name else None) for path in paths
    )
    return Slices(pixels, masks, owners, areas, outcomes, preparation.limits, outlined)


def synthesise(
    folder: Path,
    name: str,
    patients: int,
    seed: tuple[int, ...],
    wide: bool,
    progress: Progress,
    preparation: Preparation = PLAIN,
    leave_out: str = "",
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
    preparation
        How pictures become what the network takes.
    leave_out
        Family of artefacts that these patients do not have; empty for none.
    """
    how = "" if preparation == PLAIN else f"-{preparation.normalise}-{preparation.crop}"
    key = f"{name}-edition{EDITION}-{'-'.join(map(str, seed))}-{patients}{'-wide' if wide else ''}{how}"
    key += f"-without-{leave_out.replace(' ', '-')}" if leave_out else ""
    found = kept_slices(folder, key, preparation)
    if found is None:
        keeper, artefacts = Keeper(preparation), {leave_out: False} if leave_out else {}
        for index in range(patients):
            patient = make_patient((*seed, index), wide=wide, artefacts=artefacts)
            outcome = outcome_of(patient, np.random.default_rng((*seed, index, 1)))
            keeper.add(patient.image, patient.mask, patient.spacing_mm[1:], outcome)
            progress.report(index + 1, patients, f"making {name} patients")
        keeper.save(folder, key)
        found = kept_slices(folder, key, preparation)
        assert found is not None
    return found


def chosen_slices(slices: Slices, rows: np.ndarray) -> Slices:
    """Return some of the slices, in their order."""
    return replace(slices, **{part: getattr(slices, part)[rows] for part in _PARTS})


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
    published: bool = False,
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
    published
        Move as the study's code did, in place of the milder moves of this recipe; the pictures are always whole.
    """
    every = slices.labels(classes)
    low, high = slices.limits
    for number, start in enumerate(range(0, len(order) - batch + 1, batch)):
        chosen = order[start : start + batch]
        whole = published or side >= IMAGE_SIZE or number % 2 == 0
        # Moved in values above each picture's least, so that what comes in from outside is air.
        pictures = slices.inputs(chosen)
        air = pictures.amin(dim=(2, 3), keepdim=True)
        stack = torch.cat([pictures - air, slices.truths(chosen)], dim=1)
        if whole and side < IMAGE_SIZE:
            stack = functional.interpolate(stack, (side, side), mode="area")
        drawn = (
            _published_moves(rng, len(chosen), flips)
            if published
            else _moves(rng, len(chosen), 1.0 if whole else side / IMAGE_SIZE, flips)
        )
        moves = torch.from_numpy(drawn)
        grid = functional.affine_grid(moves, [len(chosen), 1, side, side], align_corners=False)
        stack = functional.grid_sample(stack, grid, align_corners=False)
        masks = (stack[:, -1:] > 0.3).float()
        # A cut-out may have lost the lesion; a whole head keeps its label, however small the lesion has become.
        seen = masks.sum(dim=(1, 2, 3)) >= (1 if whole else LEAST_LESION)
        labels = torch.from_numpy(every[chosen]) * (seen if slices.outlined else 1)
        # The study's code moved its pictures and left their values as they were.
        values = stack[:, :-1] if published else recontrasted(rng, stack[:, :-1], high - low)
        yield {
            "input": (values + air).clamp_max(high).contiguous(memory_format=torch.channels_last),
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


def _published_moves(rng: np.random.Generator, n: int, flips: bool) -> np.ndarray:
    """Return the affine maps (n, 2, 3) of the study's code: Keras' ImageDataGenerator with both flips.

    Shift 0.2 and zoom 0.5 are shares of the picture, rotation 20 and shear 0.2 are degrees, as Keras reads them.
    """
    turn, shear = np.deg2rad(rng.uniform(-20.0, 20.0, n)), np.deg2rad(rng.uniform(-0.2, 0.2, n))
    zoom, shift = rng.uniform(0.5, 1.5, (n, 2)), rng.uniform(-0.2, 0.2, (n, 2))
    signs = np.where(rng.random((n, 2)) < (0.5 if flips else 0.0), -1.0, 1.0)
    columns, rows = zoom[:, 0] * signs[:, 0], zoom[:, 1] * signs[:, 1]
    theta = np.zeros((n, 2, 3), dtype=np.float32)
    theta[:, 0, 0], theta[:, 0, 1] = np.cos(turn) * columns, -np.sin(turn + shear) * rows
    theta[:, 1, 0], theta[:, 1, 1] = np.sin(turn) * columns, np.cos(turn + shear) * rows
    # Coordinates run from -1 to 1 over the picture.
    theta[:, :, 2] = 2.0 * shift
    return theta


def recontrasted(rng: np.random.Generator, values: torch.Tensor, most: float) -> torch.Tensor:
    """Return values above air, 0 to `most`, with another gain and gamma, some noisier; axes (n, channel, ...).

    Scanners differ more in contrast and noise than the generator does: unseen patients with a gamma of 0.6 or 1.6, or
    with twice the noise, were where a network trained on less of it failed.
    """
    each = (len(values), *[1] * (values.ndim - 1))
    gain = torch.from_numpy(np.exp(rng.normal(0.0, 0.12, each)).astype(np.float32))
    power = torch.from_numpy(np.exp(rng.normal(0.0, 0.25, each)).astype(np.float32))
    changed = gain * values.clamp_min(0.0) ** power
    sigma = np.where(rng.random(each) < 1 / 3, rng.uniform(0.0, 0.03 * most, each), 0.0).astype(np.float32)
    noise = rng.standard_normal((2, *values.shape), dtype=np.float32)
    real, imaginary = torch.from_numpy(sigma * noise)
    # Magnitude images have Rician noise, which lifts air as well.
    return torch.hypot(changed + real, imaginary).clamp_max(most)


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
