"""``python -m benchmarks.stroke_experiments``: the figures of the stroke study, made from synthetic patients.

Writes ``docs/studies/stroke_experiments.md`` and its pictures. A figure whose models are not on this machine is
described and left out, with the reason; the series is shown by `stroke-gap` where there is no network of volumes.
"""

from __future__ import annotations

import argparse
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from plugins.stroke_dwi.cohort import make_patient
from plugins.stroke_dwi.generator import write_case
from plugins.stroke_dwi.lesions import SITES, LesionPlan
from viewer.controllers.cohort.misclassified import Wrong, misclassified
from viewer.controllers.experiments.order import ExperimentOrder
from viewer.controllers.experiments.patient_pages import patient_pages, told
from viewer.controllers.experiments.patient_reading import read_patient
from viewer.controllers.experiments.running import placed, run_experiment
from viewer.controllers.headless import predict_image
from viewer.evaluation.cohort_table import read_cohort
from viewer.foundation.errors import WhySliceError
from viewer.foundation.progress import SILENT
from viewer.imaging.image import MedicalImage
from viewer.imaging.reading import read_image
from viewer.models.shelf import model_cards
from viewer.plugin_host import host
from viewer.reporting.page import page_png
from viewer.reporting.page_content import Page

_SEED = (2026, 8)
_PAGE = Path("docs/studies/stroke_experiments.md")
_PICTURES = Path("docs/studies/pictures")
_DPI, _COLOURS = 80, 256
_MODEL = "stroke-gap"
_HERE, _LEFT_OUT = "**Here.** ", "Left out: "
_PATIENTS = ("usual", "severe", "small-1", "small-2", "small-3", "small-4", "small-5")
_MISLABELLED = (
    "The false alarm has an infarct: it was labelled otherwise on purpose, as in the study's Figure 13."
)

_ABOUT = """Each figure of the stroke study (Avci 2021), what it shows there, and the same made by the program from a
synthetic patient. Nothing here is about patients: it shows that every experiment is there, and what it looks like.
In the window the menu *Experiments* makes each of them from the open case."""


@dataclass(frozen=True)
class Figure:
    """A figure of the study.

    Attributes
    ----------
    experiment : that makes it; ``misclassified`` and ``patient`` are not among those on one slice.
    there : what it shows in the study, in our words.
    patient : which of ours it is made of.
    model : that is asked first.
    picture : name of the file, where one experiment makes several.
    """

    title: str
    experiment: str
    there: str
    patient: str = "usual"
    model: str = _MODEL
    picture: str = ""


