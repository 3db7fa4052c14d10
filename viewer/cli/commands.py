"""The commands: names are a contract, see the user guide."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass

from viewer.cli import (
    asking,
    evaluating,
    exporting,
    image_options,
    listing,
    making,
    reading,
    shared_options,
    study_options,
)
from viewer.cli.answer import Answer
from viewer.cli.arguments import Parser
from viewer.cli.terminal import Terminal
from viewer.foundation.provenance import program_version

Run = Callable[[Namespace, Terminal], Answer]

VIEW = "view"


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


def _nothing(_: ArgumentParser) -> None:
    """A command without options of its own."""


COMMANDS: tuple[Command, ...] = (
    Command(VIEW, "open the window; without a path, on the demo case", None, image_options.view),
    Command("inspect", "say what is in a file or folder", reading.inspect, image_options.inspect),
    Command(
        "convert", "write an image as NIfTI: same voxels, same place", reading.convert, image_options.convert
    ),
    Command("models", "list the models", listing.models, _nothing),
    Command("layers", "list the layers of a model", listing.layers, image_options.layers),
    Command("explainers", "list the explainers", listing.explainers, _nothing),
    Command("plugins", "list the plugins, or trust one of yours", listing.plugins, shared_options.plugins),
    Command("predict", "say what a model says of every slice", asking.predict, image_options.predict),
    Command(
        "explain",
        "write the maps of an image as volumes, arrays and pictures",
        asking.explain,
        image_options.explain,
    ),
    Command("check", "ask whether the maps of an image can be trusted", asking.check, image_options.check),
    Command(
        "evaluate",
        "score predictions and maps of a whole cohort",
        evaluating.evaluate,
        study_options.evaluate,
    ),
    Command("generate", "make synthetic cases with known truth", making.generate, study_options.generate),
    Command(
        "train", "train a model; the same command goes on where it stopped", making.train, study_options.train
    ),
    Command("add-model", "make a model folder from a checkpoint", making.add_model, study_options.add_model),
    Command(
        "export",
        "write cases for others to read: a handout, or the summary of a patient",
        exporting.export,
        image_options.export,
    ),
    Command(
        "self-test",
        "try every bundled model on the demo case",
        making.check_everything,
        shared_options.device,
    ),
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
