"""One synthetic person: the sizes of a chest, drawn once and the same on every film of it.

Lengths are parts of half the width of a film; x runs to the person's left, which is the right of the film, y down.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Person:
    """Sizes of a chest.

    Attributes
    ----------
    chest
        Half the inner width of the ribs at their widest.
    apex, bases
        y of the top of the lungs; of the domes of the right and the left diaphragm.
    shoulders
        y of the shoulders' slope.
    thickness
        Of the trunk, 1 for a usual one.
    heart
        Width of the heart by the width of the chest.
    heart_turn, heart_shape
        Turn of its axis in radians; its shorter by its longer axis.
    arch
        Radius of the aortic arch.
    ribs
        Distance between ribs.
    breasts
        How much they darken the film; 0 for none.
    """

    chest: float
    apex: float
    bases: tuple[float, float]
    shoulders: float
    thickness: float
    heart: float
    heart_turn: float
    heart_shape: float
    arch: float
    ribs: float
    breasts: float


def draw_person(rng: np.random.Generator, *, large_heart: bool, wide_aorta: bool) -> Person:
    """Return a person; the heart fills less than half of the chest unless it is large."""
    base = rng.uniform(0.34, 0.5)
    heart = rng.uniform(0.55, 0.7) if large_heart else float(np.clip(rng.normal(0.44, 0.03), 0.36, 0.5))
    arch = rng.uniform(0.112, 0.165) if wide_aorta else rng.uniform(0.05, 0.082)
    return Person(
        chest=rng.uniform(0.66, 0.77),
        apex=rng.uniform(-0.8, -0.7),
        bases=(base, base + rng.uniform(0.02, 0.09)),
        shoulders=rng.uniform(-0.86, -0.74),
        thickness=rng.uniform(0.85, 1.2),
        heart=heart,
        heart_turn=rng.uniform(0.45, 0.75),
        heart_shape=rng.uniform(0.66, 0.8) + (0.08 if large_heart else 0.0),
        arch=arch,
        ribs=rng.uniform(0.145, 0.18),
        breasts=rng.uniform(0.05, 0.14) if rng.random() < 0.45 else 0.0,
    )