FIGURES = (
    Figure(
        "Figure 8: mirroring",
        "mirroring",
        "One lesion slice as it is and reversed left to right, with Grad-CAM and Grad-CAM++ of stroke by the deep "
        "baseline network. The maps turn with the picture, so the bias to one side is not an error of the method.",
    ),
    Figure(
        "Figure 9: cropping",
        "cropping",
        "The same slice whole and cut to the brain. Cropped, less of both maps lies outside the brain, and places are "
        "marked that were not before.",
    ),
    Figure(
        "Figure 10: one layer after the other",
        "layers",
        "Grad-CAM on each convolution of the 16-layer baseline. The lesions are found by the fifth and blurred by the "
        "last three, from which the study concludes that the network is too deep.",
    ),
    Figure(
        "Section 4.1.4: other architectures",
        "models",
        "The study trains dense, flat, pooled and shallow networks, compares their scores (its Table 2) and judges "
        "their maps by eye: pooled good, shallow very good, the others poor. The table on a cohort is made by "
        "*Models* in the Cohort workspace and by `whyslice evaluate COHORT --model A,B`.",
    ),
    Figure(
        "Figure 11: both classes",
        "classes",
        "Six panels a patient: original, prepared input, Grad-CAM and Grad-CAM++ of stroke, the same of no stroke, "
        "with probabilities. The study finds that the Grad-CAM maps of the classes never overlap; its code "
        "differentiates the softmax output, where that is so by construction. The lower row shows this, the upper one "
        "the logit.",
    ),
    Figure(
        "Figures 12 and 13: misclassified cases",
        "misclassified",
        "Missed strokes with a probability of 18 to 33%, whose maps nevertheless lie on the lesions; and two TIA "
        "patients called stroke, whose labels a neurologist found to be wrong. Here a label can be disputed with a "
        "note (*Experiments > Dispute the label*), and is then counted apart.",
    ),
    Figure(
        "Figure 14: outcome",
        "outcome",
        "A patient with an mRS of 2: above the stroke network with both classes, below the outcome network with mRS "
        "3-6, mRS 0-2 and no stroke, each by two methods.",
    ),
    Figure(
        "Figure 15: a severe stroke",
        "outcome",
        "A patient with a large infarct: not the lesion but compressed ventricles and effaced sulci are marked, from "
        "which the study derives the hypothesis that deformation speaks for a bad outcome. Our patient is made with "
        "mass effect.",
        "severe",
        picture="outcome-severe",
    ),
    Figure(
        "Figure 16: trained again",
        "reproducibility",
        "Two trainings side by side on three slices. Their maps of stroke are alike; those of no stroke, whose "
        "probability is about zero, cannot be interpreted.",
        model="stroke-shallow",
    ),
    Figure(
        "Figure 18: a volume",
        "slices",
        "Thirty slices of a patient, and below the same with the Grad-CAM map of a small network of volumes.",
        model="stroke-3d",
    ),
    Figure(
        "A patient as a patient",
        "patient",
        "Not in the study: which slices are called, how sure that is, where their maps lie, and which slices that were "
        "not called are worth a second look. `whyslice export PATH --model ID --format pdf`.",
    ),
)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stroke_experiments")
    parser.add_argument("--out", type=Path, default=Path("out/stroke-experiments"))
    parser.add_argument(
        "--beside", default="stroke-shallow-2", help="a second training of stroke-shallow, id or folder"
    )
    parser.add_argument("--only", default="", help="experiments between commas; the other sections stay")
    options = parser.parse_args(arguments)
    host.activate()
    folders = {name: _write(options.out, name) for name in _PATIENTS}
    _PICTURES.mkdir(parents=True, exist_ok=True)
    kept = written(_PAGE.read_text(encoding="utf-8")) if _PAGE.is_file() else {}
    for figure in FIGURES:
        if options.only and figure.experiment not in options.only.split(","):
            continue
        print(figure.title, flush=True)
        kept[figure.title] = _made(figure, folders, options)
    _PAGE.write_text(page_of(kept), encoding="utf-8")
    print(_PAGE)


def _write(out: Path, name: str) -> Path:
    """A patient on disk; the same name is the same patient."""
    folder = out / name
    if (folder / "image.nii.gz").is_file():
        return folder
    site = next(site for site in SITES if site.name == "MCA superior")
    plans: Mapping[str, LesionPlan] = {
        "usual": LesionPlan("territory", site, side=-1.0, scale=0.8, swelling=0.1),
        "severe": LesionPlan("territory", site, side=1.0, scale=1.6, swelling=0.9),
    }
    plan = plans.get(name) or LesionPlan("territory", site, side=1.0, scale=0.16, swelling=0.0)
    seed = (*_SEED, _PATIENTS.index(name))
    patient = make_patient(seed, stroke=True, plan=plan, quiet=name in plans)
    write_case(folder, patient, np.random.default_rng(seed))
    label = "stroke" if patient.mask.any() else "no stroke"
    (folder / "cohort.csv").write_text(
        f"path,label,mask,mrs_3months\nimage.nii.gz,{label},mask.nii.gz,{_mrs(name)}\n", encoding="utf-8"
    )
    return folder


def _mrs(name: str) -> int:
    """A patient's score, by what the name stands for."""
    return {"usual": 2, "severe": 5}.get(name, 1)


