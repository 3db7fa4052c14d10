"""A synthetic patient's modified Rankin score three months later, from the lesion's volume and site.

The rule follows what cohorts report: below about 10 ml most patients are independent again, above about 70 ml few are;
a small lesion in the brainstem or in the corticospinal tract costs more than its volume says. It is a rule for teaching
and testing software, not a prognosis.
"""

import numpy as np

_COSTLY = {
    "pons": 1.0,
    "medulla": 0.7,
    "midbrain": 0.9,
    "corona radiata": 0.8,
    "lenticulostriate": 0.6,
    "thalamus": 0.4,
    "motor cortex": 0.7,
    "MCA": 0.5,
    "insula": 0.2,
}
_STEPS = (0.4, 0.9, 1.5, 2.2, 3.0, 3.8)
"""Burdens from which the score is 1, 2, 3, 4, 5, 6."""

CLASSES = ("no stroke", "mRS 0-2", "mRS 3-6")


def rankin_score(lesion_ml: float, site: str, side: float, rng: np.random.Generator) -> int:
    """Return a score of 0 (no symptoms) to 6 (dead).

    Parameters
    ----------
    lesion_ml
        Volume of fresh infarct, ml; 0 gives 0 or 1, as after a transient attack.
    site
        Name of the lesion's site; empty for a watershed infarct or a shower of emboli.
    side
        -1 right, +1 left; the left hemisphere speaks, which costs a little more.
    rng
        Patients differ.
    """
    if lesion_ml <= 0:
        return int(rng.random() < 0.25)
    burden = 0.75 * np.log10(1.0 + lesion_ml) * (1.0 + lesion_ml / 120.0)
    burden += _COSTLY.get(site, 0.0) + (0.15 if side > 0 else 0.0) + rng.normal(0.0, 0.35)
    return int(np.searchsorted(_STEPS, burden, side="right"))


def outcome_class(score: int | None) -> int:
    """Return the study's class of a score: 0 without stroke (None), 1 for 0 to 2, 2 for 3 to 6."""
    if score is None:
        return 0
    return 1 if score <= 2 else 2
