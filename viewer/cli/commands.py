"""The commands and their options: names are a contract, see the user guide."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from viewer.cli import asking, evaluating, exporting, listing, making, reading
from viewer.cli.answer import Answer
from viewer.cli.arguments import (
    Parser,
    assignment,
    erasure,
    grid_size,
    nifti_path,
    one_of,
    probability,
    several,
    slice_or_all,
    spacing,
    whole_number,
)
from viewer.cli.terminal import Terminal
from viewer.controllers.cohort.order import INCLUDES, SLICE_RULES
from viewer.controllers.experiments.declaration import EXPERIMENTS
from viewer.controllers.steadying import PASSES
from viewer.evaluation.checks.declaration import CHECKS
from viewer.foundation.provenance import program_version
from viewer.imaging.erasure import FILLS

Run = Callable[[Namespace, Terminal], Answer]

VIEW = "view"
_WORKSPACES = ("reading", "compare", "layers", "volume", "cohort")
_DEVICES = ("auto", "cpu", "cuda", "mps")
_SCORES = ("logit", "probability", "margin")
_SLICES = "counted from 0, or 'all' (default: where the class is most probable)"
_CROPS = ("brain", "percentile")


@dataclass(frozen=True)
class Command:
    """A word after ``whyslice``.

    Attributes
    ----------
    run : does it; None for ``view``, which only the program as a whole can do.
    options : adds its options to a parser.
    """

    name: str
    summary: str
    run: Run | None
    options: Callable[[ArgumentParser], None]


def _device(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--device",
        metavar="D",
        type=one_of("device", _DEVICES),
        default="auto",
        help="auto (the best there is), cpu, cuda or mps",
    )


def _series(parser: ArgumentParser) -> None:
    parser.add_argument("--series", metavar="ID", help="which series of a folder; 'inspect' lists them")


def _resample(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--resample",
        action="store_true",
        help="first bring uneven, gapped or tilted slices onto an even grid at right angles",
    )


def _volume(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--volume",
        metavar="K",
        type=whole_number(least=0),
        help="which volume of a series of several, counted from 0 (default: the highest b-value, else the first)",
    )


def _image(parser: ArgumentParser) -> None:
    """What every command that reads an image can be asked for."""
    _series(parser)
    _volume(parser)
    parser.add_argument(
        "--spacing",
        metavar="S,R,C",
        type=spacing,
        help="distances of slices, rows and columns in mm, in place of what the file says",
    )
    _resample(parser)


def _out(parser: ArgumentParser, *, required: bool = True, text: str = "folder of the results") -> None:
    parser.add_argument("--out", metavar="DIR", type=Path, required=required, help=text)


def _settings(parser: ArgumentParser, text: str) -> None:
    parser.add_argument(
        "--set", metavar="NAME=VALUE", type=assignment, action="append", default=[], help=text
    )


def _input(parser: ArgumentParser) -> None:
    parser.add_argument("--mirror", action="store_true", help="give the network the mirrored patient")
    crop = parser.add_mutually_exclusive_group()
    crop.add_argument(
        "--crop",
        action="store_const",
        const="on",
        help="crop the input: the card's rule, else the brain mask",
    )
    crop.add_argument(
        "--no-crop",
        dest="crop",
        action="store_const",
        const="none",
        help="do not crop, whatever the card says",
    )
    crop.add_argument(
        "--crop-rule",
        dest="crop",
        metavar="RULE",
        type=one_of("crop rule", _CROPS),
        help="brain or percentile",
    )


def _erase(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--erase",
        metavar="ROW_MIN,COLUMN_MIN,ROW_MAX,COLUMN_MAX[,SLICE]",
        type=erasure,
        action="append",
        default=[],
        help="take a box out of every slice (or of one) before the network sees it; may be given several times",
    )
    parser.add_argument(
        "--erase-with",
        metavar="WAY",
        type=one_of("way to fill", FILLS),
        default=FILLS[0],
        help=f"what comes in its place: {', '.join(FILLS)} (default: {FILLS[0]})",
    )


def _view(parser: ArgumentParser) -> None:
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", type=Path, help="files or folders; none for the demo case"
    )
    _image(parser)
    parser.add_argument("--model", metavar="ID", help="id of a model; 'models' lists them")
    parser.add_argument("--explainer", metavar="NAME", help="name of an explainer; 'explainers' lists them")
    _settings(parser, "a parameter of the explainer; may be given several times")
    _erase(parser)
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
    parser.add_argument("--device", metavar="D", type=one_of("device", _DEVICES), help=", ".join(_DEVICES))
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


def _inspect(parser: ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", type=Path, help="a file or folder")


def _convert(parser: ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", type=Path, help="a file or folder")
    parser.add_argument("out", metavar="OUT.nii.gz", type=nifti_path, help="the file to write")
    _image(parser)
    parser.add_argument(
        "--as-it-is",
        action="store_true",
        help="write uneven slices all the same, although NIfTI cannot hold their places",
    )


def _layers(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="id or folder of a model")
    _device(parser)


def _predict(parser: ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", type=Path, help="a file or folder")
    parser.add_argument("--model", metavar="ID", required=True, help="id or folder of a model")
    _image(parser)
    _input(parser)
    _erase(parser)
    _mc(parser, default=0)
    _device(parser)


def _maps(parser: ArgumentParser, *, required: bool, slices: str) -> None:
    """Which maps: what ``explain`` and ``check`` have in common."""
    parser.add_argument("path", metavar="PATH", type=Path, help="a file or folder")
    parser.add_argument("--model", metavar="ID", required=True, help="id or folder of a model")
    usual = "" if required else " (default: grad-cam)"
    parser.add_argument(
        "--explainer",
        metavar="NAME",
        required=required,
        action="append",
        default=None if required else [],
        help=f"one or several, between commas{usual}",
    )
    parser.add_argument(
        "--layer",
        metavar="L",
        action="append",
        default=[],
        help="one or several, or 'all' with an output of its own (default: the model's default layer)",
    )
    parser.add_argument(
        "--class",
        dest="target",
        metavar="C",
        action="append",
        default=[],
        help="one or several (default: the predicted class of the case)",
    )
    parser.add_argument(
        "--score", metavar="SCORE", type=one_of("score", _SCORES), default="logit", help=", ".join(_SCORES)
    )
    parser.add_argument("--slice", metavar="K", type=slice_or_all, help=slices)
    _image(parser)
    _input(parser)
    _erase(parser)
    _settings(parser, "a parameter of the explainer")


def _explain(parser: ArgumentParser) -> None:
    _maps(parser, required=True, slices=_SLICES)
    parser.add_argument(
        "--truth",
        metavar="FILE",
        type=Path,
        help="mask or boxes that the maps are compared with, as 'view' reads them",
    )
    _out(parser)
    _device(parser)


def _check(parser: ArgumentParser) -> None:
    _maps(parser, required=False, slices=_SLICES)
    parser.add_argument(
        "--checks",
        metavar="A,B",
        action="append",
        default=[],
        help=f"one or several of {', '.join(CHECKS)} (default: all), or none",
    )
    _out(parser, required=False, text="folder for the pictures (default: none are made)")
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
    _device(parser)


def _evaluate(parser: ArgumentParser) -> None:
    parser.add_argument("cohort", metavar="COHORT", type=Path, help="a folder with cohort.csv")
    parser.add_argument(
        "--model",
        metavar="ID[,ID]",
        required=True,
        help="id or folder of a model, or several to compare, the first with all figures",
    )
    for name, what in (
        (
            "--explainers",
            "one or several, or 'all' that the model has (default: grad-cam,grad-cam++,layer-cam)",
        ),
        ("--layers", "one or several, or 'all' with an output of their own (default: the default layer)"),
    ):
        parser.add_argument(name, metavar="A,B", action="append", default=[], help=what)
    parser.add_argument(
        "--class",
        dest="target",
        metavar="C",
        action="append",
        default=[],
        help="one or several (default: the class that is the finding, else all)",
    )
    parser.add_argument(
        "--slices",
        metavar="RULE",
        type=one_of("rule", SLICE_RULES),
        default="marked",
        help="which slices of an image are explained: marked (default), largest, peak or all",
    )
    parser.add_argument(
        "--include",
        metavar="WHICH",
        type=one_of("choice", INCLUDES),
        default="correct",
        help="maps that count for localisation: of classes predicted correctly (default) or all",
    )
    parser.add_argument(
        "--rule",
        metavar="RULE",
        type=one_of("rule", ("top-percent", "fraction-of-max")),
        default="top-percent",
        help="which pixels of a map count: top-percent (default) or fraction-of-max",
    )
    parser.add_argument(
        "--values", metavar="V,V", action="append", default=[], help="of the rule (default: 1,2,3,5,8,10,20)"
    )
    parser.add_argument(
        "--transforms",
        metavar="T,T",
        action="append",
        default=[],
        help="what replaces important pixels: mean, blur-11, blur-21, noise (default: all of them), or none",
    )
    parser.add_argument(
        "--fractions",
        metavar="F,F",
        action="append",
        default=[],
        help="percent replaced (default: 2,5,10,20,50)",
    )
    parser.add_argument(
        "--split", metavar="NAME", default="", help="only the images of this split of the table"
    )
    parser.add_argument(
        "--disputed",
        metavar="FILE",
        type=Path,
        help="table with the columns path and note: images whose label is wrong, which are counted apart",
    )
    parser.add_argument(
        "--misclassified",
        metavar="N",
        type=whole_number(least=0),
        default=0,
        help="show up to N cases that the model gets wrong in a figure (default 0)",
    )
    parser.add_argument(
        "--score", metavar="SCORE", type=one_of("score", _SCORES), default="logit", help=", ".join(_SCORES)
    )
    _input(parser)
    _settings(parser, "a parameter of the explainers")
    parser.add_argument(
        "--examples",
        metavar="N",
        type=whole_number(least=0),
        default=0,
        help="pictures with maps and boxes of N true positives of each class, and of one error (default: none)",
    )
    parser.add_argument(
        "--draws", metavar="N", type=whole_number(least=0), default=1000, help="samples of the bootstrap"
    )
    parser.add_argument(
        "--seed", metavar="S", type=whole_number(least=0), default=0, help="of bootstrap and random maps"
    )
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=whole_number(least=0),
        help="worker processes (default: one for each core; 0: work in this process)",
    )
    _out(parser, text="folder of the results; the same command goes on with what is there")
    _device(parser)


def _export(parser: ArgumentParser) -> None:
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
    _mc(parser, default=PASSES)
    parser.add_argument(
        "--cohort",
        metavar="COHORT",
        type=Path,
        help="folder with the cohort.csv that names the image: its further columns stand on the page",
    )
    parser.add_argument(
        "--show-phi", action="store_true", help="name the patient on the page; hidden without it"
    )
    _image(parser)
    _input(parser)
    _device(parser)


def _mc(parser: ArgumentParser, *, default: int) -> None:
    """Monte Carlo dropout."""
    parser.add_argument(
        "--mc-samples",
        metavar="N",
        type=whole_number(least=0),
        default=default,
        help=f"dropout passes for intervals (default {default})",
    )
    parser.add_argument(
        "--seed", metavar="S", type=whole_number(least=0), default=0, help="of the dropout passes (default 0)"
    )


def _generate(parser: ArgumentParser) -> None:
    parser.add_argument("generator", metavar="GENERATOR", help="such as stroke-dwi")
    parser.add_argument(
        "--count", metavar="N", type=whole_number(least=1), required=True, help="number of cases"
    )
    parser.add_argument(
        "--seed", metavar="S", type=whole_number(least=0), default=0, help="everything follows from it"
    )
    parser.add_argument(
        "--format", metavar="FORMAT", default="", help="of the images: nifti (default) or dicom"
    )
    parser.add_argument(
        "--replace", action="store_true", help="write over the cohort that the folder holds already"
    )
    _out(parser)


def _train(parser: ArgumentParser) -> None:
    parser.add_argument("recipe", metavar="RECIPE", help="such as stroke-dwi")
    parser.add_argument("--data", metavar="DIR", type=Path, help="your own cohort (default: synthetic cases)")
    _out(parser, required=False, text="folder of the run (default: out/RECIPE)")
    _settings(parser, "a setting of the recipe")


def _add_model(parser: ArgumentParser) -> None:
    parser.add_argument(
        "checkpoint", metavar="CHECKPOINT", type=Path, help=".safetensors, .pt, .pth, or .hdf5 from Keras"
    )
    parser.add_argument("--architecture", metavar="A", required=True, help="such as stroke-gap")
    parser.add_argument("--id", metavar="ID", required=True, help="name of the new model")
    parser.add_argument(
        "--classes", metavar="A,B", type=several, default=(), help="names in the order of the outputs"
    )
    parser.add_argument("--positive", metavar="C", default="", help="the class that is the finding")
    parser.add_argument(
        "--size",
        metavar="RxC",
        type=grid_size,
        default=(192, 192),
        help="of the input, DxRxC for volumes (default 192x192)",
    )
    parser.add_argument(
        "--normalise",
        metavar="NAME",
        default="range",
        help="range ([-1, 1], the default), unit ([0, 1]), imagenet, channels, zscore, tissue-median or none",
    )
    _settings(
        parser, "a parameter of the normalisation, such as white=255 or mean=0.5,0.5,0.5; may be repeated"
    )
    parser.add_argument(
        "--task",
        type=one_of("task", ("binary", "multiclass", "multilabel")),
        default=None,
        help="of one output binary, of more multiclass, unless this says otherwise",
    )
    parser.add_argument(
        "--crop",
        metavar="RULE",
        type=one_of("crop rule", ("none", *_CROPS)),
        default="none",
        help="none (default), brain or percentile",
    )
    _out(parser, required=False, text="parent of the model folder (default: your own models)")


def _nothing(_: ArgumentParser) -> None:
    """A command without options of its own."""


COMMANDS: tuple[Command, ...] = (
    Command(VIEW, "open the window; without a path, on the demo case", None, _view),
    Command("inspect", "say what is in a file or folder", reading.inspect, _inspect),
    Command("convert", "write an image as NIfTI: same voxels, same place", reading.convert, _convert),
    Command("models", "list the models", listing.models, _nothing),
    Command("layers", "list the layers of a model", listing.layers, _layers),
    Command("explainers", "list the explainers", listing.explainers, _nothing),
    Command("plugins", "list the plugins", listing.plugins, _nothing),
    Command("predict", "say what a model says of every slice", asking.predict, _predict),
    Command(
        "explain", "write the maps of an image as volumes, arrays and pictures", asking.explain, _explain
    ),
    Command("check", "ask whether the maps of an image can be trusted", asking.check, _check),
    Command("evaluate", "score predictions and maps of a whole cohort", evaluating.evaluate, _evaluate),
    Command("generate", "make synthetic cases with known truth", making.generate, _generate),
    Command("train", "train a model; the same command goes on where it stopped", making.train, _train),
    Command("add-model", "make a model folder from a checkpoint", making.add_model, _add_model),
    Command(
        "export",
        "write cases for others to read: a handout, or the summary of a patient",
        exporting.export,
        _export,
    ),
    Command("self-test", "try every bundled model on the demo case", making.check_everything, _device),
)


def build_parser() -> tuple[Parser, dict[str, Parser]]:
    """The parser of the whole command line, and those of the commands by name."""
    parser = Parser(
        prog="whyslice",
        description="Why did the classifier say what it said about this image? Research use only.",
        epilog="'whyslice COMMAND --help' lists the options of a command. Without a command the window opens.",
    )
    parser.add_argument("--version", action="version", version=f"whyslice {program_version()}")
    common = Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    common.add_argument("--debug", action="store_true", help="show where a failure came from")
    common.add_argument("--safe-mode", action="store_true", help="load none but the bundled plugins")
    places = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    commands: dict[str, Parser] = {}
    for command in COMMANDS:
        made = places.add_parser(
            command.name, help=command.summary, description=command.summary, parents=[common]
        )
        command.options(made)
        commands[command.name] = made
    return parser, commands
