"""Figures are read back: their size, their pixels where the layout is known, their words as matplotlib holds them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib.lines
import matplotlib.text
import numpy as np
import pytest
from PIL import Image

from viewer.evaluation.regions import Region
from viewer.foundation.errors import ExportError
from viewer.reporting import figure as figure_module
from viewer.reporting.blend import Overlay
from viewer.reporting.content import Distance, FigureContent
from viewer.reporting.figure import save_figure
from viewer.reporting.panels import strokes
from viewer.reporting.slice_picture import slice_picture


@pytest.fixture
def content() -> FigureContent:
    values = np.zeros((40, 30))
    values[20:28, 16:24] = 3.0
    mask = np.zeros((40, 30), dtype=bool)
    mask[:6, :9] = True
    return FigureContent(
        picture=np.tile(np.linspace(0, 100, 30), (40, 1)),
        window=(0, 100),
        spacing=(1.0, 1.0),
        overlay=Overlay(values, (0, 3.5), "model reference", threshold=0.2),
        overlay_unit="Grad-CAM, raw",
        letters=("R", "L", "A", "P"),
        regions=(
            Region(19, 15, 29, 25, label="lesion", reader="truth"),
            Region(18.5, 14, 28, 23, reader="you"),
            Region(20, 16, 28, 24, reader="map"),
            Region.of_mask(mask, reader="reader 2"),
        ),
        title="slice 14",
        verdict="May I read this map? With care: " + "words " * 60,
        level="caution",
        facts=(("Prediction", "stroke 0.93"), ("Scale", "model reference " * 12)),
    )


def words_of(content: FigureContent) -> list[str]:
    figure = figure_module._drawn(content)
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_text()]


def test_a_figure_has_the_size_it_was_asked_for_and_says_what_it_is(
    tmp_path: Path, content: FigureContent
) -> None:
    path = tmp_path / "figure.png"
    save_figure(path, content, dpi=100)
    with Image.open(path) as small:
        assert small.width == 720
        assert small.info["Comment"] == "research use only"
    save_figure(path, content, dpi=300)
    with Image.open(path) as large:
        assert large.width == 2160
    assert [each.name for each in tmp_path.iterdir()] == ["figure.png"]


def test_the_words_that_must_be_there(content: FigureContent) -> None:
    words = words_of(replace(content, watermark="DOES NOT APPLY", mirrored=True))
    for needed in (
        "RESEARCH USE ONLY",
        "slice 14",
        "Prediction",
        "stroke 0.93",
        "lesion",
        "boxes of the map",
        "truth",
    ):
        assert needed in words
    for twice in ("R", "L", "A", "P", "DOES NOT APPLY", "MIRRORED INPUT"):
        assert words.count(twice) == 2, twice
    assert any(word.startswith("May I read this map?") and "\n" in word for word in words)


def test_without_orientation_there_are_no_letters(content: FigureContent) -> None:
    words = words_of(replace(content, letters=None))
    assert "side unknown" in words
    assert "R" not in words


def test_every_word_stays_on_the_page(content: FigureContent) -> None:
    figure = figure_module._drawn(content)
    figure.set_dpi(100)
    renderer = figure_module.FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    page = figure.bbox
    for text in figure.findobj(matplotlib.text.Text):
        if text.get_text():
            extent = text.get_window_extent(renderer)
            assert page.x0 <= extent.x0, text.get_text()
            assert extent.x1 <= page.x1, text.get_text()
            assert page.y0 <= extent.y0, text.get_text()


def test_without_a_map_there_is_one_picture_and_no_bar(content: FigureContent) -> None:
    assert len(figure_module._drawn(content).axes) == 4
    plain = figure_module._drawn(replace(content, overlay=None, regions=(), verdict="", title="", facts=()))
    assert len(plain.axes) == 1


def test_the_planes_of_a_volume_stand_in_a_row_at_one_scale(content: FigureContent) -> None:
    tall = replace(content, picture=np.zeros((60, 30)), overlay=None, title="coronal 4 / 9")
    planes = [
        replace(content, title="axial 2 / 5"),
        tall,
        replace(tall, letters=None, title="sagittal 7 / 8"),
    ]
    figure = figure_module._drawn(content, planes)
    words = [text.get_text() for text in figure.findobj(matplotlib.text.Text)]
    assert {"axial 2 / 5", "coronal 4 / 9", "sagittal 7 / 8"} <= set(words)
    row = [axes.get_window_extent() for axes in figure.axes[-3:]]
    scales = {round(extent.height / n, 3) for extent, n in zip(row, (40, 60, 60), strict=True)}
    scales |= {round(extent.width / 30, 3) for extent in row}
    assert max(scales) - min(scales) < 0.01
    assert row[0].x1 < row[1].x0
    assert row[1].x1 < row[2].x0
    assert row[2].x1 <= figure.bbox.x1


def test_pixels_keep_their_aspect(content: FigureContent) -> None:
    figure = figure_module._drawn(replace(content, spacing=(2.0, 0.5)))
    extent = figure.axes[0].get_window_extent()
    assert extent.height / extent.width == pytest.approx(40 * 2.0 / (30 * 0.5), rel=1e-3)


def test_the_picture_is_where_the_map_is(tmp_path: Path, content: FigureContent) -> None:
    path = tmp_path / "figure.png"
    bare = replace(content, regions=(), letters=("", "", "", ""))
    save_figure(path, bare, dpi=100)
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    left, right = (axes.get_window_extent() for axes in figure_module._drawn(bare).axes[:2])
    height = pixels.shape[0]

    def at(box: object, row: float, column: float) -> np.ndarray:
        x = box.x0 + column / 30 * box.width  # type: ignore[attr-defined]
        y = box.y1 - row / 40 * box.height  # type: ignore[attr-defined]
        return pixels[round(height - y), round(x)]

    assert np.ptp(at(left, 24, 20)) <= 1, "the plain picture is grey"
    assert np.ptp(at(right, 24, 20)) > 60, "the map is coloured"
    assert np.ptp(at(right, 10, 20)) <= 1, "beside the map nothing is coloured"


def test_readers_have_strokes_of_their_own(content: FigureContent) -> None:
    found = strokes(content.regions)
    assert list(found) == ["truth", "you", "map", "reader 2"]
    assert (
        len({stroke.colour for stroke in found.values()})
        == len({stroke.dashes for stroke in found.values()})
        == 4
    )


@pytest.mark.parametrize(("name", "begin"), [("a.pdf", b"%PDF"), ("a.SVG", b"<?xml"), ("a.png", b"\x89PNG")])
def test_the_ending_is_the_format_and_the_same_figure_the_same_file(
    tmp_path: Path, content: FigureContent, name: str, begin: bytes
) -> None:
    save_figure(tmp_path / name, content, dpi=60)
    made = (tmp_path / name).read_bytes()
    assert made.startswith(begin)
    assert b"WhySlice" in made
    save_figure(tmp_path / name, content, dpi=60)
    assert (tmp_path / name).read_bytes() == made


@pytest.mark.parametrize(("name", "dpi", "words"), [("a.jpg", 300, "PNG"), ("a.png", 7, "resolution")])
def test_what_is_refused(tmp_path: Path, content: FigureContent, name: str, dpi: int, words: str) -> None:
    with pytest.raises(ExportError, match=words):
        save_figure(tmp_path / name, content, dpi=dpi)


@pytest.mark.parametrize("save", [save_figure, slice_picture])
def test_a_place_that_cannot_be_written_to(tmp_path: Path, content: FigureContent, save: object) -> None:
    with pytest.raises(ExportError, match="could not be written") as caught:
        save(tmp_path / "missing" / "a.png", content)  # type: ignore[operator]
    assert str(tmp_path) not in caught.value.sentence


def test_a_failure_keeps_the_older_file(tmp_path: Path, content: FigureContent) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"older")
    assert content.overlay is not None
    with pytest.raises(ExportError):
        save_figure(path, replace(content, overlay=replace(content.overlay, colour_map="none such")))
    assert path.read_bytes() == b"older"


def test_the_slice_picture_shows_the_map_in_its_true_aspect(tmp_path: Path, content: FigureContent) -> None:
    path = tmp_path / "slice.png"
    slice_picture(path, replace(content, letters=None, watermark="UNPROVEN", spacing=(1.0, 2.0)))
    pixels = np.asarray(Image.open(path)).astype(int)
    assert pixels.shape[1] == 512
    scale = 512 / 60
    inside, beside = (
        pixels[round(24 * scale), round(20 * 2 * scale)],
        pixels[round(10 * scale), round(20 * 2 * scale)],
    )
    assert np.ptp(inside) > 60
    assert np.ptp(beside) <= 1
    words = pixels[round(40 * scale) + 2 :]
    assert words.max() > 200, "there are words below the picture"


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        (
            "viewer.reporting.figure, viewer.reporting.slice_picture",
            ("PySide6", "torch", "matplotlib.pyplot"),
        ),
        ("viewer.reporting.content, viewer.reporting.blend", ("PySide6", "torch", "matplotlib")),
    ],
)
def test_what_reporting_does_not_load(modules: str, absent: tuple[str, ...]) -> None:
    code = f"import sys, {modules}; print([name for name in {absent!r} if name in sys.modules])"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True, cwd=root
    )
    assert done.stdout.strip() == "[]"


def test_distances_and_the_display_are_drawn(content: FigureContent) -> None:
    with_line = replace(
        content, distances=(Distance((5, 6), (25, 16), "22.4 mm"),), convention="NEUROLOGICAL"
    )
    figure = figure_module._drawn(with_line)
    words = [text.get_text() for text in figure.findobj(matplotlib.text.Text)]
    assert words.count("22.4 mm") == 1, "over the map alone"
    assert words.count("NEUROLOGICAL") == 2
    drawn = [line for line in figure.findobj(matplotlib.lines.Line2D) if list(line.get_xdata()) == [6, 16]]
    assert [list(line.get_ydata()) for line in drawn] == [[5, 25]]
