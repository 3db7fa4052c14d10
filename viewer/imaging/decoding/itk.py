"""SimpleITK, for modules that run in the decoding worker; the program itself never loads it."""

from __future__ import annotations

from typing import Any

import SimpleITK

sitk: Any = SimpleITK  # it ships no types
sitk.ProcessObject.SetGlobalWarningDisplay(False)
