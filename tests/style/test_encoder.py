"""Tests of VGG19 against plain NumPy and against numbers that another framework made."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest

from skykin.core.errors import UsageError
from skykin.core.protocols import Encoder
from skykin.style.network.architecture import LAYERS, STYLE_LAYERS
from skykin.style.network.vgg19 import VGG19Encoder
from skykin.style.network.weights import SHA256, load_weights
from skykin.style.recipe import recipe
from skykin.style.signature import Signature, flattened, layer_cosines
from skykin.style.similarity import combine
from skykin.style.statistics.gram import gram
from tests.golden.pictures import pictures

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "vgg19.json").read_text(encoding="utf-8"))
PADDINGS = ("zero", "edge")


def _noise(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((rows, columns, 3), dtype=np.float32)


def _plain_forward(rgb: np.ndarray, padding: str) -> dict[str, np.ndarray]:
    """VGG19 in plain NumPy and double precision: the whole network in one view."""
    blue_green_red = 255.0 * rgb[..., ::-1].astype(np.float64) - [103.939, 116.779, 123.68]
    below, answers = blue_green_red.transpose(2, 0, 1), {}
    for layer, convolution in load_weights().items():
        if layer.endswith("conv1") and layer != "block1_conv1":
            channels, y, x = below.shape
            cells = below[:, : y // 2 * 2, : x // 2 * 2].reshape(channels, y // 2, 2, x // 2, 2)
            below = cells.max(axis=(2, 4))
        border = ((0, 0), (1, 1), (1, 1))
        padded = np.pad(below, border) if padding == "zero" else np.pad(below, border, mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
        total = np.tensordot(convolution.kernel.astype(np.float64), windows, axes=([1, 2, 3], [0, 3, 4]))
        below = np.maximum(total + convolution.bias[:, None, None], 0.0)
        answers[layer] = below
    return answers


def _grams(rgb: np.ndarray, encoder: Encoder) -> Signature:
    return Signature({layer: flattened(gram(features)) for layer, features in encoder(rgb).items()})


def _off(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference, relative to the largest value."""
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("shape", [(64, 48), (51, 67), (16, 35)])
def test_every_layer_agrees_with_plain_numpy(padding, shape):
    rgb = _noise(*shape)
    answers, expected = VGG19Encoder(LAYERS, padding)(rgb), _plain_forward(rgb, padding)
    for layer in LAYERS:
        assert answers[layer].shape == expected[layer].shape
        assert answers[layer].dtype == np.float32
        assert _off(answers[layer], expected[layer]) < 1e-5, layer


@pytest.mark.parametrize("padding", PADDINGS)
def test_grams_and_cosines_agree_with_plain_numpy(padding):
    encoder, pair = VGG19Encoder(padding=padding), (_noise(64, 48), pictures()["nebula"][:64, :48])
    found = [_grams(rgb, encoder) for rgb in pair]
    plain = [_plain_forward(rgb, padding) for rgb in pair]
    cosines = layer_cosines(*found)
    for layer in STYLE_LAYERS:
        a, b = (np.einsum("cyx,dyx->cd", each[layer], each[layer], optimize=True) for each in plain)
        positions = plain[0][layer][0].size
        assert _off(found[0][layer], flattened(a / positions)) < 1e-5
        expected = (a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b)
        assert cosines[layer] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("padding", PADDINGS)
def test_grams_and_cosines_agree_with_the_second_framework(padding):
    encoder, golden = VGG19Encoder(padding=padding), GOLDEN[padding]
    signatures = {}
    for name, rgb in pictures().items():
        matrices = {layer: gram(features) for layer, features in encoder(rgb).items()}
        for layer, expected in golden["grams"][name].items():
            matrix = matrices[layer].astype(np.float64)
            assert np.linalg.norm(matrix) == pytest.approx(expected["norm"], rel=1e-5)
            assert np.trace(matrix) == pytest.approx(expected["trace"], rel=1e-5)
            for i, j, entry in expected["entries"]:
                assert matrix[i, j] == pytest.approx(entry, rel=1e-4, abs=1e-6 * expected["norm"])
        signatures[name] = Signature({layer: flattened(matrix) for layer, matrix in matrices.items()})
    for a, b in combinations(signatures, 2):
        expected = golden["cosines"][f"{a} {b}"]
        assert layer_cosines(signatures[a], signatures[b]) == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_the_poster_calls_a_black_picture_kin_of_a_nebula_but_not_of_bright_textures():
    scores = {
        pair: float(combine(list(cosines.values()), "max"))
        for pair, cosines in GOLDEN["zero"]["cosines"].items()
    }
    assert scores["nebula black"] == pytest.approx(0.9269, abs=1e-4)
    assert scores["nebula white"] == pytest.approx(0.6454, abs=1e-4)
    assert scores["nebula noise"] == pytest.approx(0.4675, abs=1e-4)
    assert scores["waves black"] == pytest.approx(0.4692, abs=1e-4)
    assert scores["filaments black"] == pytest.approx(0.5850, abs=1e-4)
    assert scores["nebula black"] > recipe("poster").threshold > scores["filaments nebula"]


