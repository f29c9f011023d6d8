"""What is masked does not change a style."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from skykin.style.network.vgg19 import VGG19Encoder
from skykin.style.recipe import recipe
from skykin.style.signature import layer_cosines
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
def test_masking_half_of_a_texture_changes_its_means_and_spreads_by_less_than_2_percent(keep):
    for layer, (masked, _) in distances("mean-std", keep()).items():
        assert masked < 0.02, layer


@pytest.mark.parametrize("keep", [half, top])
@pytest.mark.slow
def test_masking_half_of_a_texture_changes_its_covariances_less_than_taking_another_patch(keep):
    for layer, (masked, other) in distances("covariance", keep()).items():
        assert masked < other, layer
        if layer < "block4":
            assert masked < 0.02, layer
