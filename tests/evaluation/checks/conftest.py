"""Round heads on dark air, with a bright spot; and a check of a network by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from viewer.evaluation.checks.finding import Finding
from viewer.evaluation.checks.running import check
from viewer.models.loading import wrap_module

SIZE = 32


@pytest.fixture
def head() -> NDArray[np.float32]:
    """(1, 32, 32): a disc of tissue 1.0 with texture on air 0, a spot of 3 at row 12, column 20."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    disc = np.hypot(rows - 15.5, columns - 15.5) < 11
    texture = 0.1 * np.random.default_rng(0).standard_normal((SIZE, SIZE))
    picture = np.where(disc, 1 + texture, 0.0)
    picture[11:14, 19:22] = 3
    return picture[None].astype(np.float32)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


Checked = Callable[..., Finding]


@pytest.fixture
def checked() -> Checked:
    """What one check finds about a network: ``checked(network, array, name, **options of check)``."""

    def one(network: nn.Module, array: NDArray, name: str, **options: object) -> Finding:
        classes = options.pop("classes", ["no", "yes"])
        classifier = wrap_module(
            network.eval(),
            classes=classes,  # type: ignore[arg-type]
            dims=array.ndim - 1,
            input_size=array.shape[1:],
            channels=array.shape[0],
            task=options.pop("task", "multiclass"),  # type: ignore[arg-type]
        )
        options.setdefault("target", len(classes) - 1)  # type: ignore[arg-type]
        [found] = check(classifier, array, checks=[name], **options)  # type: ignore[arg-type]
        assert found.name == name
        return found

    return one
