"""Parameters that several explainers have, under one name and with one meaning. No torch here."""

from __future__ import annotations

from viewer.explainers.explainer_info import Parameter

SEED = Parameter(
    "seed",
    "int",
    0,
    0,
    2**31 - 1,
    help="Everything random follows from it: the same seed gives the same map.",
)
BASELINE = Parameter(
    "baseline",
    "str",
    "minimum",
    unit="value of the network's input",
    help="The input that the explained one is compared with: the least value of each channel (black), zero, each "
    "channel's mean, a strongly blurred copy, or one number for every voxel.",
    choices=("minimum", "zero", "mean", "blur"),
    number_too=True,
    source="Sundararajan et al. 2017: a black image",
)
