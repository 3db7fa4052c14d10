"""The device that a model runs on."""

from __future__ import annotations

import torch

from viewer.foundation.errors import ModelError


def device(name: str | None = None) -> torch.device:
    """The named device, or the best there is (CUDA, MPS, else CPU) for None and ``auto``.

    Raises
    ------
    ModelError
        When this machine does not have it.
    """
    if name in (None, "auto"):
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(str(name).split(":")[0], False):
        raise ModelError(
            f"This machine has no device '{name}'.", code="no-device", action="Choose cpu or auto."
        )
    return torch.device(str(name))
