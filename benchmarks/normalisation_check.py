"""``python -m benchmarks.normalisation_check``: how often the check of the input's scale warns rightly and wrongly.

Small networks are trained a little on synthetic films, each on another scale; then every scale is given to every one of
them, on films of the training's kind and, where there are public ones, on real films, which are another kind. A warning
is right where the scale is another one than that of the training. ImageNet's channels, other means and deviations
about 0 and z-scores count as one scale: the network sees much the same.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.markdown import table
from plugins.chest_xray.film import make_film
from plugins.chest_xray.findings import SYNTHETIC
from plugins.chest_xray.networks import chest_resnet18
from viewer import api
from viewer.imaging.geometry import Geometry
from viewer.models.card import InputRule
from viewer.models.input_view import InputView
from viewer.models.normalise import in_channels, normalise

_SIDE = 112
_SEED = 4242
_REAL = Path("../shared/data/cov_x_ccby/images")
_BY_VALUE = {"black": 0.0, "white": 255.0}
_SCALES: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    # name -> (those that count as one, normalisation, its parameters)
    "[0, 1]": ("unit", "unit", _BY_VALUE),
    "[0, 1] of the film": ("unit", "unit", {"lower": 0.5, "upper": 99.5}),
    "[-1, 1]": ("range", "range", _BY_VALUE),
    "ImageNet": ("centred", "imagenet", _BY_VALUE),
    "mean 0.5, deviation 0.25": ("centred", "channels", {**_BY_VALUE, "mean": (0.5,), "std": (0.25,)}),
    "z-score": ("centred", "zscore", {}),
    "[0, 255]": ("bytes", "none", {}),
    "[-1024, 1024]": ("xrv", "channels", {**_BY_VALUE, "mean": (0.5,), "std": (1 / 2048,)}),
}
Film = NDArray[np.float32]


class _NormLast(nn.Module):
    """Convolution, ReLU, then batch norm, as much Keras code has it."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        widths = (3, 16, 32, 64)
        self.body = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.ReLU(), nn.BatchNorm2d(b))
                for a, b in pairwise(widths)
            )
        )
        self.answer = nn.Linear(widths[-1], outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.answer(self.body(x).mean((2, 3)))
        return answer


def main() -> None:
    """Train, ask, and print how often it warned."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.normalisation_check")
    parser.add_argument("--films", type=int, default=10, help="synthetic films that are asked about")
    parser.add_argument("--real", type=int, default=15, help="real films that are asked about")
    parser.add_argument("--learn", type=int, default=320, help="synthetic films to learn from")
    options = parser.parse_args()
    torch.set_num_threads(1)
    learned, labels = _synthetic(1, options.learn)
    kinds = {"synthetic": _synthetic(2, options.films)[0], "real": _real()[: options.real]}
    warned: dict[tuple[str, str, bool], list[bool]] = defaultdict(list)
    for trained, (family, _, _) in _SCALES.items():
        for make in (lambda: chest_resnet18(len(SYNTHETIC), width=16), lambda: _NormLast(len(SYNTHETIC))):
            network = _trained(make, trained, learned, labels)
            for other, name, parameters in _SCALES.values():
                asked = api.wrap_module(
                    network,
                    classes=list(SYNTHETIC),
                    dims=2,
                    input_size=(_SIDE, _SIDE),
                    channels=3,
                    task="multilabel",
                    normalise={"name": name, **parameters},
                )
                for kind, films in kinds.items():
                    for film in films:
                        finding = _asked(asked, film)
                        warned[kind, trained, family == other].append(finding.verdict != "no objection")
        print(f"{trained} done", flush=True)
    for kind, films in kinds.items():
        if len(films):
            print(f"\n{kind} films ({len(films)}): share that was warned of\n\n{_shares(warned, kind)}")


def _shares(warned: Mapping[tuple[str, str, bool], list[bool]], kind: str) -> str:
    rows = []
    every: dict[bool, list[bool]] = {True: [], False: []}
    for trained in _SCALES:
        found = [warned[kind, trained, right] for right in (False, True)]
        every[False] += found[0]
        every[True] += found[1]
        rows.append((trained, *(f"{np.mean(each):.3f} of {len(each)}" for each in found)))
    rows.append(("all", *(f"{np.mean(every[right]):.3f} of {len(every[right])}" for right in (False, True))))
    return table(("trained on", "wrong scales", "right scales"), rows)


def _asked(classifier: api.Classifier, film: Film) -> api.Finding:
    image = api.MedicalImage(film[None].astype(np.uint8), Geometry(np.eye(4), (1, *film.shape)))
    (finding,) = api.check(classifier, image, checks=["normalisation"], explainer="gradient", target=0)
    return finding


def _synthetic(part: int, count: int) -> tuple[Film, NDArray[np.bool_]]:
    """Films of 0 to 255 (n, row, column), and which findings they have."""
    made = [make_film((_SEED, part, index), 2 * _SIDE) for index in range(count)]
    pixels = np.stack([film.pixels.reshape(_SIDE, 2, _SIDE, 2).mean((1, 3)) for film in made]) * 255
    found = np.array([[name in film.findings for name in SYNTHETIC] for film in made])
    return np.rint(pixels).astype(np.float32), found


def _real() -> Film:
    """Public films of 0 to 255, where they are there."""
    rule = InputRule((_SIDE, _SIDE), fit="stretch", normalise="none")
    films = []
    for path in sorted(_REAL.glob("*")) if _REAL.is_dir() else ():
        image = api.read_image(path)
        grey = image.grey(image.plane.picture(image.voxels, 0))
        films.append(InputView.of_picture(rule, grey).resized(grey))
    return np.stack(films) if films else np.empty((0, _SIDE, _SIDE), np.float32)


def _trained(make: Any, scale: str, films: Film, labels: NDArray[np.bool_]) -> nn.Module:
    """A network after two epochs, and a third in which its batch norms see what its weights have come to.

    After so few steps a running average still holds a little of the variance of 1 that it began with, which is many
    times that of a first convolution with a ReLU on values of [0, 1]; a network that was trained for hours has
    forgotten it. So the third epoch begins anew and keeps the mean of all its batches.
    """
    torch.manual_seed(0)
    network: nn.Module = make()
    rng = np.random.default_rng(0)
    _, name, parameters = _SCALES[scale]
    inputs = torch.from_numpy(np.stack([in_channels(normalise(name, f, **parameters), 3, 2) for f in films]))
    wanted = torch.from_numpy(labels).float()
    descent = torch.optim.Adam(network.parameters(), 1e-3)
    network.train()
    for epoch in range(3):
        if epoch == 2:
            for norm in network.modules():
                if isinstance(norm, nn.BatchNorm2d):
                    norm.reset_running_stats()
                    norm.momentum = None  # torch then averages evenly
        order = rng.permutation(len(inputs))
        for start in range(0, len(order) - 15, 16):
            chosen = order[start : start + 16]
            with torch.set_grad_enabled(epoch < 2):
                loss = nn.functional.binary_cross_entropy_with_logits(network(inputs[chosen]), wanted[chosen])
            if epoch < 2:
                descent.zero_grad()
                loss.backward()
                descent.step()
    return network.eval()


if __name__ == "__main__":
    main()