def _order(figure: Figure, folders: Mapping[str, Path], beside: str) -> ExperimentOrder:
    folder = folders[figure.patient]
    image: MedicalImage = read_image(folder / "image.nii.gz")
    row = read_cohort(folder).image_of(folder / "image.nii.gz")
    assert row is not None
    others = (beside,) if beside and figure.experiment == "reproducibility" else ()
    there = any(card.id == figure.model for card in model_cards()[0])
    return ExperimentOrder(
        figure.model if there else _MODEL, image, beside=others, facts=row.facts, synthetic=True
    )


def _made(figure: Figure, folders: Mapping[str, Path], options: argparse.Namespace) -> dict[str, str]:
    """The sentence of a figure and the name of its picture; or why there is none."""
    try:
        page, sentence = _page_of(figure, folders, options.beside)
    except WhySliceError as error:
        return {"reason": error.sentence}
    name = f"stroke-{figure.picture or figure.experiment}.png"
    with Image.open(io.BytesIO(page_png(page, _DPI))) as picture:
        small = picture.convert("RGB").quantize(_COLOURS)
    small.save(_PICTURES / name, optimize=True)
    return {"picture": name, "sentence": sentence}


def _page_of(figure: Figure, folders: Mapping[str, Path], beside: str) -> tuple[Page, str]:
    if figure.experiment == "misclassified":
        shown = misclassified(_MODEL, _wrong(folders), SILENT)
        return shown.page, f"{shown.sentence} {_MISLABELLED}"
    order = _order(figure, folders, beside)
    if figure.experiment == "patient":
        found = read_patient(replace(order, explainers=("grad-cam",)))
        return patient_pages(found)[0], " ".join(told(found))
    made = run_experiment(figure.experiment, placed(order))
    return made.page, made.sentence


def _wrong(folders: Mapping[str, Path]) -> list[Wrong]:
    """Patients with small infarcts that the model misses, and one that is called and labelled as healthy on purpose."""
    wrong = []
    for number, (name, folder) in enumerate(folders.items(), start=1):
        row = read_cohort(folder).images[0]
        said = predict_image(read_image(row.file), _MODEL).prediction
        called = said.case[said.classes.index("stroke")] >= 0.5
        ill = any("stroke" in marking.labels for marking in row.markings)
        if name.startswith("small") and ill and not called:
            wrong.append(Wrong(row, number, "FN"))
        if name == "usual" and called:
            wrong.append(Wrong(row, number, "FP", disputed=True))
    return wrong[:3]


def page_of(kept: Mapping[str, Mapping[str, str]]) -> str:
    parts = [
        "# The stroke study's figures",
        "Made by `python -m benchmarks.stroke_experiments`.",
        _ABOUT,
    ]
    for figure in FIGURES:
        found = kept.get(figure.title, {"reason": "not made yet; the command makes it where its models are."})
        parts += [f"## {figure.title}", f"**There.** {figure.there}"]
        if "picture" in found:
            parts += [f"{_HERE}{found['sentence']}", f"![{figure.title}](pictures/{found['picture']})"]
        else:
            parts.append(f"{_HERE}{_LEFT_OUT}{found['reason']}")
    return "\n\n".join(parts) + "\n"


def written(page: str) -> dict[str, dict[str, str]]:
    """What a page says here of each figure, by title, so that the others stay when one is made again."""
    kept: dict[str, dict[str, str]] = {}
    for section in page.split("\n## ")[1:]:
        title, _, rest = section.partition("\n")
        said = next(line for line in rest.splitlines() if line.startswith(_HERE)).removeprefix(_HERE)
        picture = re.search(r"\]\(pictures/([^)]+)\)", rest)
        if picture is None:
            kept[title] = {"reason": said.removeprefix(_LEFT_OUT)}
        else:
            kept[title] = {"picture": picture[1], "sentence": said}
    return kept


if __name__ == "__main__":
    main()
