"""Synthetic films: findings where their boxes say, readers who disagree, markers, and tables that fit."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from plugins.chest_xray.boxes import box_of
from plugins.chest_xray.film import make_film
from plugins.chest_xray.findings import AORTA, CLASS_SETS, HEART, NO_FINDING, NUMBERS, OPACITY, SYNTHETIC
from plugins.chest_xray.generator import generate, generate_with_shortcut
from plugins.chest_xray.readers import READERS, read
from viewer.api import PixelBox
from viewer.evaluation.cohort_table import read_cohort
from viewer.evaluation.truth_files.reading import read_truth_document
from viewer.foundation.errors import Cancelled
from viewer.foundation.progress import SILENT, ProgressToken
from viewer.imaging.reading import read_image

SIZE = 160


def inside(box: PixelBox) -> tuple[slice, slice]:
    return slice(int(box.row_min), int(box.row_max)), slice(int(box.column_min), int(box.column_max))


def test_a_film_follows_from_the_seed() -> None:
    first, again, other = make_film(5, SIZE), make_film(5, SIZE), make_film(6, SIZE)
    assert np.array_equal(first.pixels, again.pixels)
    assert first.boxes == again.boxes
    assert not np.array_equal(first.pixels, other.pixels)
    assert first.pixels.dtype == np.float32
    assert 0 <= first.pixels.min() < 0.3 < 0.7 < first.pixels.max() <= 1


@pytest.mark.parametrize("name", SYNTHETIC)
def test_a_finding_changes_the_film_where_its_box_is(name: str) -> None:
    for seed in range(3):
        ill = make_film((1, seed), SIZE, findings=frozenset({name}))
        well = make_film((1, seed), SIZE, findings=frozenset())
        assert ill.findings == {name}
        assert well.findings == {NO_FINDING}
        changed = np.abs(ill.pixels - well.pixels)
        within = np.zeros(changed.shape, dtype=bool)
        for _, box in ill.boxes:
            within[inside(box)] = True
        assert changed[within].mean() > 3 * changed[~within].mean(), (name, seed)


def test_a_large_heart_is_wider_than_half_the_chest_and_a_wide_aorta_than_a_usual_one() -> None:
    hearts = [dict(make_film((2, n), SIZE, findings=frozenset({HEART})).boxes)[HEART] for n in range(5)]
    assert all(box.width > 0.33 * SIZE for box in hearts)
    arches = [dict(make_film((2, n), SIZE, findings=frozenset({AORTA})).boxes)[AORTA] for n in range(5)]
    assert all(0.09 * SIZE < box.width < 0.2 * SIZE for box in arches)


def test_findings_come_together_and_each_is_there_often_enough() -> None:
    films = [make_film((3, n), 32).findings for n in range(150)]
    for name in (*SYNTHETIC, NO_FINDING):
        assert 0.12 < np.mean([name in each for each in films]) < 0.6, name
    assert np.mean([len(each) > 1 for each in films]) > 0.2


def test_readers_disagree_in_presence_size_and_place_and_see_most_of_it() -> None:
    rng = np.random.default_rng(0)
    films = [make_film((4, n), 64) for n in range(60)]
    marked = {habit.name: [read(rng, film, habit) for film in films] for habit in READERS}
    there = sum(len(film.boxes) for film in films)
    for seen in marked.values():
        assert 0.7 * there < sum(map(len, seen)) < 1.15 * there
    presence = [
        tuple(frozenset(name for name, _ in each) for each in one)
        for one in zip(*marked.values(), strict=True)
    ]
    assert 0.15 < np.mean([len(set(one)) > 1 for one in presence]) < 0.85
    heart = next(n for n, film in enumerate(films) if HEART in film.findings)
    assert len({box for seen in marked.values() for name, box in seen[heart] if name == HEART}) > 1
    for seen in marked.values():
        for one in seen:
            assert all(0 <= box.row_min < box.row_max <= 64 and box.width >= 3 for _, box in one)


def test_markers_are_bright_and_lie_in_their_box() -> None:
    film = next(f for f in (make_film((5, n), 256) for n in range(9)) if f.marker is not None)
    assert film.marker is not None
    part = film.pixels[inside(film.marker.box((256, 256)))]
    assert part.max() > 0.97
    assert (part > 0.95).mean() > 0.03


def test_a_marker_gives_healthy_films_away_only_when_asked() -> None:
    for markers, of_healthy, of_others in (("neutral", 0.9, 0.9), ("shortcut", 1.0, 0.0)):
        films = [make_film((6, n), 32, markers=markers) for n in range(120)]  # type: ignore[arg-type]
        healthy = np.array([film.findings == {NO_FINDING} for film in films])
        marked = np.array([film.marker is not None for film in films])
        ringed = np.mean([film.marker.ringed for film in films if film.marker])
        assert marked[healthy].mean() == pytest.approx(of_healthy, abs=0.1)
        assert marked[~healthy].mean() == pytest.approx(of_others, abs=0.1)
        assert ringed == pytest.approx(0.5, abs=0.2)


def test_markers_change_nothing_else_of_a_film() -> None:
    films = [make_film((7, n), 64, markers=markers) for n in range(6) for markers in ("neutral", "shortcut")]
    for neutral, betraying in zip(films[::2], films[1::2], strict=True):
        assert neutral.boxes == betraying.boxes
        outside = np.ones(neutral.pixels.shape, dtype=bool)
        for film in (neutral, betraying):
            if film.marker is not None:
                box = film.marker.box((64, 64))
                rows, columns = (
                    slice(int(box.row_min), int(box.row_max) + 1),
                    slice(int(box.column_min), int(box.column_max) + 1),
                )
                outside[rows, columns] = False
        assert np.array_equal(neutral.pixels[outside], betraying.pixels[outside])


def test_the_tables_say_what_the_films_show(tmp_path: Path) -> None:
    generate(tmp_path, 6, 3, SILENT, "mixed")
    cohort = read_cohort(tmp_path)
    assert len(cohort.images) == 6
    assert not cohort.skipped
    assert {tuple(marking.reader for marking in image.markings) for image in cohort.images} == {
        tuple(habit.name for habit in READERS)
    }
    for image in cohort.images:
        assert len({marking.labels for marking in image.markings}) == 1
        assert set(image.markings[0].labels) <= set(NUMBERS)
    document = read_truth_document(tmp_path / "annotations.csv")
    assert document is not None
    assert document.layout == "VinDr table"
    assert all(len(document.of([image.path]).readers) == 3 for image in cohort.images)
    with (tmp_path / "cohort.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        known = {box["label"] for box in json.loads(row["known_boxes"])} or {NO_FINDING}
        assert known == {word.strip() for word in row["label"].split(";")}


def test_dicom_and_picture_are_one_film(tmp_path: Path) -> None:
    generate(tmp_path / "p", 4, 3, SILENT, "png")
    generate(tmp_path / "d", 4, 3, SILENT, "dicom")
    kinds = set()
    for number in range(1, 5):
        picture = read_image(tmp_path / "p" / "films" / f"film-000{number}.png")
        film = read_image(tmp_path / "d" / "films" / f"film-000{number}.dcm")
        kinds.add((film.modality, film.intensity.photometric))
        assert film.body_part == "chest"
        assert film.geometry.oriented
        grey = film.grey(film.voxels[0])
        assert np.abs(grey / 4095 - picture.grey(picture.voxels[0]) / 255).max() < 0.01 + abs(
            1 - (film.extremes[0] + film.extremes[1]) / 4095
        )
    assert len(kinds) > 1


def test_the_same_seed_writes_the_same_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        generate_with_shortcut(tmp_path / name, 2, 9, SILENT, "dicom")
    for path in sorted((tmp_path / "a").rglob("*.*")):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_generating_stops_when_told(tmp_path: Path) -> None:
    token = ProgressToken()
    token.cancel()
    with pytest.raises(Cancelled):
        generate(tmp_path, 3, 1, token)


def test_class_sets_are_those_of_the_study() -> None:
    assert [len(each) for each in CLASS_SETS.values()] == [3, 4, 7, 15]
    assert NUMBERS[HEART], NUMBERS[OPACITY] == (3, 7)
    assert box_of(np.zeros((4, 4), dtype=bool)) is None
