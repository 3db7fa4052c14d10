"""OpenJPEG for pydicom's decoders of JPEG 2000 and HTJ2K, without the framework that pydicom expects around it."""

from __future__ import annotations

import importlib
from typing import Any

from pydicom.pixels.decoders.base import DecodeRunner
from pydicom.uid import JPEG2000TransferSyntaxes

DECODER_DEPENDENCIES = dict.fromkeys(JPEG2000TransferSyntaxes, ("pylibjpeg-openjpeg>=2.4",))
"""What pydicom names when the plugin is missing."""


def is_available(uid: str) -> bool:
    """Whether there is a decoder for this transfer syntax."""
    return uid in JPEG2000TransferSyntaxes


def decode_frame(source: bytes, runner: DecodeRunner) -> bytearray:
    """One frame as bytes, channel by pixel; tells the runner what it came out as."""
    codec: Any = importlib.import_module("openjpeg")
    frame: bytearray = codec.decode_pixel_data(source, version=2)
    if runner.photometric_interpretation in ("YBR_ICT", "YBR_RCT"):
        runner.set_option("photometric_interpretation", "RGB")
    runner.set_option("planar_configuration", 0)
    precision = int(runner.get_option("j2k_precision", runner.bits_stored))
    runner.set_option("bits_allocated", 8 if precision <= 8 else 16 if precision <= 16 else 32)
    return frame