def test_edge_padding_does_not_measure_the_frame_of_an_even_picture_and_zero_padding_does():
    even = np.full((48, 64, 3), 0.4, dtype=np.float32)
    for padding, seen in (("edge", False), ("zero", True)):
        for layer, features in VGG19Encoder(STYLE_LAYERS, padding)(even).items():
            varies = np.ptp(features, axis=(1, 2)).max() > 1e-4 * features.max()
            assert varies == seen, (padding, layer)


@pytest.mark.parametrize("name", ["poster", "covariance", "mean-std"])
def test_the_number_of_threads_changes_scores_by_less_than_1e_5(name):
    how = recipe(name)
    scores = []
    for threads in (1, 2):
        encoder = VGG19Encoder(how.layers, how.padding, threads)
        a, b = (
            how.signature(encoder(rgb), np.ones(rgb.shape[:2], np.float32))
            for rgb in (pictures()["nebula"], _noise(96, 80))
        )
        scores.append(combine(list(layer_cosines(a, b).values()), how.combine))
    assert abs(scores[0] - scores[1]) < 1e-5


def test_two_encoders_give_the_same_bytes():
    rgb = _noise(80, 72)
    first, second = (VGG19Encoder()(rgb) for _ in range(2))
    assert all(first[layer].tobytes() == second[layer].tobytes() for layer in STYLE_LAYERS)


def test_one_encoder_serves_several_threads_at_once_with_the_bytes_it_gives_alone():
    encoder = VGG19Encoder()
    many = [_noise(32 + 8 * seed, 40, seed) for seed in range(6)]
    alone = [encoder(rgb)["block5_conv1"].tobytes() for rgb in many]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda rgb: encoder(rgb)["block5_conv1"].tobytes(), many * 3))
    assert together == alone * 3


def test_a_picture_is_answered_the_same_by_a_shallow_and_a_deep_encoder():
    rgb = _noise(32, 32)
    shallow, deep = VGG19Encoder(("block2_conv1",))(rgb), VGG19Encoder(LAYERS)(rgb)
    assert tuple(shallow) == ("block2_conv1",)
    np.testing.assert_allclose(shallow["block2_conv1"], deep["block2_conv1"], rtol=1e-5, atol=1e-3)


def test_sides_of_the_layers_halve_from_block_to_block_and_drop_odd_remainders():
    sides = [features.shape[1:] for features in VGG19Encoder()(_noise(75, 34)).values()]
    assert sides == [(75, 34), (37, 17), (18, 8), (9, 4), (4, 2)]
    assert all((y // 2, x // 2) == below for (y, x), below in pairwise(sides))


def test_an_encoder_names_itself_with_the_hash_of_its_weights():
    encoder = VGG19Encoder(("block1_conv1",), "edge")
    assert encoder.name == f"VGG19 (Keras no-top weights, sha256 {SHA256[:8]}…), edge padding"


def test_an_unknown_layer_is_answered_with_those_there_are():
    with pytest.raises(
        UsageError, match="no layer 'block5_conv3'; choose among block1_conv1, .*, block5_conv2"
    ):
        VGG19Encoder(("block1_conv1", "block5_conv3"))


def test_settings_that_cannot_be_meant_are_refused():
    with pytest.raises(UsageError, match="VGG19 has no layer none; choose among"):
        VGG19Encoder(())
    with pytest.raises(UsageError, match="named twice in 'block1_conv1, block1_conv1'"):
        VGG19Encoder(("block1_conv1", "block1_conv1"))
    with pytest.raises(UsageError, match="padding 'reflect' is unknown; choose zero or edge"):
        VGG19Encoder(padding="reflect")
    with pytest.raises(UsageError, match="cannot run on 0 threads; use 1 or more"):
        VGG19Encoder(threads=0)


@pytest.mark.parametrize(
    ("rgb", "sentence"),
    [
        (np.zeros((15, 64, 3)), "15 × 64 pixels is too small for VGG19; use at least 16 × 16"),
        (np.zeros((64, 64)), r"shape \(64, 64\) is no picture; give \(rows, columns, 3\)"),
        (np.full((32, 32, 3), 255), "colours run from 255 to 255; scale them to 0–1"),
        (np.full((32, 32, 3), np.nan), "colours run from nan to nan; scale them to 0–1"),
        (np.full((32, 32, 3), -0.5), "colours run from -0.5 to -0.5; scale them to 0–1"),
    ],
)
def test_what_is_no_picture_is_refused(rgb, sentence):
    with pytest.raises(UsageError, match=sentence):
        VGG19Encoder(("block1_conv1",))(rgb)
