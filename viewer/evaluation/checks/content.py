"""Checks that need the image alone: air, edges, brightness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.evaluation.baseline_maps import brightness_map
from viewer.evaluation.checks.declaration import CHECKS
from viewer.evaluation.checks.finding import Finding, too_few, undefined, weighed
from viewer.evaluation.checks.subject import Subject
from viewer.evaluation.likeness import edge_map, likeness
from viewer.evaluation.outside import mass_outside
from viewer.evaluation.score import Score
from viewer.foundation.progress import Progress
from viewer.imaging.body import body_mask
from viewer.models.line_sampling import stretched

_FULL = 0.99
"""From this share of the input on the body fills it, as in a chest film: then nothing lies outside."""
_SPECK = 0.05
"""What is smaller than this share of the input is a bright spot, and no outline of a body."""


def outside_body(subject: Subject, progress: Progress) -> Finding:
    """Share of the map's mass where there is no patient; the body as `viewer.imaging.body.body_mask` finds it.

    From half on, or from what an even map would have there if that is less, the map says as much about air as about
    the patient: it fails. A tenth is what a smooth map spills over the outline, so less is no objection.
    """
    info = CHECKS["outside-body"]
    body = body_of(subject, progress)
    if body is None:
        return undefined(info.name, "No body stands out from its background in this image.")
    if body.mean() >= _FULL:
        return undefined(info.name, "The body fills the image, so nothing lies outside.")
    if body.mean() < _SPECK:
        return undefined(
            info.name, f"All that stands out is {100 * body.mean():.1f}% of the image, too little for a body."
        )
    base = subject.base()
    mass, area = mass_outside(stretched(base.shown, body.shape), body)
    limit = max(min(info.fails or 0, area.value), info.doubtful)
    verdict = weighed(mass.value, doubtful=info.doubtful, fails=limit)
    sentence = (
        f"{100 * mass.value:.0f}% of the map's mass lies outside the body; an even map would have "
        f"{100 * area.value:.0f}% there."
    )
    panels = (subject.panel("map", base), subject.picture("the body", body.astype(np.float32)))
    return Finding(info.name, mass.value, verdict, sentence, panels, {"area_outside": area.value})


def edge_likeness(subject: Subject, progress: Progress) -> Finding:
    """Rank correlation with the Sobel magnitude of the input, over the map's own cells, in the body if there is one.

    An edge filter knows no network (Adebayo et al. 2018). 0.7 explains half of the variance of the ranks, 0.5 a
    quarter.
    """
    edges = edge_map(subject.grey)
    return _like(subject, progress, "edge-likeness", edges, "an edge filter", "edges of the image")


def brightness_likeness(subject: Subject, progress: Progress) -> Finding:
    """Rank correlation with the input's own brightness, as `edge_likeness`.

    Never more than doubtful: lesions on diffusion-weighted images are bright, and so is a map that is right about them.
    """
    grey = brightness_map(subject.grey)
    return _like(subject, progress, "brightness-likeness", grey, "the image's own brightness", "brightness")


def body_of(subject: Subject, progress: Progress) -> NDArray[np.bool_] | None:
    """Where the body is on the grid of the input, (*space); None where nothing stands out."""
    grey = subject.grey
    if grey.ndim == 2:
        mask = body_mask(grey)
        return None if mask.all() and np.ptp(grey) == 0 else mask
    found = np.empty(grey.shape, dtype=np.bool_)
    low, high = float(grey.min()), float(grey.max())
    for index, plane in enumerate(grey):
        progress.report(index, len(grey), "the outline of the body")
        # A slice of air alone has an Otsu threshold too, of its noise.
        air = float(np.ptp(plane)) < 0.1 * (high - low)
        found[index] = False if air else body_mask(plane)
    return found if found.any() else None


def _like(
    subject: Subject, progress: Progress, name: str, picture: NDArray[np.float32], words: str, title: str
) -> Finding:
    info, base = CHECKS[name], subject.base()
    body = body_of(subject, progress)
    found: Score = likeness(base.shown, picture, name, words, body)
    if why := too_few(found.n or 0, "" if body is None else " in the body"):
        return undefined(name, why)
    if not found.defined:
        return undefined(
            name, "The map or the image is the same everywhere in the body, so nothing can be compared."
        )
    verdict = weighed(found.value, doubtful=info.doubtful, fails=2.0 if info.fails is None else info.fails)
    where = "" if body is None else " in the body"
    sentence = f"The rank correlation of the map with {words}{where} is {found.value:.2f}" + {
        "no objection": ".",
        "doubtful": ": much of it can be had without a network.",
        "fails": ": it can be had without a network.",
    }.get(verdict, ".")
    panels = (subject.panel("map", base), subject.picture(title, picture, f"{found.value:.2f}"))
    return Finding(name, found.value, verdict, sentence, panels, {"cells": found.n})
