"""One's own films: three layouts of labels, what is missing or no film is named, and nobody is in two parts."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plugins.chest_xray.films import CELLS, SIDE, Films, share_of
from plugins.chest_xray.findings import AORTA, CLASS_SETS, EFFUSION, HEART, NO_FINDING
from plugins.chest_xray.generator import generate
from plugins.chest_xray.own_films import OwnFilms, classes_of, own_films, split
from plugins.chest_xray.own_tables import OwnFilm, own_table
from viewer.api import PixelBox, write_radiograph
from viewer.foundation.errors import WhySliceError
from viewer.foundation.progress import SILENT

SEVEN = CLASS_SETS["7"]


def picture(path: Path, shape: tuple[int, int] = (80, 64), colour: bool = False) -> None:
    values = np.random.default_rng(len(path.name)).integers(0, 200, shape).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.dstack([values] * 3) if colour else values).save(path)


def read(data: Path, work: Path, rule: str = "half", classes: tuple[str, ...] = SEVEN) -> OwnFilms:
    work.mkdir(exist_ok=True)
    return own_films(data, classes, rule, work, SILENT)


VINDR = """image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max,height,width
one,Cardiomegaly,3,R1,16,20,48,60,80,64
one,Cardiomegaly,3,R2,18,20,50,60,80,64
one,Aortic enlargement,0,R3,30,10,40,20,80,64
two,No finding,14,R1,,,,,80,64
two,No finding,14,R2,,,,,80,64
two,Pleural effusion,10,R3,0,60,20,80,80,64
gone,Cardiomegaly,3,R1,1,1,2,2,80,64
three,Nodule/Mass,8,R1,10,10,20,20,160,128
"""


def test_the_table_of_the_readers(tmp_path: Path) -> None:
    data = tmp_path / "data"
    picture(data / "train" / "one.png")
    picture(data / "train" / "two.jpg", colour=True)
    picture(data / "three.png")
    (data / "train.csv").write_text(VINDR)
    own = read(data, tmp_path / "work")
    assert len(own.films) == 2
    by_name = dict(zip(("one", "two"), own.films.labels, strict=True))
    assert by_name["one"][SEVEN.index(HEART)]
    assert not by_name["one"][SEVEN.index(AORTA)]
    assert list(np.flatnonzero(by_name["two"])) == [SEVEN.index(NO_FINDING)]
    assert any("gone" in sentence and "no such film" in sentence for sentence in own.left_out)
    assert any("three" in sentence and "none of the 7 classes" in sentence for sentence in own.left_out)
    assert "gone" in (tmp_path / "work" / "left-out.txt").read_text()
    # Two of three readers: two thirds of the cells that both marked.
    heart = own.films.shares[0, SEVEN.index(HEART)]
    assert heart[CELLS // 2, CELLS // 2] == pytest.approx(255 * 2 / 3, abs=2)
    anyone = read(data, tmp_path / "work", "any")
    assert anyone.films.labels[0, SEVEN.index(AORTA)]
    assert anyone.films.labels[1, SEVEN.index(EFFUSION)]
    assert not anyone.films.labels[1, SEVEN.index(NO_FINDING)]
    every = read(data, tmp_path / "work", classes=CLASS_SETS["15"])
    assert len(every.films) == 3


def test_what_was_read_is_kept_until_the_data_change(tmp_path: Path) -> None:
    data = tmp_path / "data"
    picture(data / "one.png")
    (data / "labels.csv").write_text("image,finding\none.png,Cardiomegaly\n")
    first = read(data, tmp_path / "work")
    assert np.array_equal(read(data, tmp_path / "work").films.pixels, first.films.pixels)
    (data / "labels.csv").write_text("image,finding\none.png,No finding;\n")
    assert read(data, tmp_path / "work").films.labels[0, -1]


@pytest.mark.parametrize(
    "table",
    [
        "Image Index,Finding Labels,Patient ID\na.png,Cardiomegaly|pleural effusion,7\nb.png,No Finding,7\n",
        "path;label;case\nx/a.png;Cardiomegaly, Pleural effusion;7\nb;;7\n",
        "filename,Cardiomegaly,Pleural effusion,patient\na.png,1,1.0,7\nb.png,0,,7\n",
    ],
)
def test_any_table_of_labels(tmp_path: Path, table: str) -> None:
    data = tmp_path / "data"
    picture(data / "a.png")
    picture(data / "deep" / "b.png")
    (data / "table.csv").write_text(table)
    own = read(data, tmp_path / "work")
    assert own.films.labels[0].nonzero()[0].tolist() == [SEVEN.index(HEART), SEVEN.index(EFFUSION)]
    assert own.films.labels[1].nonzero()[0].tolist() == [SEVEN.index(NO_FINDING)]
    assert own.films.owners.tolist() == [0, 0]
    assert not own.films.outlined


def test_a_cohort_with_readers_and_what_the_viewer_writes_itself(tmp_path: Path) -> None:
    data = tmp_path / "data"
    generate(data, 5, 2, SILENT, "mixed")
    own = read(data, tmp_path / "work")
    assert own.films.pixels.shape == (5, SIDE, SIDE)
    assert own.films.outlined
    assert set(own.splits) == {"test"}
    table = own_table(data)
    assert all(len(film.votes) == 3 for film in table.films)


def test_what_is_no_frontal_film_is_left_out_and_named(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "films").mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 4095, (64, 64)).astype(np.uint16)
    common = {"modality": "DX", "bits": 12, "pixel_mm": 1.0, "description": "x", "body_part": "CHEST"}
    write_radiograph(data / "films" / "front.dcm", pixels, patient="a", **common)  # type: ignore[arg-type]
    import pydicom

    dataset = pydicom.dcmread(data / "films" / "front.dcm")
    dataset.PatientOrientation = ["A", "F"]
    dataset.save_as(data / "films" / "side.dcm")
    (data / "films" / "broken.png").write_bytes(b"not a picture")
    (data / "t.csv").write_text("image,label\nfront,Cardiomegaly\nside,Cardiomegaly\nbroken,Cardiomegaly\n")
    own = read(data, tmp_path / "work")
    assert len(own.films) == 1
    assert sum("frontal" in sentence for sentence in own.left_out) == 1
    assert sum(sentence.startswith("broken") for sentence in own.left_out) == 1


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda data: None, "has no table"),
        (lambda data: (data / "t.csv").write_text("a,b\n1,2\n"), "No table of 'data'"),
        (lambda data: (data / "t.csv").write_text("image,label\nx.png,Cardiomegaly\n"), "can be trained on"),
    ],
)
def test_data_without_anything_to_learn_are_refused(tmp_path: Path, make: object, words: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    make(data)  # type: ignore[operator]
    with pytest.raises(WhySliceError, match=words):
        read(data, tmp_path / "work")


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    picture(tmp_path / "secret.png")
    (data / "secret.png").symlink_to(tmp_path / "secret.png")
    (data / "t.csv").write_text("image,label\nsecret.png,Cardiomegaly\n")
    with pytest.raises(WhySliceError, match="no such film"):
        read(data, tmp_path / "work")


def test_votes() -> None:
    film = OwnFilm(
        "x", Path(), "x", {"a": frozenset({HEART}), "b": frozenset(), "c": frozenset({AORTA, HEART})}
    )
    assert classes_of(film, "half") == {HEART}
    assert classes_of(film, "any") == {HEART, AORTA}
    assert classes_of(OwnFilm("x", Path(), "x", {"a": frozenset(), "b": frozenset()}), "half") == {NO_FINDING}


def test_eight_one_and_one_in_ten_patients_and_what_the_data_say() -> None:
    owners = np.repeat(np.arange(40), 2)
    films = Films(np.zeros(80), np.zeros((80, 7)), np.zeros(80), owners)
    parts = split(OwnFilms(films, ("",) * 40, ()), seed=0)
    assert [len(rows) for rows in parts] == [64, 8, 8]
    assert all(
        count == 1 for count in Counter(owner for rows in parts for owner in set(owners[rows])).values()
    )
    said = ("train",) * 20 + ("validation",) * 5 + ("test",) * 15
    parts = split(OwnFilms(films, said, ()), seed=0)
    assert [len(rows) for rows in parts] == [40, 10, 30]
    with pytest.raises(WhySliceError, match="too few"):
        split(OwnFilms(films.chosen(np.arange(2)), ("",), ()), seed=0)


def test_shares_of_cells() -> None:
    whole = share_of([PixelBox(0, 0, 100, 50)], (100, 50))
    assert whole.min() == 255
    half = share_of([PixelBox(0, 0, 50, 50), PixelBox(0, 0, 10, 10)], (100, 50))
    assert (half[: CELLS // 2] == 255).all()
    assert (half[CELLS // 2 :] == 0).all()
    assert json.dumps(int(share_of([], (10, 10)).max())) == "0"
