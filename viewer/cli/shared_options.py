"""Options that several commands have."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from viewer.cli.arguments import assignment, erasure, one_of, slice_or_all, spacing, whole_number
from viewer.imaging.erasure import FILLS

DEVICES = ("auto", "cpu", "cuda", "mps")
SCORES = ("logit", "probability", "margin")
CROPS = ("brain", "percentile")


def plugins(parser: ArgumentParser) -> None:
    """Which of the user's plugins to trust, or no more."""
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument(
        "--enable",
        metavar="NAME",
        help="trust one of your plugins as it is now: it can do everything that you can do on this computer",
    )
    chosen.add_argument("--disable", metavar="NAME", help="stop trusting one of your plugins")


def device(parser: ArgumentParser) -> None:
    """Where the network runs."""
    parser.add_argument(
        "--device",
        metavar="D",
        type=one_of("device", DEVICES),
        default="auto",
        help="auto (the best there is), cpu, cuda or mps",
    )


def series(parser: ArgumentParser) -> None:
    """Which series of a folder."""
    parser.add_argument("--series", metavar="ID", help="which series of a folder; 'inspect' lists them")


def resample(parser: ArgumentParser) -> None:
    """An even grid first."""
    parser.add_argument(
        "--resample",
        action="store_true",
        help="first bring uneven, gapped or tilted slices onto an even grid at right angles",
    )


def volume(parser: ArgumentParser) -> None:
    """Which volume of a series."""
    parser.add_argument(
        "--volume",
        metavar="K",
        type=whole_number(least=0),
        help="which volume of a series of several, counted from 0 (default: the highest b-value, else the first)",
    )


def image(parser: ArgumentParser) -> None:
    """What every command that reads an image can be asked for."""
    series(parser)
    volume(parser)
    parser.add_argument(
        "--spacing",
        metavar="S,R,C",
        type=spacing,
        help="distances of slices, rows and columns in mm, in place of what the file says",
    )
    resample(parser)


def out(parser: ArgumentParser, *, required: bool = True, text: str = "folder of the results") -> None:
    """The folder of the results."""
    parser.add_argument("--out", metavar="DIR", type=Path, required=required, help=text)


def settings(parser: ArgumentParser, text: str) -> None:
    """Parameters by name."""
    parser.add_argument(
        "--set", metavar="NAME=VALUE", type=assignment, action="append", default=[], help=text
    )


def network_input(parser: ArgumentParser) -> None:
    """What the network is given of the image."""
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
        type=one_of("crop rule", CROPS),
        help="brain or percentile",
    )


def erase(parser: ArgumentParser) -> None:
    """What is taken out of it."""
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


def maps(parser: ArgumentParser, *, required: bool, slices: str) -> None:
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
        "--score", metavar="SCORE", type=one_of("score", SCORES), default="logit", help=", ".join(SCORES)
    )
    parser.add_argument("--slice", metavar="K", type=slice_or_all, help=slices)
    image(parser)
    network_input(parser)
    erase(parser)
    settings(parser, "a parameter of the explainer")


def mc_samples(parser: ArgumentParser, *, default: int) -> None:
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
