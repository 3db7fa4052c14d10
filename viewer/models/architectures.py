"""Named network architectures; plugins add theirs through `viewer.api`."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from viewer.foundation.registry import Registry

ARCHITECTURES: Registry[Callable[..., nn.Module]] = Registry("architecture")
"""Name -> factory. A factory takes ``classes: int, channels: int`` and its own options, and returns a fresh module."""
