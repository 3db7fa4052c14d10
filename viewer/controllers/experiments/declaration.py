"""Which experiments there are: each asks one question of a case and answers with a picture and a number. No torch."""

from __future__ import annotations

from dataclasses import dataclass

from viewer.foundation.registry import Registry
from viewer.state.comparing import CompareKind
from viewer.state.session import Workspace


@dataclass(frozen=True)
class ExperimentInfo:
    """An experiment as the user meets it.

    Attributes
    ----------
    name : on the command line and in JSON.
    title : in the window.
    question : what it asks, one sentence.
    measure : what its number is.
    source : where the picture comes from.
    workspace : that shows the same live.
    compares : what is compared there, where that is Compare.
    """

    name: str
    title: str
    question: str
    measure: str
    source: str
    workspace: Workspace
    compares: CompareKind | None = None


EXPERIMENTS: Registry[ExperimentInfo] = Registry("experiment")
"""Every experiment on one case by name, in the order of the menu."""

for _info in (
    ExperimentInfo(
        "mirroring", "Mirroring", "Does the map go with the patient when the input is mirrored?",
        "correlation of the map with that of the mirrored input, turned back", "Avci 2021, Figure 8",
        "compare", "inputs",
    ),
    ExperimentInfo(
        "cropping", "Cropping", "How much of the map lies outside the body, with and without cropping?",
        "share of the map's mass outside the body with the crop that the model takes", "Avci 2021, Figure 9",
        "compare", "inputs",
    ),
    ExperimentInfo(
        "layers", "Layer by layer", "Where in the network does the map find its place, and where is it lost?",
        "layers with a map", "Avci 2021, Figure 10", "layers",
    ),
    ExperimentInfo(
        "models", "Models side by side", "Do other models call the same places important on this slice?",
        "median correlation of the other models' maps with the first one's", "Avci 2021, section 4.1.4",
        "compare", "models",
    ),
    ExperimentInfo(
        "classes", "Classes side by side", "Do the maps tell the class from its opponent?",
        "overlap of the two classes' maps: sum of minima over sum of maxima", "Avci 2021, Figure 11",
        "compare", "explainers",
    ),
    ExperimentInfo(
        "outcome", "Two questions, one slice",
        "What do a model of the finding and one of its grades look at on the same slice?",
        "correlation of the finding's map with that of the most probable grade", "Avci 2021, Figures 14 and 15",
        "compare", "models",
    ),
    ExperimentInfo(
        "reproducibility", "Trained again", "Does the same network, trained again, look at the same places?",
        "mean correlation of the two networks' maps", "Avci 2021, Figure 16", "compare", "models",
    ),
    ExperimentInfo(
        "slices", "Slice by slice", "Where in the whole series does the map lie?",
        "share of the maps' mass on slices where the class is called; of the map of a volume on the slice with most",
        "Avci 2021, Figure 18", "volume",
    ),
):  # fmt: skip
    EXPERIMENTS.add(_info.name, _info)
