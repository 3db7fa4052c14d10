"""Options of the commands that make and measure: cohorts, models."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from viewer.cli import shared_options as shared
from viewer.cli.arguments import grid_size, one_of, several, whole_number
from viewer.controllers.cohort.order import INCLUDES, SLICE_RULES


def evaluate(parser: ArgumentParser) -> None:
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
        "--score",
        metavar="SCORE",
        type=one_of("score", shared.SCORES),
        default="logit",
        help=", ".join(shared.SCORES),
    )
    shared.network_input(parser)
    shared.settings(parser, "a parameter of the explainers")
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
    shared.out(parser, text="folder of the results; the same command goes on with what is there")
    shared.device(parser)


def generate(parser: ArgumentParser) -> None:
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
    shared.out(parser)


def train(parser: ArgumentParser) -> None:
    parser.add_argument("recipe", metavar="RECIPE", help="such as stroke-dwi")
    parser.add_argument("--data", metavar="DIR", type=Path, help="your own cohort (default: synthetic cases)")
    shared.out(parser, required=False, text="folder of the run (default: out/RECIPE)")
    shared.settings(parser, "a setting of the recipe")


def add_model(parser: ArgumentParser) -> None:
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
    shared.settings(
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
        type=one_of("crop rule", ("none", *shared.CROPS)),
        default="none",
        help="none (default), brain or percentile",
    )
    shared.out(parser, required=False, text="parent of the model folder (default: your own models)")
