"""Options of the commands that look at images."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from viewer.cli import exporting
from viewer.cli import shared_options as shared
from viewer.cli.arguments import nifti_path, one_of, probability, whole_number
from viewer.controllers.experiments.declaration import EXPERIMENTS
from viewer.controllers.steadying import PASSES
from viewer.evaluation.checks.declaration import CHECKS

_WORKSPACES = ("reading", "compare", "layers", "volume", "cohort")
_SLICES = "counted from 0, or 'all' (default: where the class is most probable)"


def view(parser: ArgumentParser) -> None:
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", type=Path, help="files or folders; none for the demo case"
    )
    shared.image(parser)
    parser.add_argument("--model", metavar="ID", help="id of a model; 'models' lists them")
    parser.add_argument("--explainer", metavar="NAME", help="name of an explainer; 'explainers' lists them")
    shared.settings(parser, "a parameter of the explainer; may be given several times")
    shared.erase(parser)
    parser.add_argument("--layer", metavar="L", help="target layer; 'layers MODEL' lists them")
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--class", dest="target", metavar="C", help="class to explain")
    one.add_argument(
        "--findings",
        metavar="P",
        type=probability,
        help="all findings of at least this probability together, of models with several (default: 0.7)",
    )
    parser.add_argument(
        "--slice", metavar="K", type=whole_number(least=0), help="slice to stand on, counted from 0"
    )
    parser.add_argument(
        "--device", metavar="D", type=one_of("device", shared.DEVICES), help=", ".join(shared.DEVICES)
    )
    parser.add_argument(
        "--truth",
        metavar="FILE",
        type=Path,
        help="mask, or boxes: JSON, COCO, Pascal VOC, VinDr or NIH table",
    )
    parser.add_argument(
        "--overlay",
        metavar="on|off",
        type=one_of("overlay", ("on", "off")),
        default="on",
        help="the map over the slice",
    )
    parser.add_argument(
        "--workspace",
        metavar="NAME",
        type=one_of("workspace", _WORKSPACES),
        default="reading",
        help=", ".join(_WORKSPACES),
    )
    parser.add_argument("--screenshot", metavar="FILE", type=Path, help="render the settled window to a PNG")
    parser.add_argument("--exit", action="store_true", help="leave when the screenshot is written")
    parser.add_argument(
        "--no-restore", action="store_true", help="do not ask whether the last session shall come back"
    )
    parser.add_argument(
        "--show-phi",
        action="store_true",
        help="show names, numbers and dates of the patient, in the screenshot too",
    )


def inspect(parser: ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", type=Path, help="a file or folder")


def convert(parser: ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", type=Path, help="a file or folder")
    parser.add_argument("out", metavar="OUT.nii.gz", type=nifti_path, help="the file to write")
    shared.image(parser)
    parser.add_argument(
        "--as-it-is",
        action="store_true",
        help="write uneven slices all the same, although NIfTI cannot hold their places",
    )


def layers(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="id or folder of a model")
    shared.device(parser)


def predict(parser: ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", type=Path, help="a file or folder")
    parser.add_argument("--model", metavar="ID", required=True, help="id or folder of a model")
    shared.image(parser)
    shared.network_input(parser)
    shared.erase(parser)
    shared.mc_samples(parser, default=0)
    shared.device(parser)


def explain(parser: ArgumentParser) -> None:
    shared.maps(parser, required=True, slices=_SLICES)
    parser.add_argument(
        "--truth",
        metavar="FILE",
        type=Path,
        help="mask or boxes that the maps are compared with, as 'view' reads them",
    )
    shared.out(parser)
    shared.device(parser)


def check(parser: ArgumentParser) -> None:
    shared.maps(parser, required=False, slices=_SLICES)
    parser.add_argument(
        "--checks",
        metavar="A,B",
        action="append",
        default=[],
        help=f"one or several of {', '.join(CHECKS)} (default: all), or none",
    )
    shared.out(parser, required=False, text="folder for the pictures (default: none are made)")
    parser.add_argument(
        "--figures",
        metavar="DIR",
        type=Path,
        help="make the experiments too, and write a figure of each, as PNG and PDF, into this folder",
    )
    parser.add_argument(
        "--experiments",
        metavar="A,B",
        action="append",
        default=[],
        help=f"one or several of {', '.join(EXPERIMENTS)} (default with --figures: all)",
    )
    parser.add_argument(
        "--beside",
        metavar="ID[,ID]",
        action="append",
        default=[],
        help="other models for the experiments that compare (default: those on this machine that fit)",
    )
    parser.add_argument(
        "--cohort",
        metavar="COHORT",
        type=Path,
        help="folder with the cohort.csv that names the image: its further columns stand in the figures",
    )
    shared.device(parser)


def export(parser: ArgumentParser) -> None:
    parser.add_argument(
        "paths", metavar="PATH", type=Path, nargs="+", help="files and folders, or a folder with cohort.csv"
    )
    parser.add_argument(
        "--format",
        metavar="FORMAT",
        type=one_of("format", exporting.FORMATS),
        required=True,
        help="html: one page with every case, its map and the answer, for a class; pdf: the summary of one patient "
        "(an --out that ends in .png is its first page)",
    )
    parser.add_argument("--model", metavar="ID", required=True, help="id or folder of a model")
    parser.add_argument("--explainer", metavar="NAME", help="of the maps (default: grad-cam)")
    parser.add_argument("--layer", metavar="L", help="of the maps (default: the model's default layer)")
    parser.add_argument("--class", dest="target", metavar="C", help="of the maps (default: the finding)")
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="the file to write")
    shared.mc_samples(parser, default=PASSES)
    parser.add_argument(
        "--cohort",
        metavar="COHORT",
        type=Path,
        help="folder with the cohort.csv that names the image: its further columns stand on the page",
    )
    parser.add_argument(
        "--show-phi", action="store_true", help="name the patient on the page; hidden without it"
    )
    shared.image(parser)
    shared.network_input(parser)
    shared.device(parser)
