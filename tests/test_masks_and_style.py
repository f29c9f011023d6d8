"""What is masked does not change a style."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from skykin.core.errors import UsageError
from skykin.search.similar import layer_cosines
from skykin.style.receptive import undisturbed
from skykin.style.recipe import recipe
from skykin.style.vgg19 import VGG19Encoder
from skykin.survey.fill import filled

SIDE = 256


def texture(seed):
    """Soft spots of every colour, the same everywhere."""
    random = np.random.default_rng(seed)
    spots = [gaussian_filter(random.normal(size=(SIDE, SIDE)), 2.5, mode="wrap") for _ in range(3)]
    spots = np.stack(spots, axis=-1)
    return np.clip(0.5 + 0.15 * spots / spots.std(), 0, 1).astype(np.float32)


def half():
    return np.broadcast_to(np.arange(SIDE) >= SIDE // 2, (SIDE, SIDE))


def top():
    return half().T


def distances(name, keep):
    """1 − cosine, layer by layer, of the masked texture and of another patch of it, to the whole texture."""
    chosen = recipe(name)
    encoder = VGG19Encoder(chosen.layers, chosen.padding)
    everything, whole = np.ones((SIDE, SIDE), np.float32), texture(1)
    kept = keep.astype(np.float32)
    masked = filled(np.where(keep[..., None], whole, 0), kept)
    style = chosen.signature(encoder(whole), everything)
    of_masked = layer_cosines(chosen.signature(encoder(masked), kept), style)
    of_other = layer_cosines(chosen.signature(encoder(texture(2)), everything), style)
    return {layer: (1 - of_masked[layer], 1 - of_other[layer]) for layer in style}


@pytest.mark.parametrize("keep", [half, top])
def test_masking_half_of_a_texture_changes_its_means_and_spreads_by_at_most_2_percent(keep):
    for layer, (masked, other) in distances("mean-std", keep()).items():
        # The deepest layer has but 256 positions: another patch of the texture differs by 2.2 % there.
        assert masked < (0.022 if layer == "block5_conv1" else 0.002), layer
        assert masked < other, layer


@pytest.mark.parametrize("keep", [half, top])
def test_masking_half_of_a_texture_changes_its_covariances_less_than_taking_another_patch(keep):
    for layer, (masked, other) in distances("covariance", keep()).items():
        assert masked < other, layer
        if layer < "block4":
            assert masked < 0.02, layer


def test_positions_that_see_masked_pixels_hardly_count():
    coverage = half().astype(np.float32)
    weights = undisturbed(coverage, (16, 16))
    assert weights[0, :8].max() < 1e-4
    assert weights[0, 11:].min() == 1
    assert (np.diff(weights, axis=1) >= 0).all()
    np.testing.assert_array_equal(undisturbed(coverage, (SIDE, SIDE)), coverage)


@pytest.mark.parametrize("stride", [1, 2, 4, 8, 16])
def test_where_all_is_seen_all_positions_count_the_same(stride):
    weights = undisturbed(np.full((70, 90), 0.3, np.float32), (70 // stride, 90 // stride))
    np.testing.assert_array_equal(weights, 1)


def test_a_layer_of_another_picture_is_refused():
    with pytest.raises(
        UsageError, match=r"a layer of \(5, 5\) positions does not belong to coverage of \(64, 64\)"
    ):
        undisturbed(np.ones((64, 64), np.float32), (5, 5))
