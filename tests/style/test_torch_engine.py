"""Tests of the shared engine on PyTorch: the numbers of ONNX Runtime, through the code of a device."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.wcs import WCS

torch = pytest.importorskip("torch")

import skykin  # noqa: E402
from skykin.style.engine import device as engine  # noqa: E402
from skykin.style.engine.cells import Lattice  # noqa: E402
from skykin.style.engine.shared import SharedMeter  # noqa: E402
from skykin.style.engine.stream import PlaneSource  # noqa: E402
from skykin.style.network import choice  # noqa: E402
from skykin.style.network.architecture import STYLE_LAYERS  # noqa: E402
from skykin.style.network.blocks import block_network  # noqa: E402
from skykin.style.network.devices import Device, missing_device  # noqa: E402
from skykin.style.network.rounded import rounded  # noqa: E402
from skykin.style.network.torch_vgg19 import TorchContextNetwork, TorchEncoder  # noqa: E402
from skykin.style.network.vgg19 import VGG19Encoder  # noqa: E402
from skykin.style.recipe import recipe  # noqa: E402
from skykin.style.statistics.form import Averages  # noqa: E402
from skykin.style.statistics.statistic import Statistic  # noqa: E402

pytestmark = pytest.mark.generate
ON_PROCESSOR = Device("cpu", "float32")
RECIPES = ("poster", "covariance", "mean-std", "core-contrast", "core-spread", "radial-profile")


def texture(rows, columns):
    random = np.random.default_rng(3)
    coarse = np.kron(random.random((rows // 8, columns // 8, 3)), np.ones((8, 8, 1)))
    return (0.5 * coarse + 0.5 * random.random((rows, columns, 3))).astype(np.float32)


def coverage(rows, columns):
    cover = np.ones((rows, columns), np.float32)
    cover[:40, :56] = 0
    cover[100:130, 60:90] = 0.25
    return cover


def off(found, expected):
    """Largest difference, relative to the largest value; NaN in the same places."""
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    return float(np.nanmax(np.abs(found - expected)) / np.nanmax(np.abs(expected)))


class MeanCube(Statistic):
    """A statistic that knows nothing of devices."""

    name = "mean_cube"

    def moments(self, features):
        return (features / 100) ** 3

    def finish(self, means, rings=None):
        return np.cbrt(means)


def both(how):
    return (
        SharedMeter(how, network)
        for network in (block_network(how.layers), TorchContextNetwork(how.layers, ON_PROCESSOR))
    )


class Kept:
    """Keeps what a reader hands on."""

    on_device = False

    def __init__(self):
        self.values = []

    def take(self, row, column, stretch, values):
        self.values += [(stretch.start, row + i, column, each) for i, each in enumerate(np.array(values))]

    def rows(self):
        """All numbers, whatever came together."""
        order = sorted(self.values, key=lambda each: each[:3])
        return np.concatenate([values.ravel() for *_, values in order])


@pytest.mark.parametrize("name", RECIPES)
def test_moments_of_cells_are_those_of_onnx_runtime(name, monkeypatch):
    """With so little room that cells are summed, and handed on, a few rows at a time."""
    monkeypatch.setattr(engine, "FEATURE_BYTES", 1 << 20)
    monkeypatch.setattr(engine, "SUM_BYTES", 1 << 20)
    how = recipe(name)
    rgb, cover = texture(160, 128), coverage(160, 128)
    found = []
    for meter in both(how):
        keepers = {layer: Kept() for layer in how.layers}
        cells = Lattice(160, 128, 32, 32)
        meter.read(
            PlaneSource(rgb, cover),
            {
                layer: meter.reader(layer, cells, Averages(meter.form(layer)), keeper)
                for layer, keeper in keepers.items()
            },
        )
        found.append(keepers)
    for layer in how.layers:
        one, other = (kept[layer].rows() for kept in found)
        assert one.shape == other.shape
        assert off(other, one) < 1e-5, layer


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("standardised", [False, True])
def test_cosines_of_tiles_are_those_of_onnx_runtime(name, standardised):
    how = recipe(name)
    rgb, cover = texture(160, 128), coverage(160, 128)
    lattice, source = Lattice(160, 128, 64, 32), PlaneSource(rgb, cover)
    cpu, gpu = both(how)
    signatures = [each for each in cpu.signatures(source, lattice) if each.finite]
    standard = how.standard(signatures) if standardised and how.standardised else None
    if standardised and standard is None:
        pytest.skip(f"recipe {name} compares signatures as they are")
    chosen = [signatures[2], signatures[-1]]
    if standard is not None:
        chosen = [standard.apply(each, None) for each in chosen]
    references = {layer: np.stack([each[layer] for each in chosen]) for layer in how.layers}
    one, other = (meter.cosines(source, lattice, references, standard) for meter in (cpu, gpu))
    assert one.shape == (4, 3, 2, len(how.layers))
    np.testing.assert_allclose(other, one, rtol=0, atol=1e-5)
    for mine, theirs in zip(gpu.signatures(source, lattice), cpu.signatures(source, lattice), strict=True):
        for layer in how.layers:
            if theirs.finite:
                assert off(mine[layer], theirs[layer]) < 2e-5, layer


def test_a_statistic_that_knows_nothing_of_devices_is_measured_there_all_the_same():
    how = skykin.Recipe(
        name="own", title="", description="", statistic=MeanCube(), threshold=0.5, layers=STYLE_LAYERS[:3]
    )
    rgb, lattice = texture(128, 128), Lattice(128, 128, 64, 32)
    one, other = ([*meter.signatures(PlaneSource(rgb), lattice)] for meter in both(how))
    for mine, theirs in zip(other, one, strict=True):
        for layer in how.layers:
            assert off(mine[layer], theirs[layer]) < 1e-5


def test_the_height_of_bands_changes_nothing(monkeypatch):
    how = recipe("mean-std")
    rgb, lattice = texture(256, 128), Lattice(256, 128, 64, 32)
    meter = SharedMeter(how, TorchContextNetwork(how.layers, ON_PROCESSOR))
    whole = [*meter.signatures(PlaneSource(rgb), lattice)]
    monkeypatch.setattr(TorchContextNetwork, "rows_at_once", lambda *_: 64)
    for mine, theirs in zip(meter.signatures(PlaneSource(rgb), lattice), whole, strict=True):
        for layer in how.layers:
            assert off(mine[layer], theirs[layer]) < 1e-5


def as_in_a_map(how, network, rgb, lattice):
    """Cosines with a tile of the picture itself, its average tile measured by the same network."""
    meter = SharedMeter(how, network)
    signatures = [*meter.signatures(PlaneSource(rgb), lattice)]
    standard = how.standard(signatures) if how.standardised else None
    reference = signatures[10] if standard is None else standard.apply(signatures[10], None)
    return meter.cosines(PlaneSource(rgb), lattice, reference, standard)


def test_bfloat16_changes_cosines_of_deviations_from_the_average_by_less_than_2e_3():
    how, rgb, lattice = recipe("core-spread"), texture(256, 256), Lattice(256, 256, 128, 32)
    network = TorchContextNetwork(how.layers, Device("cpu", "bfloat16"))
    assert network.name.endswith("bfloat16 on cpu (PyTorch), true context")
    exact = as_in_a_map(how, block_network(how.layers), rgb, lattice)
    assert 0 < np.abs(as_in_a_map(how, network, rgb, lattice) - exact).max() < 2e-3


def test_rounding_errors_of_a_kernel_cancel_to_half_a_step_of_its_smallest_weight():
    kernel = np.random.default_rng(1).standard_normal((16, 8, 3, 3)).astype(np.float32)
    found = rounded(kernel)
    np.testing.assert_array_equal(torch.tensor(found).bfloat16().float().numpy(), found)
    np.testing.assert_allclose(found, kernel, rtol=0, atol=2**-7 * np.abs(kernel).max())
    together, alone = (
        np.abs((each - kernel).sum(axis=(2, 3)))
        for each in (found, torch.tensor(kernel).bfloat16().float().numpy())
    )
    smallest = np.abs(kernel).min(axis=(2, 3))
    # What was carried along adds to the smallest weight, so that its step may be that of the sum.
    assert (together <= 2**-8 * (smallest + 2**-8 * np.abs(kernel).max(axis=(2, 3)))).all()
    assert together.mean() < alone.mean() / 10


@pytest.mark.parametrize("padding", ["zero", "edge"])
def test_single_pictures_are_encoded_as_by_onnx_runtime(padding):
    rgb = texture(64, 48)
    encoder = TorchEncoder(STYLE_LAYERS, padding, ON_PROCESSOR)
    assert encoder.name.endswith(f"{padding} padding, float32 on cpu (PyTorch)")
    found, expected = encoder(rgb), VGG19Encoder(STYLE_LAYERS, padding)(rgb)
    for layer in STYLE_LAYERS:
        assert off(found[layer], expected[layer]) < 1e-5


@pytest.fixture
def on_pytorch(monkeypatch):
    """Let `device="cuda"` be PyTorch on the processor."""
    monkeypatch.setattr(
        choice, "chosen_device", lambda device, *_, **__: None if device == "cpu" else ON_PROCESSOR
    )


@pytest.fixture(scope="module")
def image():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["GLON-TAN", "GLAT-TAN"], [30.0, 10.0]
    wcs.wcs.crpix, wcs.wcs.cdelt, wcs.array_shape = [88.5, 88.5], [-0.01, 0.01], (176, 176)
    return texture(176, 176).mean(axis=-1), wcs


@pytest.mark.slow
@pytest.mark.parametrize("name", ["core-spread", "covariance"])
def test_a_map_on_a_device_is_that_of_the_processor(image, on_pytorch, name):
    one, other = (
        skykin.map(image, "30.1,10.2", tile_size=0.64, spacing=0.32, pixels=64, recipe=name, device=device)
        for device in ("cpu", "cuda")
    )
    assert other.provenance.encoder.endswith("float32 on cpu (PyTorch), true context")
    assert other.provenance.versions["device"]
    assert other.provenance.settings["device"] == "auto"
    np.testing.assert_allclose(other.scored.tiles["score"], one.scored.tiles["score"], rtol=0, atol=1e-5)
    assert (other.scored.tiles["name"] == one.scored.tiles["name"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["core-contrast", "covariance"])
def test_an_index_on_a_device_answers_as_that_of_the_processor(image, on_pytorch, name, tmp_path):
    one, other = (
        skykin.index(
            image, tmp_path / device, tile_size=0.64, spacing=0.32, pixels=64, recipe=name, device=device
        )
        for device in ("cpu", "cuda")
    )
    for layer in one.layers:
        np.testing.assert_allclose(other.norms(layer), one.norms(layer), rtol=1e-4)
    # Cosines: the directions of vectors that are fitted to a survey may turn.  Kept in half precision.
    mine, theirs = (rows @ rows.T for rows in (index.rows([2, 5, 8, 11]) for index in (other, one)))
    np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-3)
    assert "PyTorch" in other.provenance.encoder


@pytest.mark.cuda
@pytest.mark.parametrize(("precision", "most"), [("float32", 1e-5), ("tf32", 5e-5), ("bfloat16", 1e-3)])
@pytest.mark.parametrize("name", ["poster", "covariance", "core-spread"])
def test_cosines_on_a_cuda_device_are_those_of_the_processor(name, precision, most):
    if (missing := missing_device()) is not None:
        pytest.skip(str(missing))
    how, rgb, lattice = recipe(name), texture(512, 512), Lattice(512, 512, 128, 64)
    network = TorchContextNetwork(how.layers, Device("cuda", precision))
    one, other = (as_in_a_map(how, each, rgb, lattice) for each in (block_network(how.layers), network))
    np.testing.assert_allclose(other, one, rtol=0, atol=most)
