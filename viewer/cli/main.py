"""From words to an exit code: the one place where a failure becomes a sentence on stderr.

0 done, 1 failed, 2 badly asked, 130 cancelled.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import traceback
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from viewer.cli.answer import Answer, as_json
from viewer.cli.asking import erasures_of
from viewer.cli.commands import COMMANDS, VIEW, build_parser
from viewer.cli.terminal import Terminal
from viewer.cli.view_options import ViewOptions
from viewer.explainers.declaration import EXPLAINERS, resolved
from viewer.foundation.errors import Cancelled, UsageError, WhySliceError, is_misuse, one_sentence
from viewer.foundation.registry import nearest

DONE, FAILED, BADLY_ASKED, CANCELLED = 0, 1, 2, 130

OpenWindow = Callable[[ViewOptions], int]


def run(words: Sequence[str], open_window: OpenWindow) -> int:
    """Do what a command line says.

    Parameters
    ----------
    words : without the program's name.
    open_window : runs the window until it is closed and returns its exit code.

    Returns
    -------
    int
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # a name that the terminal cannot show must not end the program
            stream.reconfigure(errors="backslashreplace")
    terminal = Terminal()
    try:
        return _run(_parsed(words), terminal, open_window)
    except SystemExit as leaving:  # --help and --version
        return leaving.code if isinstance(leaving.code, int) else DONE
    except BrokenPipeError:  # whoever read the answer has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return DONE
    except (KeyboardInterrupt, Cancelled):
        terminal.warn("cancelled.")
        return CANCELLED
    except Exception as error:  # noqa: BLE001 the one route from a failure to the user
        if "--debug" in words:
            traceback.print_exc()
        terminal.warn(_with_way_out(error))
        return BADLY_ASKED if is_misuse(error) else FAILED


def _parsed(words: Sequence[str]) -> Namespace:
    """The options of the command.

    Raises
    ------
    UsageError
        One sentence, with the nearest names.
    """
    words = list(words) or [VIEW]
    parser, commands = build_parser()
    first = words[0]
    if first not in commands and first not in ("-h", "--help", "--version"):
        raise _not_a_command(first, list(commands), words)
    options, left = parser.parse_known_args(words)
    commands[options.command].refuse_unknown(left)
    return options


def _not_a_command(word: str, known: list[str], words: list[str]) -> UsageError:
    if word.startswith("-"):
        said = next((w for w in words if w in known), VIEW)
        return UsageError(f"Options come after the command: whyslice {said} {word}.", code="no-command")
    if Path(word).exists():
        return UsageError(f"To open '{Path(word).name}', say: whyslice view {word}.", code="no-command")
    return UsageError(f"There is no command '{word}'{nearest(word, known)}.", code="no-such-command")


def _run(options: Namespace, terminal: Terminal, open_window: OpenWindow) -> int:
    if options.safe_mode:
        from viewer.plugin_host.host import enter_safe_mode

        enter_safe_mode()
    if options.command == VIEW:
        return _view(options, open_window)
    command = next(command for command in COMMANDS if command.name == options.command)
    assert command.run is not None
    # Whatever a library prints on the way is not the answer.
    with contextlib.redirect_stdout(sys.stderr):
        answer = command.run(options, terminal)
    terminal.clear()
    _print(answer, options)
    if answer.complaint:
        terminal.warn(answer.complaint)
        return FAILED
    return DONE


def _print(answer: Answer, options: Namespace) -> None:
    if options.json or answer.text or not answer.complaint:
        print(as_json(answer.document) if options.json else answer.text)
    sys.stdout.flush()


def _view(options: Namespace, open_window: OpenWindow) -> int:
    if options.exit and options.screenshot is None:
        raise UsageError("--exit leaves after a screenshot: say --screenshot FILE too.")
    for name in ("truth", "series", "volume", "spacing"):
        if getattr(options, name) is not None and not options.paths:
            raise UsageError(f"--{name} belongs to an image: name it too.")
    if options.set and not options.explainer:
        raise UsageError("--set sets a parameter of an explainer: name it with --explainer.")
    if options.explainer and options.explainer not in EXPLAINERS:
        from viewer.plugin_host.host import activate

        activate()  # a plugin may bring it
        EXPLAINERS.find(options.explainer)
    if options.set:
        given = dict(options.set)
        resolved(options.explainer, given).checked(given)
    view = ViewOptions(
        paths=tuple(options.paths),
        series=options.series,
        volume=options.volume,
        spacing=options.spacing,
        resample=options.resample,
        model=options.model,
        explainer=options.explainer,
        parameters=tuple(options.set),
        erased=erasures_of(options),
        layer=options.layer,
        target=options.target,
        findings=options.findings,
        slice=options.slice,
        device=options.device,
        truth=options.truth,
        overlay=options.overlay == "on",
        workspace=options.workspace,
        screenshot=options.screenshot,
        exit=options.exit,
        show_phi=options.show_phi,
        no_restore=options.no_restore,
        debug=options.debug,
        safe_mode=options.safe_mode,
    )
    with contextlib.redirect_stdout(sys.stderr) if options.json else contextlib.nullcontext():
        code = open_window(view)
    if options.json and code == DONE:
        shot = str(options.screenshot) if options.screenshot else None
        _print(Answer({"screenshot": shot}, ""), options)
    return code


def _with_way_out(error: Exception) -> str:
    """The failure and what can be done about it, in one sentence."""
    sentence = one_sentence(error)
    action = error.action if isinstance(error, WhySliceError) else ""
    if isinstance(error, WhySliceError) and error.code == "several-series":
        action = "Name one with --series."
    if not action:
        return sentence
    lowered = action if action[1:2].isupper() else action[:1].lower() + action[1:]
    return f"{sentence.rstrip('.')}: {lowered}"
