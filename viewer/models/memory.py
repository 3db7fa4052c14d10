"""What happens when memory runs out: half as many images at a time, then the processor, and the result says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch

from viewer.foundation.errors import ModelError
from viewer.models.classifier import Classifier
from viewer.models.devices import ran_out, release

FELL_BACK = "fell-back-to-cpu"
"""Flag: the device had too little memory even for one image, so the processor did the work."""

Result = TypeVar("Result")


def in_fitting_parts(
    classifier: Classifier, batch: Any, run: Callable[[Any], Result]
) -> tuple[list[Result], tuple[str, ...]]:
    """Run something on a batch, in parts where memory does not allow the whole.

    Parameters
    ----------
    batch : a tensor or an array, (image, ...).
    run : is given consecutive images, and may be given the same ones again.

    Returns
    -------
    list
        One result per part, in the order of the images.
    tuple
        `FELL_BACK`, or nothing.

    Raises
    ------
    ModelError
        When one image is too much for the processor too.
    """
    size = len(batch)
    while True:
        try:
            return [run(batch[first : first + size]) for first in range(0, len(batch), size)], ()
        except (RuntimeError, MemoryError) as error:
            if not ran_out(error):
                raise
        # Not in the `except`: the traceback holds on to everything that was being computed.
        release(classifier.device)
        if size == 1:
            break
        size //= 2
    if classifier.device == torch.device("cpu"):
        raise _too_large(classifier)
    with classifier.on_processor():
        try:
            return [run(batch[first : first + 1]) for first in range(len(batch))], (FELL_BACK,)
        except (RuntimeError, MemoryError) as error:
            if not ran_out(error):
                raise
        raise _too_large(classifier)


def _too_large(classifier: Classifier) -> ModelError:
    return ModelError(
        f"There is not enough memory to run the model '{classifier.card.id}' on an input of this size.",
        code="memory",
        action="Close other programs, or explain fewer or later layers.",
    )
