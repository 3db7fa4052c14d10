"""What is written down: enough to repeat a result, nothing about the person."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from viewer.foundation import log
from viewer.foundation.provenance import provenance, sha256_of, write_provenance


@pytest.fixture(autouse=True)
def quiet_again() -> Iterator[None]:
    before = list(log.logger.handlers)
    level = log.logger.level
    yield
    for handler in [each for each in log.logger.handlers if each not in before]:
        log.logger.removeHandler(handler)
        handler.close()
    log.logger.setLevel(level)


def test_a_path_in_the_log_keeps_its_suffix_and_nothing_else() -> None:
    stand_in = log.anonymous("/data/Doe^Jane/1970-01-01.NII")
    assert stand_in.endswith(".nii>")
    assert stand_in == log.anonymous(Path("/data/Doe^Jane/1970-01-01.NII"))
    assert stand_in != log.anonymous("/data/Doe^John/1970-01-01.NII")
    assert not any(part in stand_in for part in ("Doe", "Jane", "1970", "data"))
    assert log.anonymous("/data/x.Jane Doe").count("Jane") == 0


def test_the_log_lies_in_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHYSLICE_HOME", str(tmp_path / "home"))
    path = log.start_logging()
    assert path == tmp_path / "home" / "whyslice.log"
    log.logger.info("opened %s", log.anonymous("/a/b.dcm"))
    log.logger.debug("not at this level")
    assert path.read_text().strip().endswith(".dcm>")


def test_a_folder_that_cannot_be_written_costs_the_log_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WHYSLICE_HOME", str(tmp_path / "file" / "home"))
    assert log.start_logging(debug=True) is None
    assert log.logger.level == logging.DEBUG


def test_provenance_says_what_made_a_result(tmp_path: Path) -> None:
    record = provenance(model="stroke-gap", layer="relu5")
    path = tmp_path / "provenance.json"
    write_provenance(path, record)
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert stored == record
    assert stored["use"] == "research use only"
    assert stored["model"] == "stroke-gap"
    assert stored["libraries"]["numpy"]
    assert stored["made_at"].endswith("+00:00")


def test_the_hash_of_a_file_larger_than_a_block(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    (tmp_path / "weights").write_bytes(content)
    assert sha256_of(tmp_path / "weights") == hashlib.sha256(content).hexdigest()
