"""Weights saved by Keras compute here what they compute there."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from plugins.stroke_dwi.networks import stroke_baseline, stroke_dense, stroke_flat, stroke_gap
from viewer.foundation.errors import ModelError
from viewer.models.keras_weights import is_hdf5, read_keras_layers, state_from_keras
from viewer.models.weights import put_weights

SIDE = 64

# Keras warns in ways that the tests do not allow, so it writes its file in a process of its own.
WRITER = """
import sys
import numpy as np, keras
from keras import layers as L
folder, side = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(0)
keras.utils.set_random_seed(1)

def blocks(widths, x):
    for w in widths:
        x = L.Conv2D(w, 3, padding="same")(x)
        x = L.Dropout(0.3)(L.AveragePooling2D(2)(L.ReLU()(L.BatchNormalization()(x))))
    return x

def end(x, classes):
    x = L.Dropout(0.3)(L.ReLU()(L.BatchNormalization()(x)))
    return L.Dense(classes, activation="softmax")(x)

def dense(x, sizes, classes):
    x = L.Flatten()(x)
    for n in sizes:
        x = L.Dropout(0.3)(L.ReLU()(L.BatchNormalization()(L.Dense(n)(x))))
    return L.Dense(classes, activation="softmax")(x)

def baseline(x):
    for group in ((32, 32), (64, 64), (128,) * 3, (256,) * 3, (512,) * 3, (512,) * 3):
        for w in group:
            x = L.Dropout(0.3)(L.ReLU()(L.BatchNormalization()(L.Conv2D(w, 3, padding="same")(x))))
        x = L.MaxPooling2D(2)(x)
    return x

five = (32, 64, 128, 256, 512)
made = {
    "gap": lambda x: end(L.GlobalAveragePooling2D()(blocks(five, x)), 2),
    "flat": lambda x: end(L.Flatten()(blocks(five, x)), 2),
    "dense": lambda x: dense(blocks(five, x), (256, 128), 3),
    "baseline": lambda x: dense(baseline(x), (400, 100), 2),
}
pictures = rng.normal(size=(2, side, side, 1)).astype("float32")
pictures[1] = 8 * pictures[1] + 4  # a deep network with random weights tells two of one kind hardly apart
np.save(f"{folder}/pictures.npy", pictures)
for name, make in made.items():
    start = L.Input((side, side, 1))
    model = keras.Model(start, make(start))
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            n = layer.gamma.shape[0]
            layer.set_weights([rng.uniform(0.5, 1.5, n), rng.normal(size=n) * 0.1,
                               rng.normal(size=n) * 0.1, rng.uniform(0.5, 1.5, n)])
    model.save(f"{folder}/{name}.hdf5" if name == "gap" else f"{folder}/{name}.h5")
    np.save(f"{folder}/{name}.npy", model.predict(pictures, verbose=0))
"""

FACTORIES = {
    "gap": lambda: stroke_gap(),
    "flat": lambda: stroke_flat(side=SIDE),
    "dense": lambda: stroke_dense(classes=3, side=SIDE),
    "baseline": lambda: stroke_baseline(side=SIDE),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keras")
    if importlib.util.find_spec("keras") is None:
        pytest.skip("keras is not installed")
    env = {**os.environ, "KERAS_BACKEND": "torch", "KERAS_HOME": str(folder), "PYTHONWARNINGS": "ignore"}
    subprocess.run([sys.executable, "-c", WRITER, str(folder), str(SIDE)], check=True, env=env, timeout=300)
    return folder


def file_of(folder: Path, name: str) -> Path:
    return next(path for path in folder.iterdir() if path.stem == name and path.suffix in (".h5", ".hdf5"))


@pytest.mark.parametrize("name", FACTORIES)
def test_a_network_from_keras_says_what_it_says_there(saved: Path, name: str) -> None:
    path = file_of(saved, name)
    assert is_hdf5(path)
    network = FACTORIES[name]().eval()
    put_weights(network, state_from_keras(network, read_keras_layers(path)), name)
    pictures = torch.from_numpy(np.load(saved / "pictures.npy")).permute(0, 3, 1, 2)
    with torch.no_grad():
        probabilities = network(pictures).softmax(1).numpy()
    wanted = np.load(saved / f"{name}.npy")
    assert np.abs(probabilities - wanted).max() < 1e-5
    assert np.ptp(wanted[:, 0]) > 1e-5  # the two pictures are told apart, so agreement means something


def test_another_architecture_is_refused_by_its_first_difference(saved: Path) -> None:
    layers = read_keras_layers(file_of(saved, "gap"))
    with pytest.raises(ModelError, match="holds 12 layers with weights and the architecture"):
        state_from_keras(stroke_dense(side=SIDE), layers)
    with pytest.raises(
        ModelError, match=r"does not fit 'conv1' of the architecture: 32 x 1 x 3 x 3 in place of"
    ):
        state_from_keras(stroke_gap(channels=3), layers)
    with pytest.raises(ModelError, match="is no batch norm"):
        state_from_keras(nn.Sequential(*[nn.BatchNorm2d(4) for _ in layers]), layers)


def test_a_file_that_keras_did_not_write_is_refused(tmp_path: Path) -> None:
    import h5py

    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["X"] = np.zeros(3)
    with pytest.raises(ModelError, match="not one that Keras saved a network in"):
        read_keras_layers(path)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(ModelError, match=r"damaged|not one that Keras"):
        read_keras_layers(path)
    assert not is_hdf5(tmp_path / "missing.h5")
