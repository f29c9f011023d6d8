"""The core of a tile against the tile: one number per channel, the same in both engines."""

import numpy as np
import pytest

from skykin.core.errors import UsageError
from skykin.core.progress import SilentProgress
from skykin.core.settings import MapSettings
from skykin.jobs.sizing import sized, suited
from skykin.style.engine.cells import Lattice
from skykin.style.engine.shared import SharedMeter
from skykin.style.engine.stream import CoverageRows, PlaneSource, stream
from skykin.style.network.blocks import block_network
from skykin.style.recipe import recipe
from skykin.style.statistics.core_contrast import core_contrast
from skykin.style.statistics.statistic import position_weights
from tests.skies import blob_survey

CHOSEN = recipe("core-contrast")


def test_core_less_tile():
    features = np.zeros((2, 8, 8), np.float32)
    features[0, 3:5, 3:5] = 16.0
    features[1] = 5.0
    assert core_contrast(features) == pytest.approx([16 - 1, 0])


def test_what_tile_and_core_share_does_not_count():
    features = np.random.default_rng(1).random((3, 16, 16), dtype=np.float32)
    shifted = features + np.array([1.0, 100.0, 1000.0], np.float32)[:, None, None]
    assert core_contrast(shifted) == pytest.approx(core_contrast(features), abs=2e-4)


def test_masked_positions_do_not_count():
    features = np.ones((1, 8, 8), np.float32)
    weights = np.ones((8, 8), np.float32)
    features[0, 3, 3], weights[3, 3] = 1e6, 0
    assert core_contrast(features, weights) == pytest.approx([0])


def test_a_masked_core_has_no_style():
    weights = np.ones((8, 8), np.float32)
    weights[3:5, 3:5] = 0
    assert np.isnan(core_contrast(np.ones((1, 8, 8), np.float32), weights)).all()


@pytest.mark.parametrize(("side", "tile", "spacing"), [(192, 128, 16), (192, 128, 32), (104, 64, 8)])
def test_the_shared_engine_measures_the_same(side, tile, spacing):
    network = block_network(CHOSEN.layers)
    meter, halo = SharedMeter(CHOSEN, network), network.halo
    generator = np.random.default_rng(2)
    rgb = generator.random((side + 2 * halo, side + 2 * halo, 3), dtype=np.float32)
    coverage = generator.random(rgb.shape[:2], dtype=np.float32)
    lattice = Lattice(side, side, tile, spacing)
    found = list(meter.signatures(PlaneSource(rgb, coverage, halo, halo, side, side), lattice))
    at = lattice.columns + 1
    part = PlaneSource(rgb, coverage, halo + spacing, halo + spacing, tile, tile)
    answers = {
        piece.layer: np.zeros(
            (piece.features.shape[0], tile // piece.stride, tile // piece.stride), np.float32
        )
        for piece in stream(network, part)
        if not isinstance(piece, CoverageRows)
    }
    for piece in stream(network, part):
        if not isinstance(piece, CoverageRows):
            _, y, x = piece.features.shape
            answers[piece.layer][:, piece.row : piece.row + y, piece.column : piece.column + x] = (
                piece.features
            )
    first = halo + spacing
    own = coverage[first : first + tile, first : first + tile]
    for layer, features in answers.items():
        expected = core_contrast(features, position_weights(own, features.shape[1:]))
        assert found[at][layer] == pytest.approx(expected, abs=1e-5 * float(np.abs(expected).max()))


def test_the_shared_engine_refuses_tiles_whose_core_is_no_whole_number_of_cells():
    network = block_network(CHOSEN.layers)
    source = PlaneSource(np.zeros((256, 256, 3), np.float32), None, 0, 0, 256, 256)
    with pytest.raises(
        UsageError, match=r"core out of tiles of 144 pixels; use --pixels 128, or, for a map, --engine tiles"
    ):
        next(SharedMeter(CHOSEN, network).signatures(source, Lattice(256, 256, 144, 16)))


def test_the_recipe_chooses_size_spacing_and_pixels_of_its_tiles():
    settings = suited(MapSettings(), CHOSEN)
    found = sized(settings, blob_survey(), CHOSEN, SilentProgress())
    assert (found.tile_size_deg, found.spacing_deg, found.side_pixels) == (6, 0.75, 64)


def test_what_was_asked_for_comes_before_the_recipe():
    settings = suited(MapSettings(tile_size=9, spacing=3, pixels=128), CHOSEN)
    found = sized(settings, blob_survey(), CHOSEN, SilentProgress())
    assert (found.tile_size_deg, found.spacing_deg, found.side_pixels) == (9, 3, 128)
