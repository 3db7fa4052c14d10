"""Films as training takes them: kept on disk, made from seeds or from one's own, and batches of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional

from viewer.api import InputRule, PixelBox, Progress

from .film import EDITION, Markers, make_film

SIDE = 224
"""Rows and columns of the paper's input, and of what is kept of a film."""
CELLS = 28
"""Rows and columns of the grid on which a finding's share of each cell is kept."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's channels; grey is repeated in all three."""
LOWER, UPPER = 0.5, 99.5
"""Percentiles that become 0 and 1: a burned-in letter is brighter than anybody and must not set the scale."""
KEPT = InputRule(
    (SIDE, SIDE), channels=1, fit="stretch", normalise="range", parameters={"lower": LOWER, "upper": UPPER}
)
"""How a film becomes what is kept of it, -1 to 1; training and viewing go the same way from there."""
_PARTS = ("pixels", "labels", "shares", "owners")


@dataclass(frozen=True)
class Films:
    """Prepared films.

    Attributes
    ----------
    pixels
        uint8 (n, row, column), 0 to 255 between the percentiles.
    labels
        Which classes are there, bool (n, class).
    shares
        How much of each cell lies in a box of the class, uint8 (n, class, row, column), 255 for all of it.
    owners
        Index of the patient of each film (n,).
    outlined
        Whether anybody drew boxes.
    """

    pixels: np.ndarray
    labels: np.ndarray
    shares: np.ndarray
    owners: np.ndarray
    outlined: bool = True

    def __len__(self) -> int:
        return len(self.labels)

    def unit(self, chosen: np.ndarray) -> torch.Tensor:
        """Return the chosen films, 0 to 1, float32 (n, 1, row, column)."""
        return torch.from_numpy(np.ascontiguousarray(self.pixels[chosen]))[:, None].float() / 255.0

    def cover(self, chosen: np.ndarray) -> torch.Tensor:
        """Return the shares of the chosen films, 0 to 1, float32 (n, class, row, column)."""
        return torch.from_numpy(np.ascontiguousarray(self.shares[chosen])).float() / 255.0

    def chosen(self, rows: np.ndarray) -> "Films":
        """Return some of the films, in their order."""
        return replace(self, **{part: getattr(self, part)[rows] for part in _PARTS})

    def reduced(self, side: int) -> "Films":
        """Return the films with fewer rows and columns."""
        if side == self.pixels.shape[-1]:
            return self
        small = np.empty((len(self), side, side), dtype=np.uint8)
        for start in range(0, len(self), 64):
            unit = self.unit(np.arange(start, min(start + 64, len(self))))
            unit = functional.interpolate(unit, (side, side), mode="bilinear", antialias=True)
            small[start : start + 64] = (unit[:, 0] * 255.0).round().byte().numpy()
        return replace(self, pixels=small)

    def save(self, folder: Path, key: str) -> None:
        """Keep the films for another run."""
        folder.mkdir(parents=True, exist_ok=True)
        for part in _PARTS:
            np.save(folder / f"{key}.{part}.npy", getattr(self, part))


def kept_films(folder: Path, key: str, outlined: bool = True) -> Films | None:
    """Open films that were kept earlier; None where they were not."""
    paths = [folder / f"{key}.{part}.npy" for part in _PARTS]
    if not all(path.is_file() for path in paths):
        return None
    pixels, labels, shares, owners = (np.load(path, mmap_mode="r") for path in paths)
    return Films(pixels, np.asarray(labels), shares, np.asarray(owners), outlined)


def prepared(pixels: np.ndarray) -> np.ndarray:
    """Return a film of the networks' size as bytes between its percentiles."""
    low, high = np.percentile(pixels, [LOWER, UPPER])
    unit = np.clip((pixels - low) / max(float(high - low), 1e-6), 0.0, 1.0)
    return np.asarray(np.rint(unit * 255.0), dtype=np.uint8)


def share_of(boxes: list[PixelBox], shape: tuple[float, float]) -> np.ndarray:
    """Return how much of each cell of the grid lies in one of the boxes of a picture, uint8 (row, column)."""
    inside = np.zeros((CELLS * 8, CELLS * 8), dtype=bool)
    scale = np.array([CELLS * 8 / shape[0], CELLS * 8 / shape[1]])
    for box in boxes:
        top, bottom = np.rint(np.array([box.row_min, box.row_max]) * scale[0]).astype(int)
        left, right = np.rint(np.array([box.column_min, box.column_max]) * scale[1]).astype(int)
        inside[max(top, 0) : max(bottom, top + 1), max(left, 0) : max(right, left + 1)] = True
    cells = inside.reshape(CELLS, 8, CELLS, 8).mean(axis=(1, 3))
    return np.asarray(np.rint(cells * 255.0), dtype=np.uint8)


