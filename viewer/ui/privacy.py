"""What may be written where others can read it: the title of the window, sentences with the names of files."""

from __future__ import annotations

import re
from collections.abc import Iterable

from viewer.state.session import Notice, Session

PROGRAM = "WhySlice"

_QUOTED = r"(?<!\w)'(?!\.)(?:.+?)'(?!\w)"
"""Something in quotes that an apostrophe inside a name does not end; a suffix alone (``'.dcm'``) names nobody."""
_KINDS = "file or folder|folder|file|archive|truth|series of|header of"
_NONE_SUCH = re.compile(rf"\bno ({_KINDS}) {_QUOTED}")
_OF_A_KIND = re.compile(rf"\b({_KINDS}) {_QUOTED}", re.IGNORECASE)
_NAMED = re.compile(_QUOTED)


def without_names(text: str, names: Iterable[str] = ()) -> str:
    """A sentence about files without their names, which are often the patient's.

    Parameters
    ----------
    names : names that are known; they are found in the sentence whatever characters they hold.
    """
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = text.replace(f"'{name}'", "'name'")
    text = _NONE_SUCH.sub(r"no such \1", text)
    text = _OF_A_KIND.sub(
        lambda found: f"{found[1]} the file" if found[1].endswith(" of") else found[1], text
    )
    text = _NAMED.sub("the file", text)
    return re.sub(r"(^|[.!?] )the file", lambda found: f"{found[1]}The file", text)


def name_of(text: str) -> str:
    """``Doe, Jane`` for a DICOM name; anything else as it is."""
    family, *given = (part.strip() for part in text.split("=", maxsplit=1)[0].split("^"))
    return ", ".join(word for word in (family, " ".join(filter(None, given))) if word)


def notice_words(notice: Notice, session: Session, *, hidden: bool = False) -> str:
    """The notice as it may be shown: a screenshot carries it along.

    Parameters
    ----------
    hidden : without names of files, whatever is shown on screen.
    """
    text = f"{notice.sentence} {notice.action}".strip()
    if (
        notice.saved is not None and not hidden
    ):  # the user has just typed it; its folder may still be the patient's
        if session.phi_hidden:
            for name in filter(None, _names(session) - {notice.saved.name}):
                text = text.replace(f" in the folder '{name}'", " beside the image")
        return text
    unnamed = (hidden or session.phi_hidden) and notice.names_files
    return without_names(text, _names(session)) if unnamed else text


def _names(session: Session) -> set[str]:
    """Names of everything that is open or was found."""
    held = [each for each in (session.opened, session.chooser) if each is not None]
    paths = [entry.info.path for each in held for entry in each.entries]
    paths += [broken.path for each in held for broken in each.unreadable]
    return {name for path in paths for name in (path.name, path.parent.name)}


def window_title(session: Session) -> str:
    """The program's name; the patient and the case only where patient data is shown.

    Titles end up in task bars, in lists of windows and in pictures of the whole screen.
    """
    case = session.case
    if session.phi_hidden or case is None or session.lesson is not None:
        return PROGRAM  # in a lesson names of files may tell the answer
    name = name_of(case.image.patient.name) or (session.entry.words(hidden=False) if session.entry else "")
    return " — ".join(word for word in (name, case.title, PROGRAM) if word)
