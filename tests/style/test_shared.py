"""Tests of the shared engine against the statistics of tiles cut from one direct run of the network."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from threadpoolctl import threadpool_limits

from skykin.core.errors import ResourceError, UsageError
from skykin.style.engine.cells import Lattice
from skykin.style.engine.gram_cosines import pairs_are_cheaper
from skykin.style.engine.shared import SharedMeter
from skykin.style.engine.stream import MOST_COLUMNS, CoverageRows, PlaneSource, stream
from skykin.style.network.architecture import LAYERS, step_of
from skykin.style.network.blocks import block_network
from skykin.style.network.vgg19 import VGG19Encoder
from skykin.style.recipe import Recipe, recipe
from skykin.style.signature import Signature, Standardisation, layer_cosines
from skykin.style.statistics.core_contrast import CoreContrast, core_contrast
from skykin.style.statistics.core_spread import core_spread
from skykin.style.statistics.covariance import covariance
from skykin.style.statistics.gram import gram
from skykin.style.statistics.mean_std import MeanStd, mean_std
from skykin.style.statistics.radial_profile import RadialProfile, radial_profile
from skykin.style.statistics.statistic import Statistic

#: Context that a direct run gets on each side: more than the 70 pixels that reach block5_conv1.
CONTEXT = 96


@pytest.fixture(autouse=True)
def _one_thread():
    with threadpool_limits(1):
        yield


@cache
def _texture(rows: int, columns: int) -> np.ndarray:
    rng = np.random.default_rng(4)
    octaves = (gaussian_filter(rng.random((rows, columns, 3)), (s, s, 0)) * s for s in (1, 2, 6))
    field = sum(octaves)
    return ((field - field.min()) / np.ptp(field)).astype(np.float32)


@cache
def _coverage(rows: int, columns: int) -> np.ndarray:
    cover = np.clip(np.random.default_rng(5).random((rows, columns)) * 1.5 - 0.2, 0, 1)
    cover[: rows // 4, : columns // 2] = 0
    return cover.astype(np.float32)


def _direct(how: Recipe, rgb: np.ndarray, cover: np.ndarray, lattice: Lattice) -> list[Signature]:
    """Signatures of all tiles, each layer cut out of one run over the picture with its context."""
    rows, columns, _ = rgb.shape
    around = np.pad(rgb, ((CONTEXT, CONTEXT), (CONTEXT, CONTEXT), (0, 0)), mode="edge")
    answers = VGG19Encoder(how.layers, "edge")(around)
    found = []
    for top in range(0, rows - lattice.tile + 1, lattice.spacing):
        for left in range(0, columns - lattice.tile + 1, lattice.spacing):
            own = {}
            for layer, features in answers.items():
                stride = 2 ** (int(layer[5]) - 1)
                y, x, side = (CONTEXT + top) // stride, (CONTEXT + left) // stride, lattice.tile // stride
                own[layer] = features[:, y : y + side, x : x + side]
            found.append(how.signature(own, cover[top : top + lattice.tile, left : left + lattice.tile]))
    return found


def _off(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("name", ["poster", "covariance", "mean-std"])
@pytest.mark.parametrize(("shape", "tile", "spacing"), [((160, 336), 96, 32), ((128, 192), 64, 64)])
@pytest.mark.slow
def test_every_tile_has_the_signature_that_a_direct_run_gives_it(name, shape, tile, spacing):
    how, lattice = recipe(name), Lattice(*shape, tile, spacing)
    rgb, cover = _texture(*shape), _coverage(*shape)
    expected = _direct(how, rgb, cover, lattice)
    meter = SharedMeter(how, block_network(how.layers))
    found = list(meter.signatures(PlaneSource(rgb, cover), lattice))
    assert len(found) == lattice.rows * lattice.columns
    for one, other in zip(found, expected, strict=True):
        assert one.finite == other.finite
        for layer in how.layers if other.finite else ():
            assert _off(one[layer], other[layer]) < 1e-5, layer


class _OnlyDefined:
    """A statistic without the methods that are quicker than what follows from its definition."""

    form, by_position, __call__ = Statistic.form, Statistic.by_position, Statistic.__call__


class _DefinedMeanStd(_OnlyDefined, MeanStd):
    name = "defined_mean_std"


class _DefinedCoreContrast(_OnlyDefined, CoreContrast):
    name = "defined_core_contrast"


class _DefinedRadialProfile(_OnlyDefined, RadialProfile):
    name = "defined_radial_profile"


@pytest.mark.parametrize(
    "statistic",
    [
        gram,
        covariance,
        mean_std,
        core_contrast,
        radial_profile,
        core_spread,
        _DefinedMeanStd(),
        _DefinedCoreContrast(),
        _DefinedRadialProfile(),
    ],
    ids=repr,
)
@pytest.mark.parametrize(("shape", "tile", "spacing"), [((72, 136), 64, 8), ((104, 128), 64, 24)])
def test_cells_of_8_pixels_give_every_tile_what_a_direct_run_gives_it(statistic, shape, tile, spacing):
    layers = ("block3_conv4", "block4_conv1") if statistic.has_core else ("block2_conv2", "block4_conv1")
    how = replace(recipe("mean-std"), layers=layers, statistic=statistic)
    lattice = Lattice(*shape, tile, spacing)
    rgb, cover = _texture(*shape), _coverage(*shape)
    expected = _direct(how, rgb, cover, lattice)
    meter = SharedMeter(how, block_network(how.layers))
    found = list(meter.signatures(PlaneSource(rgb, cover, 0, 0, *shape), lattice))
    assert lattice.cell == how.step == 8
    assert len(found) == len(expected) > 4
    for one, other in zip(found, expected, strict=True):
        for layer in layers:
            assert _off(one[layer], other[layer]) < 1e-5, layer
    raw = meter.cosines(PlaneSource(rgb, cover, 0, 0, *shape), lattice, expected[-1])
    direct = np.array([list(layer_cosines(one, expected[-1]).values()) for one in expected])
    np.testing.assert_allclose(raw.reshape(-1, 2), direct, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["poster", "covariance", "mean-std"])
@pytest.mark.parametrize(
    "spacing",
    [
        pytest.param(16, marks=pytest.mark.slow),
        32,
        *(pytest.param(n, marks=pytest.mark.slow) for n in (48, 64)),
    ],
)
def test_cosines_agree_with_a_direct_run_to_1e_5_corners_included(name, spacing):
    shape = (160, 240)
    how, lattice = recipe(name), Lattice(*shape, 96, spacing)
    rgb, cover = _texture(*shape), _coverage(*shape)
    raw = _direct(how, rgb, cover, lattice)
    finite = [signature for signature in raw if signature.finite]
    standard = Standardisation.fit(finite) if how.standardised else None
    direct = raw if standard is None else [standard.apply(signature) for signature in raw]
    expected = np.array([list(layer_cosines(one, direct[-1]).values()) for one in direct])
    meter = SharedMeter(how, block_network(how.layers))
    found = meter.cosines(PlaneSource(rgb, cover), lattice, direct[-1], standard)
    assert found.shape == (lattice.rows, lattice.columns, 5)
    np.testing.assert_allclose(found.reshape(-1, 5), expected, rtol=0, atol=1e-5)


def test_every_tile_is_compared_by_the_standard_of_its_own_row_of_latitude():
    shape = (160, 160)
    how, lattice = replace(recipe("mean-std"), layers=("block3_conv1",)), Lattice(*shape, 64, 32)
    source = PlaneSource(_texture(*shape), np.ones(shape, np.float32))
    meter = SharedMeter(how, block_network(how.layers))
    raw = list(meter.signatures(source, lattice))
    lat = np.linspace(-9, 9, 16).reshape(4, 4)
    row = (np.abs(lat.ravel()) >= 4).astype(int)
    with pytest.MonkeyPatch.context() as few:
        few.setattr("skykin.style.signature.ROW_TILES", 4)
        standard = Standardisation.fit(raw).in_rows(raw, lat.ravel(), 4)
    parts = [
        Standardisation.fit(each for each, own in zip(raw, row, strict=True) if own == far) for far in (0, 1)
    ]
    compared = [parts[far].apply(each) for each, far in zip(raw, row, strict=True)]
    expected = [layer_cosines(each, compared[-1])["block3_conv1"] for each in compared]
    found = meter.cosines(source, lattice, compared[-1], standard, lat)
    np.testing.assert_allclose(found.ravel(), expected, rtol=0, atol=1e-5)
    without = meter.cosines(source, lattice, compared[-1], Standardisation.fit(raw), lat)
    assert np.abs(found - without).max() > 0.05
    np.testing.assert_array_equal(meter.cosines(source, lattice, compared[-1], standard), without)


@pytest.mark.parametrize("name", ["mean-std", pytest.param("poster", marks=pytest.mark.slow)])
def test_several_references_are_compared_with_at_once_as_one_by_one(name):
    shape = (160, 160)
    how, lattice = recipe(name), Lattice(*shape, 96, 32)
    source = PlaneSource(_texture(*shape), _coverage(*shape))
    meter = SharedMeter(how, block_network(how.layers))
    several = list(meter.signatures(source, lattice))[:3]
    stacked = {layer: np.stack([each[layer] for each in several]) for layer in how.layers}
    together = meter.cosines(source, lattice, stacked)
    assert together.shape == (lattice.rows, lattice.columns, 3, 5)
    for number, each in enumerate(several):
        np.testing.assert_allclose(together[:, :, number], meter.cosines(source, lattice, each), atol=1e-6)


@pytest.mark.slow
def test_pairs_of_positions_give_the_cosines_of_the_matrices_under_a_mask_too():
    shape = (160, 208)
    how = replace(recipe("poster"), weighted=True)
    rgb, cover = _texture(*shape), _coverage(*shape)
    for tile, spacing in ((64, 16), (96, 32), (128, 64)):
        lattice = Lattice(*shape, tile, spacing)
        assert pairs_are_cheaper(lattice, 512, 16)
        direct = _direct(how, rgb, cover, lattice)
        expected = np.array([list(layer_cosines(one, direct[-1]).values()) for one in direct])
        meter = SharedMeter(how, block_network(how.layers))
        found = meter.cosines(PlaneSource(rgb, cover), lattice, direct[-1])
        np.testing.assert_allclose(found.reshape(-1, 5), expected, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_a_stream_answers_every_position_of_every_layer_once_as_a_direct_run_does():
    rows, columns = 176, 352
    rgb = _texture(rows, columns)
    around = np.pad(rgb, ((CONTEXT, CONTEXT), (CONTEXT, CONTEXT), (0, 0)), mode="edge")
    layers = ("block1_conv1", "block2_conv2", "block3_conv1", "block3_conv3", "block4_conv1", "block5_conv2")
    expected = VGG19Encoder(layers, "edge")(around)
    seen = {layer: np.full((len(expected[layer]), *(rows, columns)), np.nan, np.float32) for layer in layers}
    network = block_network(layers)
    assert network.halo == 86
    for piece in stream(network, PlaneSource(rgb)):
        if isinstance(piece, CoverageRows):
            continue
        _, y, x = piece.features.shape
        target = seen[piece.layer][:, piece.row : piece.row + y, piece.column : piece.column + x]
        assert np.isnan(target).all()
        target[:] = piece.features
    for layer in layers:
        stride = 2 ** (int(layer[5]) - 1)
        own = (
            slice(CONTEXT // stride, (CONTEXT + rows) // stride),
            slice(CONTEXT // stride, (CONTEXT + columns) // stride),
        )
        found = seen[layer][:, : rows // stride, : columns // stride]
        assert _off(found, expected[layer][:, *own]) < 1e-5, layer


def test_the_network_to_block5_conv1_sees_70_pixels_around_and_no_more():
    network = block_network(("block5_conv1",))
    assert network.halo == 70
    rgb = np.full((160, 160, 3), 0.4, np.float32)

    def answer(picture: np.ndarray) -> np.ndarray:
        source = PlaneSource(picture, None, 72, 72, 16, 16)
        return next(p.features for p in stream(network, source) if not isinstance(p, CoverageRows))

    at_edge, beyond = rgb.copy(), rgb.copy()
    at_edge[2], beyond[1] = 1.0, 1.0
    assert not np.array_equal(answer(at_edge), answer(rgb))
    np.testing.assert_array_equal(answer(beyond), answer(rgb))


def test_parts_of_a_picture_give_the_same_tiles_as_the_whole():
    rgb, cover = _texture(192, 320), _coverage(192, 320)
    how = recipe("mean-std")
    meter = SharedMeter(how, block_network(how.layers))
    whole = list(meter.signatures(PlaneSource(rgb, cover), Lattice(192, 320, 64, 32)))
    part = list(meter.signatures(PlaneSource(rgb, cover, 32, 96, 96, 128), Lattice(96, 128, 64, 32)))
    chosen = [whole[(1 + y) * 9 + 3 + x] for y in range(2) for x in range(3)]
    for one, other in zip(part, chosen, strict=True):
        for layer in how.layers:
            assert _off(one[layer], other[layer]) < 1e-5


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is told by a Unix call")
def test_memory_does_not_grow_with_the_height_of_a_picture(tmp_path):
    code = (
        "import resource, sys, numpy as np; from skykin.style.network.blocks import block_network; "
        "from skykin.style.recipe import recipe; from skykin.style.engine.shared import SharedMeter; "
        "from skykin.style.engine.cells import Lattice; "
        "from skykin.style.engine.stream import PlaneSource; "
        "from skykin.style.signature import Signature; how = recipe('poster'); "
        "rgb = np.load(sys.argv[1], mmap_mode='r'); sizes = (2080, 8256, 32896, 131328, 131328); "
        "reference = Signature({a: np.ones(n) for a, n in zip(how.layers, sizes)}); "
        "lattice = Lattice(len(rgb), 512, 128, 32); "
        "SharedMeter(how, block_network(how.layers)).cosines(PlaneSource(rgb), lattice, reference); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peaks = []
    for height in (1024, 4096):
        path = tmp_path / f"{height}.npy"
        np.lib.format.open_memmap(path, "w+", np.float32, (height, 512, 3))[:] = 0.5
        ran = subprocess.run(
            [sys.executable, "-c", code, path], check=True, capture_output=True, text=True, timeout=600
        )
        peaks.append(int(ran.stdout) * (1 if sys.platform == "darwin" else 1024) / 2**20)
    # A layer's answers alone would add 400 MiB, and the file 18 MiB.
    assert peaks[1] - peaks[0] < 12


def test_runs_give_the_same_bytes_however_much_the_network_answers_at_once(monkeypatch):
    rgb = _texture(128, 160)
    how = recipe("covariance")
    lattice = Lattice(128, 160, 96, 32)

    def bytes_of_all():
        meter = SharedMeter(how, block_network(how.layers))
        signatures = meter.signatures(PlaneSource(rgb), lattice)
        return [each[layer].tobytes() for each in signatures for layer in how.layers]

    first = bytes_of_all()
    assert bytes_of_all() == first
    monkeypatch.setattr("skykin.style.engine.stream.MOST_ROWS", 32)
    monkeypatch.setattr(
        "skykin.style.engine.stream.MOST_COLUMNS", {side: most // 2 for side, most in MOST_COLUMNS.items()}
    )
    assert bytes_of_all() == first


def test_what_the_shared_engine_cannot_do_is_refused_with_the_way_out():
    with pytest.raises(
        UsageError,
        match="needs a tile in multiples of 8 pixels, not 100; choose 96, or, for a map, --engine tiles",
    ):
        Lattice(128, 128, 100, 16)
    with pytest.raises(
        UsageError,
        match="every 16 pixels cannot be read from tiles of 64 pixels every 8; use multiples of 16",
    ):
        pairs_are_cheaper(Lattice(64, 64, 64, 8), 512, 16)
    with pytest.raises(UsageError, match="tiles of 128 pixels do not fit a picture of 64 × 256"):
        Lattice(64, 256, 128, 32)
    with pytest.raises(UsageError, match="does not lie in a picture of 64 × 64"):
        PlaneSource(_texture(64, 64), None, 32, 0, 48, 48)
    with pytest.raises(UsageError, match="VGG19 has no layer 'block6_conv1'; choose among"):
        block_network(("block6_conv1",))


def test_a_form_lays_out_the_upper_triangle_so_that_nothing_is_lost():
    form = gram.form(160)
    assert len(form.order) == 160 * 161 // 2
    assert len(np.unique(form.order)) == len(form.order)
    assert form.stretches[-1].stop == form.sums
    assert [a.stop for a in form.stretches[:-1]] == [b.start for b in form.stretches[1:]]


@pytest.mark.extra
def test_bfloat16_changes_cosines_by_less_than_2e_3():
    pytest.importorskip("openvino", reason="extra `fast` is not installed")
    how, lattice, rgb = recipe("poster"), Lattice(128, 192, 64, 32), _texture(128, 192)
    reference = _direct(how, rgb, np.ones((128, 192), np.float32), lattice)[4]
    exact, fast = (
        SharedMeter(how, block_network(how.layers, fast=fast)).cosines(PlaneSource(rgb), lattice, reference)
        for fast in (False, True)
    )
    assert 0 < np.abs(exact - fast).max() < 2e-3


def test_without_openvino_the_fast_network_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(
        ResourceError, match=r"needs OpenVINO, which is not installed; run `pip install \"skykin\[fast\]\"`"
    ):
        block_network(("block1_conv1",), fast=True)


def test_the_step_of_the_lattice_follows_from_the_deepest_layer():
    assert [step_of(layers) for layers in (("block1_conv1",), ("block4_conv4", "block3_conv1"), LAYERS)] == [
        8,
        8,
        16,
    ]
    assert [each.step for each in (recipe("covariance"), recipe("core-contrast"))] == [16, 8]


def test_every_layer_can_be_measured():
    assert block_network(LAYERS).layers == LAYERS
