"""Transfer syntaxes: which there are, and what reads each."""

from __future__ import annotations

from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from viewer.foundation.errors import ReadError

ENCAPSULATED_UNCOMPRESSED = "1.2.840.10008.1.2.1.98"
DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
PLAIN = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)
"""Syntaxes whose pixels lie in the file as they are, once the file is inflated."""
WRAPPED = (ENCAPSULATED_UNCOMPRESSED, DEFLATED_FRAMES)
"""Syntaxes whose frames are wrapped one by one, and plain inside."""
COMPRESSED = (
    RLELossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    JPEG2000Lossless,
    JPEG2000,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    HTJ2K,
)
"""Syntaxes that a decoder is needed for."""


def check_syntax(uid: str, name: str) -> None:
    """Refuse the file called `name` when nothing here can read pixels of this transfer syntax; empty is accepted.

    Raises
    ------
    ReadError
        ``no-codec``; the sentence has the UID and, where the standard knows it, the name of the missing codec.
    """
    if not uid or uid in PLAIN or uid in WRAPPED or uid in COMPRESSED:
        return
    known = UID(uid).name
    words = f"{known} ({uid})" if known != uid else f"the unknown transfer syntax {uid[:64]}"
    raise ReadError(
        f"'{name}' holds its picture as {words}, for which there is no decoder here.",
        code="no-codec",
        action="Ask for an uncompressed copy, or one in JPEG 2000.",
    )
