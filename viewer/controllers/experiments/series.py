"""The whole series as one picture: the slices, the same slices with their maps, and three planes through one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from viewer.controllers.experiments.asked import Asked, Map, Scale
from viewer.controllers.experiments.order import Experiment, ExperimentOrder
from viewer.controllers.experiments.pages import page_of
from viewer.controllers.explain_volume import planes_of
from viewer.explainers.declaration import EXPLAINERS
from viewer.foundation.progress import Progress
from viewer.imaging.plane import ReadingPlane
from viewer.models.input_view import InputView
from viewer.models.volume_view import VolumeView
from viewer.reporting.page_content import Block, PagePanel, PageRow, in_rows

_ACROSS = 10
MOST = 30
"""Slices of a page: of a longer series as many, evenly spread."""


def slices(order: ExperimentOrder, progress: Progress) -> Experiment:
    """Every slice, and every slice with its map; of a network of slices each has its own."""
    asked = Asked(order, progress)
    drawn, signed, probabilities = series_maps(asked, progress)
    count = len(drawn)
    reference = asked.reference(asked.explainers[0], asked.target)
    most = float(drawn.max(initial=0.0))
    scale: Scale = (
        (reference, "model reference") if reference else (most or 1.0, "largest value of the series")
    )
    mass = drawn.reshape(count, -1).sum(axis=1)
    chosen = spread_over(count, MOST)
    blocks: list[Block] = [
        *in_rows([asked.picture(str(index + 1), index=index) for index in chosen], _ACROSS, "slices"),
        *in_rows(
            tiles(asked, chosen, drawn, signed, probabilities, scale),
            _ACROSS,
            f"{EXPLAINERS[asked.explainers[0]].title} of {asked.class_name}"
            + ("" if probabilities is None else ", with its probability on each slice"),
        ),
    ]
    volume = _in_file_order(asked, drawn)
    planes: PlanesPlace | None = None
    if volume is not None:
        planes = _planes_place(asked, drawn, probabilities)
        blocks.append(_planes(asked, volume, scale, planes))
    called, share, sentence = _told(asked, mass, probabilities)
    if len(chosen) < count:
        sentence += f" {len(chosen)} of {count} slices are shown, evenly spread."
    total = float(mass.sum())
    numbers = {
        "mass": [float(each) / total if total > 0 else 0.0 for each in mass],
        "probabilities": None if probabilities is None else [float(p) for p in probabilities],
        "called": called,
        "planes": None if planes is None else {"voxel": list(planes.voxel), "words": planes.words},
    }
    page = page_of(
        *("slices", asked, blocks, sentence, {asked.explainers[0]: scale}),
        width=11.0,
        maps=asked.first_words,
    )
    return Experiment("slices", share, sentence, page, numbers, None if asked.whole else asked.slice)


def series_maps(asked: Asked, progress: Progress) -> tuple[Map, Sequence[Map] | None, Map | None]:
    """The measured map of every slice, its positive part.

    Returns
    -------
    tuple
        (slice, row, column) drawn on the pictures; of a network of slices each slice's signed map on its own grid and
        the probability (slice,), else None.
    """
    from viewer.controllers import engine

    order = asked.order
    if asked.whole:
        made = asked.made()
        return np.maximum(made.drawn, 0), None, None
    drawn, signed, probabilities = [], [], []
    explainer = asked.explainers[0]
    in_trace = EXPLAINERS[explainer].in_atlas
    for index in range(asked.case.slices):
        progress.report(index, asked.case.slices, "explaining every slice")
        place = (asked.model, order.device, order.image, index, order.mirror, asked.crop, order.score)
        if in_trace:
            found = engine.trace_slice(
                engine.TraceRequest(
                    *place, layers=(asked.layer,), targets=(asked.target,), methods=(explainer,)
                )
            )
            raw, view, row = found.maps[asked.target, asked.layer, explainer], found.view, found.probabilities
        else:
            layer = asked.layer if EXPLAINERS[explainer].needs_layer else ""
            last = None
            for last in engine.explain_steps(engine.ExplainRequest(*place, explainer, layer, asked.target)):  # noqa: B007
                progress.report(index, asked.case.slices, "explaining every slice")
            assert last is not None, "an explainer answers at least once"
            assert isinstance(last.view, InputView)
            raw, view, row = last.signed, last.view, last.probabilities
        signed.append(raw)
        drawn.append(view.back(np.maximum(raw, 0)))
        probabilities.append(row[asked.target])
    return np.stack(drawn), signed, np.array(probabilities, dtype=np.float32)


def tiles(
    asked: Asked,
    chosen: Sequence[int],
    drawn: Map,
    signed: Sequence[Map] | None,
    probabilities: Map | None,
    scale: Scale,
) -> list[PagePanel]:
    """Slices with their maps."""
    panels = []
    for index in chosen:
        own = asked.made().signed if signed is None else signed[index]
        p = float(asked.probabilities[asked.target] if probabilities is None else probabilities[index])
        panel = asked.drawn(
            *(drawn[index], own, asked.explainers[0], asked.target, scale, str(index + 1)),
            note="" if probabilities is None else f"p {p:.2f}",
            probability=p,
            index=index,
        )
        panels.append(PagePanel(panel.content, panel.title, panel.note))
    return panels


def spread_over(count: int, most: int) -> list[int]:
    """At most so many of the numbers from 0, evenly spread."""
    if count <= most:
        return list(range(count))
    return sorted({round(n) for n in np.linspace(0, count - 1, most)})


def _told(asked: Asked, mass: Map, probabilities: Map | None) -> tuple[list[int], float | None, str]:
    """Slices where the class is called, the share of the map's mass that the number is, and both in words."""
    total, count, name = float(mass.sum()), len(mass), asked.class_name
    if probabilities is None:
        peak = int(mass.argmax())
        p = f"p({name}) {float(asked.probabilities[asked.target]):.2f} for the volume as a whole. "
        if total == 0:
            return [], None, f"{p}The map is empty everywhere."
        share = float(mass[peak]) / total
        half = int(np.searchsorted(np.cumsum(np.sort(mass)[::-1]), total / 2) + 1)
        on = f"half of the map lies on {half} slice{'' if half == 1 else 's'}"
        return [], share, f"{p}Slice {peak + 1} of {count} holds {100 * share:.0f}% of the map; {on}."
    threshold = asked.card.threshold(name)
    called = [index for index, p in enumerate(probabilities) if p >= threshold]
    verb = "is" if len(called) == 1 else "are"
    head = f"{len(called)} of {count} slices {verb} called {name} (p {threshold:g} or more)"
    if total == 0:
        return called, None, f"{head}. The maps are empty everywhere."
    share = float(mass[called].sum()) / total
    words = (
        f"they hold {100 * share:.0f}% of the maps' mass"
        if called
        else "so all of the maps lies on other slices"
    )
    return called, share, f"{head}; {words}. Each slice is explained by itself."


