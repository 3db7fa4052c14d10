"""How a picture becomes what a network of the study takes, and the bytes in which it is kept for training."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from viewer.api import InputRule, InputView, normalise

from .cohort import IMAGE_SIZE

NORMALISATIONS: dict[str, tuple[dict[str, Any], float, float]] = {
    # name: (as the card has it, least and greatest value that is kept)
    "tissue-median": ({"name": "tissue-median", "clip": 5.0}, -1.0, 4.0),
    "zscore": ({"name": "zscore"}, -3.0, 12.0),
    "range": ({"name": "range"}, -1.0, 1.0),
}
CROPS = ("none", "brain", "percentile")


@dataclass(frozen=True)
class Preparation:
    """One way to prepare pictures; the card says the same.

    Attributes
    ----------
    normalise
        One of `NORMALISATIONS`; the paper's text has `zscore`, its code `range`.
    crop
        One of `CROPS`; the paper has `percentile`.
    """

    normalise: str = "tissue-median"
    crop: str = "none"

    @property
    def normalisation(self) -> dict[str, Any]:
        """Return the normalisation as a card has it."""
        return dict(NORMALISATIONS[self.normalise][0])

    @property
    def rule(self) -> InputRule:
        """Return how the viewer shall prepare a picture for the network."""
        parameters = self.normalisation
        name = parameters.pop("name")
        return InputRule((IMAGE_SIZE, IMAGE_SIZE), crop=self.crop, normalise=name, parameters=parameters)  # type: ignore[arg-type]

    @property
    def limits(self) -> tuple[float, float]:
        """Return the least and the greatest value that is kept."""
        _, low, high = NORMALISATIONS[self.normalise]
        return low, high

    def kept(
        self, picture: np.ndarray, mask: np.ndarray | None, spacing: tuple[float, float]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a picture (row, column) as uint8 on the network's grid, and its lesion mask (bool) there.

        Parameters
        ----------
        mask
            Lesion on the picture's grid; None where nobody outlined it.
        spacing
            (row, column) mm.
        """
        empty = np.zeros((IMAGE_SIZE, IMAGE_SIZE), dtype=bool)
        if self.crop == "none" and picture.shape == empty.shape:
            parameters = self.normalisation
            values = normalise(parameters.pop("name"), picture, **parameters)
            found = empty if mask is None else mask.astype(bool)
        else:
            view = InputView.of_picture(self.rule, picture, spacing)
            values = view.network_input(picture)[0]
            found = empty if mask is None else view.resized(mask.astype(np.float32)) > 0.5
        low, high = self.limits
        return np.round((np.clip(values, low, high) - low) * (255.0 / (high - low))).astype(np.uint8), found


PLAIN = Preparation()
"""How the bundled models take pictures."""
