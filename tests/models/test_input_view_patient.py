"""From a voxel of any file to the network's input and back to the patient, whatever lies between."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.orientations import ORIENTATIONS, affines, stored
from viewer.imaging.image import MedicalImage
from viewer.models.card import InputRule
from viewer.models.input_view import InputView, slice_input

SHAPE = (5, 40, 44)
Orientation = tuple[tuple[int, ...], tuple[bool, ...]]

rules = st.builds(
    InputRule,
    size=st.tuples(st.integers(24, 64), st.integers(24, 64)),
    fit=st.sampled_from(["square", "stretch"]),
    normalise=st.just("none"),
)
crops = st.sampled_from(["none", "brain", "percentile"])


@st.composite
def upright(draw: st.DrawFn) -> NDArray[np.float64]:
    """An oblique affine of a thick axial stack, at most 20 degrees about each axis off the LPS axes."""
    affine = draw(affines(degrees=20, shear=0.1))
    affine[:3, :3] *= np.sign(np.diag(affine[:3, :3]))
    affine[:3, :3] /= np.linalg.norm(affine[:3, :3], axis=0)
    affine[:3, :3] *= [draw(st.floats(0.5, 1.2)), draw(st.floats(0.5, 1.2)), draw(st.floats(4, 8))]
    return affine


def head(spot: tuple[int, int, int]) -> NDArray[np.float32]:
    """A grey disc on every slice and a smooth bright spot in one of them."""
    _, row, column = np.mgrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    body = ((row - 20) / 16.0) ** 2 + ((column - 22) / 18.0) ** 2 < 1
    voxels = np.where(body, 100.0, 0.0) + 2.0 * ((row * 7 + column * 13) % 5)
    voxels[spot[0]] += 900 * np.exp(-((row[0] - spot[1]) ** 2 + (column[0] - spot[2]) ** 2) / 8)
    return voxels.astype(np.float32)


@given(
    upright(),
    st.sampled_from(ORIENTATIONS),
    st.tuples(st.integers(0, 4), st.integers(10, 30), st.integers(10, 34)),
    rules,
    crops,
    st.booleans(),
)
def test_a_spot_reaches_the_network_and_its_map_the_patient(
    affine: NDArray[np.float64],
    orientation: Orientation,
    spot: tuple[int, int, int],
    rule: InputRule,
    crop: str,
    mirror: bool,
) -> None:
    voxels, geometry = stored(head(spot), affine, *orientation)
    image = MedicalImage(voxels, geometry)
    plane = image.plane
    assert plane.name == "axial"
    patient = affine[:3, :3] @ np.array(spot[::-1], float) + affine[:3, 3]

    # There: the spot is bright in the input where the view says, left of the patient at the right of the input.
    index, row, column = plane.place(geometry, geometry.to_voxel(patient))
    assert abs(index - round(index)) < 1e-6
    view, array = slice_input(rule, image, round(index), mirror=mirror, crop=crop)  # type: ignore[arg-type]
    place = view.to_input(row, column)
    brightest = np.unravel_index(int(array[0].argmax()), array[0].shape)
    cell = max(1.0, rule.size[0] / view.box.height, rule.size[1] / view.box.width)
    assert np.abs(np.subtract(brightest, place)).max() <= cell
    assert (place[1] > view.to_input(row, column - 1)[1]) is not mirror

    # Back: by numbers exactly, by a map of the input itself to a pixel.
    np.testing.assert_allclose(
        geometry.to_patient(plane.voxel(geometry, round(index), *view.to_picture(*place))), patient, atol=1e-6
    )
    drawn = np.zeros_like(voxels)
    plane.put(drawn, round(index), view.back(array[0]))
    peak = np.unravel_index(int(drawn.argmax()), drawn.shape)
    off = geometry.to_patient(np.array(peak, float)) - patient
    pixel = max(1.0, view.box.height / rule.size[0], view.box.width / rule.size[1])
    assert np.linalg.norm(off) <= 1.2 * np.sqrt(2) * pixel


@given(upright(), st.sampled_from(ORIENTATIONS), st.sampled_from(ORIENTATIONS), rules, crops)
def test_the_order_of_a_file_changes_nothing_for_the_network(
    affine: NDArray[np.float64], one: Orientation, other: Orientation, rule: InputRule, crop: str
) -> None:
    inputs = []
    for orientation in (one, other):
        voxels, geometry = stored(head((2, 15, 30)), affine, *orientation)
        image = MedicalImage(voxels, geometry)
        index = round(image.plane.place(geometry, geometry.to_voxel((affine @ [0, 0, 2, 1])[:3]))[0])
        view = InputView.of(rule, image, index, crop=crop)  # type: ignore[arg-type]
        inputs.append(view.network_input(image.plane.picture(image.voxels, index)))
    np.testing.assert_array_equal(*inputs)
