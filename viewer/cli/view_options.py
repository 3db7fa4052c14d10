"""What the window is asked to show: the options of ``whyslice view`` as one frozen value.

It is the whole conversation between the command line and the window: ``viewer.app.run_window`` takes one, and nothing
of argparse goes further than this file's neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from viewer.imaging.erasure import Erasure

DEFAULT_WIDTH = 1440
DEFAULT_HEIGHT = 980


@dataclass(frozen=True)
class ViewOptions:
    """What to open and how.

    Parameters
    ----------
    paths
        Files or folders to open; empty for the demo case.
    series
        Id of a series in a folder of several; None to be asked.
    volume
        Number of a volume of the series; None for its default.
    spacing
        Distances of slices, rows and columns in mm, in place of the file's; None for those.
    resample
        Whether uneven or tilted slices are brought onto an even grid at once.
    model
        Id of a model on the shelf; None for the viewer's own choice.
    explainer
        Name of an explainer, such as ``grad-cam``.
    parameters
        Of the explainer, as they were written: (name, value).
    erased
        What is taken out of the picture before the network sees it.
    layer
        Name of a target layer of the model.
    target
        Class to explain: a name, or an index written as text.
    findings
        Probability from which on findings are shown together; None for the viewer's own.
    slice
        Zero-based index of the slice to stand on.
    device
        ``cpu``, ``cuda`` or ``mps``; None for the best there is.
    truth
        File with the known truth of the case.
    overlay
        Whether the map is shown over the slice at first.
    workspace
        ``reading``, ``compare``, ``layers`` or ``volume``; a case that is no volume is shown in Reading all the same.
    screenshot
        File that the settled window is rendered to.
    exit
        Leave as soon as the screenshot is written.
    show_phi
        Show what identifies the patient, in the picture too.
    no_restore
        Do not ask whether the last session shall come back.
    debug
        Show tracebacks on the terminal.
    safe_mode
        Load no plugin but the bundled ones.
    width, height
        Size of the window, in logical pixels.
    """

    paths: tuple[Path, ...] = ()
    series: str | None = None
    volume: int | None = None
    spacing: tuple[float, float, float] | None = None
    resample: bool = False
    model: str | None = None
    explainer: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    erased: tuple[Erasure, ...] = ()
    layer: str | None = None
    target: str | None = None
    findings: float | None = None
    slice: int | None = None
    device: str | None = None
    truth: Path | None = None
    overlay: bool = True
    workspace: str = "reading"
    screenshot: Path | None = None
    exit: bool = False
    show_phi: bool = False
    no_restore: bool = False
    debug: bool = False
    safe_mode: bool = False
    width: int = DEFAULT_WIDTH
    height: int = DEFAULT_HEIGHT