def synthesise(
    folder: Path,
    name: str,
    count: int,
    seed: tuple[int, ...],
    classes: tuple[str, ...],
    markers: Markers,
    progress: Progress,
) -> Films:
    """Make synthetic films, or open them when this has been done before.

    Parameters
    ----------
    folder, name
        Where the films are kept, so that a continued run need not make them again.
    count, seed
        Number of films; film number i follows from the seed and i.
    classes
        Names in the order of the network's outputs.
    markers
        How markers go with findings.
    progress
        Told after each film; may stop the work.
    """
    key = f"{name}-edition{EDITION}-{'-'.join(map(str, seed))}-{count}-{len(classes)}-{markers}"
    found = kept_films(folder, key)
    if found is not None:
        return found
    pixels = np.empty((count, SIDE, SIDE), dtype=np.uint8)
    labels = np.zeros((count, len(classes)), dtype=bool)
    shares = np.zeros((count, len(classes), CELLS, CELLS), dtype=np.uint8)
    for index in range(count):
        film = make_film((*seed, index), SIDE, markers=markers)
        pixels[index] = prepared(film.pixels)
        for place, wanted in enumerate(classes):
            labels[index, place] = wanted in film.findings
            own = [box for name, box in film.boxes if name == wanted]
            if own:
                shares[index, place] = share_of(own, film.pixels.shape)
        progress.report(index + 1, count, f"making {name} films")
    films = Films(pixels, labels, shares, np.arange(count))
    films.save(folder, key)
    return films


def network_values(unit: torch.Tensor) -> torch.Tensor:
    """Return films of 0 to 1 (n, 1, row, column) as the networks take them, (n, 3, row, column)."""
    mean, deviation = (torch.tensor(each, dtype=unit.dtype).view(1, 3, 1, 1) for each in (MEAN, DEVIATION))
    return ((unit - mean) / deviation).contiguous(memory_format=torch.channels_last)


def moved(
    films: Films,
    order: np.ndarray,
    batch: int,
    rng: np.random.Generator,
    *,
    flips: bool,
    rotation: float,
    mild: bool,
) -> Iterator[dict[str, torch.Tensor]]:
    """Yield training batches: `input`, `label`, `share`.

    Parameters
    ----------
    films, order
        Where from, and which in which order; an incomplete last batch is left out.
    flips, rotation
        Whether half of the films are mirrored; by up to how many degrees they are turned.
    mild
        Shift, zoom and change the contrast a little too.
    """
    for start in range(0, len(order) - batch + 1, batch):
        chosen = order[start : start + batch]
        unit = films.unit(chosen)
        moves = torch.from_numpy(_moves(rng, len(chosen), flips, rotation, mild))
        grid = functional.affine_grid(moves, list(unit.shape), align_corners=False)
        unit = functional.grid_sample(unit, grid, align_corners=False)
        small = functional.affine_grid(moves, [len(chosen), 1, CELLS, CELLS], align_corners=False)
        shares = functional.grid_sample(films.cover(chosen), small, align_corners=False)
        if mild:
            power = np.exp(rng.normal(0.0, 0.15, (len(chosen), 1, 1, 1))).astype(np.float32)
            unit = unit.clamp(1e-4, 1.0) ** torch.from_numpy(power)
        yield {
            "input": network_values(unit),
            "label": torch.from_numpy(films.labels[chosen]).float(),
            "share": shares,
        }


def _moves(rng: np.random.Generator, n: int, flips: bool, rotation: float, mild: bool) -> np.ndarray:
    """Return affine maps (n, 2, 3)."""
    turn = np.deg2rad(rng.uniform(-rotation, rotation, n))
    scale = np.exp(rng.normal(0.0, 0.05 if mild else 0.0, (n, 2)))
    flip = np.where(rng.random(n) < (0.5 if flips else 0.0), -1.0, 1.0)
    theta = np.zeros((n, 2, 3), dtype=np.float32)
    theta[:, 0, 0], theta[:, 0, 1] = np.cos(turn) * scale[:, 0] * flip, -np.sin(turn) * scale[:, 1]
    theta[:, 1, 0], theta[:, 1, 1] = np.sin(turn) * scale[:, 0] * flip, np.cos(turn) * scale[:, 1]
    if mild:
        theta[:, :, 2] = rng.normal(0.0, 0.03, (n, 2))
    return theta


def plain(films: Films, batch: int) -> Iterator[dict[str, torch.Tensor]]:
    """Yield all films unchanged, in their order."""
    for start in range(0, len(films), batch):
        chosen = np.arange(start, min(start + batch, len(films)))
        yield {
            "input": network_values(films.unit(chosen)),
            "label": torch.from_numpy(films.labels[chosen]).float(),
            "share": films.cover(chosen),
        }
