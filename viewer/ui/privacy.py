"""What may be written where others can read it: the title of the window, sentences with the names of files."""

from __future__ import annotations

from viewer.state.session import Session

PROGRAM = "WhySlice"


def window_title(session: Session) -> str:
    """The program's name; the patient and the case only where patient data is shown.

    Titles end up in task bars, in lists of windows and in pictures of the whole screen.
    """
    case = session.case
    if session.phi_hidden or case is None:
        return PROGRAM
    name = case.image.patient.name or (session.entry.words(hidden=False) if session.entry else "")
    return " — ".join(word for word in (name, case.title, PROGRAM) if word)