def _in_file_order(asked: Asked, drawn: Map) -> Map | None:
    """The map (slice, row, column) in the order of the file; None where there are no three dimensions to show."""
    image = asked.order.image
    if image.colour or asked.case.slices < 2 or not image.geometry.placed:
        return None
    if asked.whole:
        view = asked.made().view
        assert isinstance(view, VolumeView)
        return view.returned(drawn)
    volume = np.zeros(image.geometry.shape, dtype=np.float32)
    for index, picture in enumerate(drawn):
        image.plane.put(volume, index, picture)
    return volume


@dataclass(frozen=True)
class PlanesPlace:
    """Where three planes meet.

    Attributes
    ----------
    voxel : (slice, row, column) in the order of the file.
    words : why there.
    """

    voxel: tuple[int, int, int]
    words: str


def _planes_place(asked: Asked, drawn: Map, probabilities: Map | None) -> PlanesPlace:
    """The map's highest value: of a volume in all of it; of slices on the most probable one, as each has its own map.

    Values of different slices come from different answers: the highest of all may lie on a slice that is not called.
    """
    name = asked.class_name
    if probabilities is None:
        p = float(asked.probabilities[asked.target])
        index = int(drawn.reshape(len(drawn), -1).max(axis=1).argmax())
        words = f"the map's highest value (one probability for the whole volume: {name} {p:.2f})"
    else:
        index = int(probabilities.argmax())
        on = f"slice {index + 1}, where {name} is most probable (p {float(probabilities[index]):.2f})"
        words = f"the map's highest value on {on}"
    flat = drawn[index]
    row, column = np.unravel_index(int(flat.argmax()), flat.shape)
    if not flat[row, column] > 0:
        row, column = flat.shape[0] // 2, flat.shape[1] // 2
        words = (
            "the middle; the map is empty"
            if probabilities is None
            else f"the middle of {on}; its map is empty"
        )
    return PlanesPlace(_voxel(asked, index, int(row), int(column)), f"three planes through {words}")


def _voxel(asked: Asked, index: int, row: int, column: int) -> tuple[int, int, int]:
    """The voxel of the file that a value of the drawn map lies on."""
    image = asked.order.image
    if asked.whole:
        view = asked.made().view
        assert isinstance(view, VolumeView)
        found = view.order.voxel(image.geometry.shape, (index, row, column))
    else:
        found = image.plane.voxel(image.geometry, index, row, column)
    first, second, third = (round(float(each)) for each in found)
    return first, second, third


def _planes(asked: Asked, volume: Map, scale: Scale, place: PlanesPlace) -> PageRow:
    """Axial, coronal and sagittal through one place."""
    panels = (
        _plane_panel(asked, plane, place.voxel[plane.axes[0]], volume, scale)
        for plane in planes_of(asked.order.image.geometry)
    )
    return PageRow(tuple(panels), place.words, 3)


def _plane_panel(asked: Asked, plane: ReadingPlane, index: int, volume: Map, scale: Scale) -> PagePanel:
    from viewer.controllers.slice_figures import DIVERGING
    from viewer.reporting.blend import Overlay
    from viewer.reporting.content import FigureContent

    image, style, window = asked.order.image, asked.order.look.style, asked.window
    both = EXPLAINERS[asked.explainers[0]].diverging
    overlay = Overlay(
        *(plane.picture(volume, index), (0.0, scale[0]), scale[1]),
        DIVERGING if both else style.colour_map,
        *(style.opacity, style.threshold),
    )
    content = FigureContent(
        picture=plane.picture(image.voxels, index),
        window=(window.low, window.high),
        spacing=plane.spacing(image.geometry),
        overlay=overlay,
        inverted=image.intensity.inverted,
        letters=plane.edge_letters(image.geometry),
    )
    return PagePanel(content, plane.name, f"{plane.name} {index + 1} of {plane.count(image.geometry.shape)}")
