"""`build_installer.spec` without building: what the frozen program needs is listed, and none of it is trimmed."""

from __future__ import annotations

import ast
import runpy
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from viewer import api

CHECKOUT = Path(__file__).resolve().parents[2]
ENTRIES = (
    ("torch/bin/torch_shm_manager", "kept"),
    ("torch/bin/protoc", "dropped"),
    ("torch/test/cpp.py", "dropped"),
    ("torch/lib/libtorch_cpu.so", "kept"),
    ("PySide6/Qt/translations/qtbase_de.qm", "dropped"),
    ("PySide6/Qt/plugins/platforms/libqoffscreen.so", "kept"),
    ("PySide6/Qt/plugins/platforms/libqxcb.so", "kept"),
    ("PySide6/Qt/plugins/imageformats/libqsvg.so", "kept"),
    ("sklearn/datasets/tests/data/x.csv", "dropped"),
    ("plugins/stroke_dwi/plugin.toml", "kept"),
    ("resources/models/stroke-gap/weights.safetensors", "kept"),
)


class Recorded:
    """What the spec hands to PyInstaller."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self.given, self.named = given, named
        self.scripts: list[Any] = []
        self.datas = [(name, name, "DATA") for name, _ in ENTRIES]
        self.binaries = [("torch/bin/protoc", "", "BINARY"), ("torch/lib/libc10.so", "", "BINARY")]
        self.pure = [("sympy.core.tests.test_x", "", ""), ("torch.testing", "", "")]


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    """The names of the spec after it has run, PyInstaller replaced by what records."""
    hooks = types.ModuleType("PyInstaller.utils.hooks")
    hooks.copy_metadata = lambda name: [(f"/somewhere/{name}.dist-info", f"{name}.dist-info")]
    fakes = {"PyInstaller": types.ModuleType("PyInstaller"), "PyInstaller.utils": types.ModuleType("utils")}
    with pytest.MonkeyPatch.context() as patch:
        for name, module in {**fakes, hooks.__name__: hooks}.items():
            patch.setitem(sys.modules, name, module)
        return runpy.run_path(
            str(CHECKOUT / "build_installer.spec"),
            {
                "SPECPATH": str(CHECKOUT),
                **dict.fromkeys(("Analysis", "PYZ", "EXE", "COLLECT"), Recorded),
            },
        )


def hidden(spec: dict[str, Any]) -> set[str]:
    return set(spec["analysis"].named["hiddenimports"])


def test_every_module_of_the_viewer_is_there_by_name(spec: dict[str, Any]) -> None:
    assert set(api._HOMES.values()) <= hidden(spec)
    assert {"viewer.app", "viewer.controllers.engine", "viewer.imaging.decoding.worker"} <= hidden(spec)


def test_whatever_a_bundled_plugin_imports_is_there(spec: dict[str, Any]) -> None:
    for source in (CHECKOUT / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [str(node.module)]
            for name in names:
                assert name in hidden(spec), f"{source} imports {name}"
                assert name.partition(".")[0] not in spec["LEFT_OUT"], f"{source} imports {name}"


def test_what_is_loaded_by_name_is_there(spec: dict[str, Any]) -> None:
    """Codecs by pydicom, and matplotlib's backends by the kind of file: a cohort saves PNG and PDF."""
    backends = {f"matplotlib.backends.backend_{kind}" for kind in ("agg", "pdf")}
    assert {"openjpeg", "jpeg_ls", *backends} <= hidden(spec)


def test_a_plugin_of_the_user_finds_the_standard_library(spec: dict[str, Any]) -> None:
    assert {
        "json",
        "csv",
        "sqlite3",
        "xml.etree.ElementTree",
        "concurrent.futures",
        "urllib.request",
    } <= hidden(spec)
    assert not {"tkinter", "test", "idlelib.idle"} & hidden(spec)


def test_resources_and_plugins_are_listed_where_they_are_looked_for(spec: dict[str, Any]) -> None:
    targets = {
        (Path(target) / Path(source).name).as_posix() for source, target in spec["analysis"].named["datas"]
    }
    assert "resources/icons/whyslice.svg" in targets
    assert "resources/models/stroke-gap/weights.safetensors" in targets
    for folder in ("resources", "plugins"):
        for file in (CHECKOUT / folder).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                assert file.relative_to(CHECKOUT).as_posix() in targets
    assert not [target for target in targets if "__pycache__" in target]


def test_records_know_their_versions(spec: dict[str, Any]) -> None:
    from viewer.foundation import provenance

    assert {"whyslice", *provenance._LIBRARIES} <= set(spec["VERSIONS"])


def test_the_trimming(spec: dict[str, Any]) -> None:
    for name, fate in ENTRIES:
        assert spec["is_kept"](name) is (fate == "kept"), name
    collected = spec["analysis"]
    assert [name for name, *_ in collected.binaries] == ["torch/lib/libc10.so"]
    assert [name for name, *_ in collected.pure] == ["torch.testing"]
    assert [name for name, *_ in collected.datas] == [name for name, fate in ENTRIES if fate == "kept"]


def test_no_library_that_the_program_depends_on_is_left_out(spec: dict[str, Any]) -> None:
    imported: set[str] = set()
    for source in (CHECKOUT / "viewer").rglob("*.py"):
        if "training" not in source.parts:  # the installed program does not train: lightning stays out
            imported |= set(spec["imported_by_file"](source))
    tops = {name.partition(".")[0] for name in imported}
    assert {"torch", "PySide6", "SimpleITK"} <= tops
    assert not tops & set(spec["LEFT_OUT"])


def test_the_program_forks_before_anything_else_and_nothing_is_packed() -> None:
    text = (CHECKOUT / "viewer" / "__main__.py").read_text(encoding="utf-8")
    main = next(
        node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == "main"
    )
    first = ast.unparse(main.body[1])
    assert first == "multiprocessing.freeze_support()"
    assert (CHECKOUT / "build_installer.spec").read_text(encoding="utf-8").count("upx=False") == 2
