"""What tests of explanations on demand do over and over."""

from __future__ import annotations

import numpy as np

from viewer.controllers.workbench import Workbench
from viewer.state.map_view import signed_map


def shown(bench: Workbench) -> np.ndarray | None:
    session = bench.session
    return signed_map(session, session.reading, session.view.slice, session.choice.layer)


def choose(bench: Workbench, name: str, **parameters: object) -> None:
    bench.explaining.set_parameters(name, parameters)
    bench.explaining.select_explainer(name)
