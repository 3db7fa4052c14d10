"""Every layout of boxes: what it says, and what of it cannot be used."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.api import ImageEntry, LayoutReader, TruthDocument, register_reader
from viewer.evaluation.truth_files import document as words
from viewer.evaluation.truth_files.layouts import READERS, reader_of
from viewer.evaluation.truth_files.reading import read_truth_document
from viewer.foundation.errors import PluginError, ReadError, UsageError

VINDR = """image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max
aa,Cardiomegaly,3,R1,10,20,30,60
aa,Cardiomegaly,3,R2,12,22,30,60
aa,Aortic enlargement,0,R2,30,60,12,22
aa,No finding,14,R3,,,,
aa,Lung opacity,7,R1,5,5,5,9
aa,Lung opacity,7,R1,5,nan,7,9
bb,No finding,14,R1,,,,
,Lung opacity,7,R1,5,5,6,9
"""
VOC = """<annotation><filename>cell.jpg</filename><size><width>64</width><height>48</height></size>
<object><name>WBC</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>10</xmax><ymax>20</ymax></bndbox></object>
<object><bndbox><xmin>5</xmin><ymin>x</ymin><xmax>10</xmax><ymax>20</ymax></bndbox></object></annotation>"""
COCO = {
    "images": [
        {"id": 1, "file_name": "a/one.png", "width": 100, "height": 50},
        {"id": 2, "file_name": "b/one.png"},
        {"id": 3},
    ],
    "categories": [{"id": 7, "name": "lung"}],
    "annotations": [
        {"image_id": 1, "category_id": 7, "bbox": [10, 5, 20, 30]},
        {"image_id": 1, "category_id": 8, "bbox": [10, 5, 20, 30], "reader": "R1"},
        {"image_id": 1, "category_id": 7, "segmentation": [[1, 2, 5, 2, 5, 9]]},
        {"image_id": 1, "category_id": 7, "bbox": [10, 5, 0, 30]},
        {"image_id": 9, "category_id": 7, "bbox": [10, 5, 20, 30]},
        {"image_id": 2, "category_id": 7, "bbox": "none"},
    ],
}


def read(folder: Path, text: str, name: str = "truth.dat") -> TruthDocument:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    found = read_truth_document(path)
    assert found is not None
    return found


def edges(box: words.TruthBox) -> tuple[float, float, float, float]:
    return box.row_min, box.column_min, box.row_max, box.column_max


def test_vindr(tmp_path: Path) -> None:
    found = read(tmp_path, VINDR)
    entry = found.of(["/somewhere/AA.dicom"])
    assert [(edges(b), b.label, b.reader) for b in entry.boxes] == [
        ((20, 10, 60, 30), "Cardiomegaly", "R1"),
        ((22, 12, 60, 30), "Cardiomegaly", "R2"),
        ((22, 12, 60, 30), "Aortic enlargement", "R2"),
    ]
    assert entry.left_out == {words.REVERSED: 1, words.NO_AREA: 1, words.NO_NUMBERS: 1}
    assert entry.without_boxes == ("R3",)
    assert found.of(["bb"]).without_boxes == ("R1",)
    assert found.left_out == {"a row without an image was left out": 1}
    with pytest.raises(ReadError, match="nothing about this image: it is of 2 others") as caught:
        found.of(["cc.png"])
    assert caught.value.code == "not-mentioned"


def test_vindr_with_other_columns_separators_and_sizes(tmp_path: Path) -> None:
    text = (
        "\ufeffimage_id;rad_id;x_min;y_min;x_max;y_max;class_name;height;width\naa;R1;10;20;30;60;;200;100\n"
    )
    text += "aa;R1;10;20;30;60;x;100;100\naa;R2;1;2;3;4;x;-1;0\n"
    entry = read(tmp_path, text).of(["aa.png"])
    assert entry.size == (200, 100)
    assert entry.boxes[0].label == "class"
    assert sum(entry.left_out.values()) == 2
    boxes, said = entry.on((100, 50))
    assert edges(boxes[0]) == (10, 5, 30, 15)
    assert said["boxes were rescaled from 200 x 100 to 100 x 50 pixels"] == 3


def test_nih_also_packed(tmp_path: Path) -> None:
    text = "Image Index,Finding Label,Bbox [x,y,w,h],,,\na.png,Mass,100.5,200,50,20.25\na.png,Mass,1,2\n\n"
    path = tmp_path / "list.bin"
    path.write_bytes(gzip.compress(text.encode()))
    found = read_truth_document(path)
    assert found is not None
    entry = found.of(["a"])
    assert edges(entry.boxes[0]) == (200, 100.5, 220.25, 150.5)
    assert (entry.size, entry.left_out) == ((1024, 1024), {words.NO_NUMBERS: 1})
    assert edges(entry.on((512, 512))[0][0]) == (100, 50.25, 110.125, 75.25)


def test_voc_counts_from_one_unless_it_has_a_zero(tmp_path: Path) -> None:
    entry = read(tmp_path, VOC).of(["cell.jpg"])
    assert [(edges(b), b.label) for b in entry.boxes] == [((1, 0, 20, 10), "WBC")]
    assert (entry.size, entry.left_out) == ((48, 64), {words.NO_NUMBERS: 1})
    zero = read(tmp_path, VOC.replace("<xmin>1<", "<xmin>0<"), "zero.xml").of(["cell"])
    assert edges(zero.boxes[0]) == (2, 0, 20, 10)


def test_voc_expands_nothing(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbb">]><annotation><filename>&b;</filename></annotation>'
    with pytest.raises(ReadError, match=r"'truth.dat' cannot be used: the XML document defines entities"):
        read(tmp_path, bomb)


def test_coco(tmp_path: Path) -> None:
    found = read(tmp_path, json.dumps(COCO))
    first = found.of(["/data/a/one.png"])
    assert [(edges(b), b.label, b.reader) for b in first.boxes] == [
        ((5, 10, 35, 30), "lung", "reader"),
        ((5, 10, 35, 30), "category 8", "R1"),
        ((2, 1, 9, 5), "lung", "reader"),
    ]
    assert first.size == (50, 100)
    assert first.left_out == {"a box has a category that the file does not name": 1, words.NO_AREA: 1}
    assert found.of(["/data/b/one.png"]).left_out == {words.NO_NUMBERS: 1}
    assert sum(found.left_out.values()) == 2
    with pytest.raises(ReadError, match="2 images of the same name"):
        found.of(["one.png"])


def test_own_layout_leaves_out_what_is_no_box(tmp_path: Path) -> None:
    boxes = [
        {"slice": 2, "row_min": 1, "column_min": 2, "row_max": 4, "column_max": 6},
        {"slice": -1, "row_min": 1, "column_min": 2, "row_max": 4, "column_max": 6},
        {"slice": 2, "row_min": 1},
        "box",
    ]
    found = read(tmp_path, json.dumps({"boxes": boxes, "reader": "R", "positive_class": "ill"}))
    entry = found.images[""]
    assert (len(entry.boxes), entry.boxes[0].slice, entry.boxes[0].reader) == (1, 2, "R")
    assert sum(entry.left_out.values()) == 3
    assert (found.positive_class, found.single_pictures) == ("ill", False)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "it is no JSON document"),
        ("[1, 2]", "the JSON document has no list of boxes"),
        ('{"boxes": [{"slice": 0}]}', "no box that can be used"),
        ('{"images": [], "annotations": 3}', "no list of annotations"),
        ("<annotation/>", "no annotation of Pascal VOC"),
        ("<annotation>", "cannot be read"),
        ("[" * 100_000, "it is no JSON document"),
    ],
)
def test_what_begins_like_truth_and_is_none(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ReadError) as caught:
        read(tmp_path, text)
    assert sentence in caught.value.sentence
    assert "'truth.dat'" in caught.value.sentence


def test_images_and_other_tables_are_no_documents(tmp_path: Path) -> None:
    for content in (
        b"\x89PNG\r\n\x1a\n",
        b"a,b,c\n1,2,3\n",
        b"",
        b"\x1f\x8bnot gzip",
        gzip.compress(b"\0" * 400),
    ):
        (tmp_path / "x").write_bytes(content)
        assert read_truth_document(tmp_path / "x") is None
    with pytest.raises(ReadError, match="no longer there"):
        read_truth_document(tmp_path / "gone")


def test_a_file_that_changes_is_read_anew(tmp_path: Path) -> None:
    assert len(read(tmp_path, VINDR).images) == 2
    assert len(read(tmp_path, VINDR + "cc,No finding,14,R1,,,,\n").images) == 3


number = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-5, 60).map(float)


@given(st.tuples(number, number, number, number))
def test_a_box_is_taken_or_counted(given_edges: tuple[float, float, float, float]) -> None:
    entry = ImageEntry("x")
    entry.add(given_edges, "a")
    boxes, said = entry.on((40, 50))
    usable = all(math.isfinite(edge) for edge in given_edges)
    top, left, bottom, right = given_edges
    if usable and top != bottom and left != right:
        box = entry.boxes[0]
        assert box.row_min < box.row_max
        assert box.column_min < box.column_max
        assert (words.REVERSED in said) == (bottom < top or right < left)
        assert len(boxes) + said[words.OUTSIDE] == 1
        for each in boxes:
            assert 0 <= each.row_min < each.row_max <= 40
            assert 0 <= each.column_min < each.column_max <= 50
            cut = edges(each) != edges(box)
            assert cut == (words.CUT in said) or max(map(abs, edges(box))) < 51
    else:
        assert not boxes
        assert sum(said.values()) >= 1


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 9), st.integers(1, 9))
def test_boxes_follow_the_size_of_the_picture(rows: int, columns: int, tall: int, wide: int) -> None:
    """The whole picture stays the whole picture, and is not said to be cut by rounding."""
    entry = ImageEntry("x", (rows, columns))
    entry.add((0, 0, rows, columns), "all")
    (box,), said = entry.on((tall * 37, wide * 41))
    assert edges(box) == pytest.approx((0, 0, tall * 37, wide * 41))
    assert words.CUT not in said


@pytest.fixture
def no_readers() -> Iterator[None]:
    kept = dict(READERS)
    READERS._items.clear()
    yield
    READERS._items.clear()
    READERS._items.update(kept)


@pytest.mark.usefixtures("no_readers")
def test_a_layout_of_its_own(tmp_path: Path) -> None:
    def truth(path: Path) -> TruthDocument:
        entry = ImageEntry("x")
        entry.add(path.read_text().split(), "mark", "R1")
        return TruthDocument("marks", {"x": entry})

    reader = LayoutReader("marks", "Marks.", lambda path: path.suffix == ".marks", truth=truth)
    register_reader(reader)
    assert edges(read(tmp_path, "1 2 3 4", "a.marks").of(["x"]).boxes[0]) == (1, 2, 3, 4)
    assert reader_of(tmp_path / "a.marks", "cohort") is None
    with pytest.raises(PluginError, match="two readers"):
        register_reader(LayoutReader("marks", "Others.", lambda _: False, truth=truth))
    register_reader(LayoutReader("greedy", "All.", lambda path: path.suffix == ".marks", truth=truth))
    with pytest.raises(ReadError, match="'marks', 'greedy'"):
        read(tmp_path, "1 2 3 4", "b.marks")


@pytest.mark.usefixtures("no_readers")
def test_a_reader_that_fails_is_named(tmp_path: Path) -> None:
    def broken(path: Path) -> TruthDocument:
        raise KeyError(path.name)

    register_reader(LayoutReader("broken", "Fails.", lambda path: path.suffix == ".b", truth=broken))
    with pytest.raises(ReadError, match="'broken' failed with KeyError"):
        read(tmp_path, "1", "x.b")
    register_reader(LayoutReader("blind", "Fails.", lambda path: 1 / 0 > 1, cohort=lambda path, progress: []))
    with pytest.raises(ReadError, match="'blind' failed with ZeroDivisionError when it looked"):
        reader_of(tmp_path, "cohort")
    with pytest.raises(UsageError, match="neither truth nor a cohort"):
        LayoutReader("none", "Nothing.", lambda path: True)
