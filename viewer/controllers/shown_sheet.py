"""The sheet of layers by explainers, frozen for saving."""

from __future__ import annotations

from typing import Any

import numpy as np

from viewer.controllers.shown import record_of_map
from viewer.foundation.errors import ExportError
from viewer.foundation.provenance import provenance
from viewer.reporting.layer_sheet import SheetContent, SheetPicture
from viewer.state.canvas_view import shown_background
from viewer.state.layers_view import LayerMap
from viewer.state.session import Session
from viewer.state.sheet_view import AGAINST, MEASURES, SheetCell, sheet_view
from viewer.state.tile_view import step_of, thinned
from viewer.state.veil import WORDS, veil


def shown_sheet(session: Session) -> tuple[SheetContent, dict[str, Any]]:
    """The sheet of the shown slice, and its provenance.

    Raises
    ------
    ExportError
        When the slice has no maps.
    """
    background = shown_background(session)
    view = sheet_view(session, background, WORDS if veil(session) else "")
    if view.without or background is None:
        raise ExportError(view.without or "No image is open.", code="no-map")
    cells = [
        [view.cell(row, column) for column in range(len(view.explainers))] for row in range(len(view.layers))
    ]
    pixels = np.array(thinned(background.pixels, step_of(background.pixels.shape)))
    turned = (slice(None), slice(None, None, -1)) if background.flipped else (slice(None), slice(None))
    content = SheetContent(
        pixels[turned],
        (background.low, background.high),
        background.spacing,
        background.inverted,
        background.letters,
        f"{view.title} \u00b7 {view.numbers}",
        [layer.name for layer in view.layers],
        view.titles,
        [[_picture(cell, turned) for cell in row] for row in cells],
        session.overlay.colour_map,
        session.overlay.opacity,
        session.overlay.threshold,
    )
    record = {
        **record_of_map(session),
        "slice": session.view.slice,
        "measure": MEASURES[session.view.measure],
        "against": AGAINST[session.view.against],
        "agreement": {
            layer.name: {
                name: None if np.isnan(cell.agreement) else round(cell.agreement, 6)
                for name, cell in zip(view.explainers, row, strict=True)
            }
            for layer, row in zip(view.layers, cells, strict=True)
        },
    }
    return content, provenance(**record)


def _picture(cell: SheetCell, turned: tuple[slice, slice]) -> SheetPicture:
    values = cell.found.values[turned] if isinstance(cell.found, LayerMap) else None
    return SheetPicture(values, cell.words, cell.chosen)
