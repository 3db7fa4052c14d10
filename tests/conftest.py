"""What every test stands on: Qt without a screen, a user folder of its own, and the optional real scans."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# Shared machines stall now and then, so no deadline; one seed, so that a failure can be looked at twice.
settings.register_profile(
    "whyslice", deadline=None, derandomize=True, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "thorough", parent=settings.get_profile("whyslice"), derandomize=False, max_examples=2000
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "whyslice"))

_SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True, scope="session")
def user_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's folder (``WHYSLICE_HOME``) of this test run: empty, and never the real one."""
    home = tmp_path_factory.mktemp("whyslice-home")
    os.environ["WHYSLICE_HOME"] = str(home)
    return home


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of public scans beside the checkout; tests that need it are skipped where it is absent."""
    if not _SHARED.is_dir():
        pytest.skip("the public scans (../shared/data) are not on this machine")
    return _SHARED
