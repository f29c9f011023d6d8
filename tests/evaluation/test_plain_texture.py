"""Textures measured without a network."""

import numpy as np
import pytest

from skykin.evaluation.plain_texture import (
    MEASURES,
    a_trous,
    cosine,
    histogram,
    likeness,
    pixel_gram,
    plain_textures,
    power_slope,
    scattering,
)

RNG = np.random.default_rng(0)
PICTURES = RNG.random((6, 32, 32, 3))


def red_noise(slope, side=32, seed=0):
    """A picture whose power spectrum falls as k to that slope."""
    wave = np.fft.fftfreq(side) * side
    k = np.hypot(wave[:, None], wave)
    k[0, 0] = 1
    noise = np.fft.fft2(np.random.default_rng(seed).standard_normal((side, side)))
    return np.fft.ifft2(noise * k ** (slope / 2)).real


def test_the_pixel_gram_is_the_mean_outer_product():
    flat = PICTURES[2].reshape(-1, 3)
    np.testing.assert_allclose(pixel_gram(PICTURES)[2], (flat.T @ flat / len(flat)).ravel())


def test_the_histogram_is_cumulative():
    grey = np.zeros((1, 4, 4))
    grey[0, :2] = 0.5
    levels = histogram(grey)[0]
    assert levels.shape == (32,)
    assert levels[0] == 0.5  # the black half
    assert levels[14] == 0.5
    assert levels[15] == 1.0  # up to 0.5


@pytest.mark.parametrize("slope", [-1.0, -2.0, -3.0])
def test_the_slope_of_a_made_up_spectrum_is_found(slope):
    found = power_slope(np.stack([red_noise(slope, seed=seed) for seed in range(60)]))[:, 0]
    assert found.mean() == pytest.approx(slope, abs=0.35)  # the window flattens steep ones a little


def test_a_picture_of_one_colour_has_no_slope():
    assert np.isnan(power_slope(np.full((1, 32, 32), 0.3))[0, 0])


def test_the_wavelet_bands_and_the_rest_add_up_to_the_picture():
    bands = a_trous(PICTURES[..., 0])
    rest = PICTURES[..., 0] - np.sum(bands, axis=0)
    assert rest.std() < 0.1 * PICTURES[..., 0].std()  # noise is in the finest bands
    assert np.std(bands[0]) > np.std(bands[-1])


def test_scattering_does_not_see_where_things_are_nor_how_they_are_turned():
    turned = np.rot90(PICTURES, axes=(1, 2))
    np.testing.assert_allclose(scattering(turned), scattering(PICTURES), atol=1e-9)
    assert scattering(PICTURES).shape == (6, 4 * 3 + 6)


def test_the_reference_is_most_like_itself_in_every_measure():
    pictures = plain_textures(np.concatenate([PICTURES, PICTURES[:3] ** 3]))
    reference = {name: values[4:5] for name, values in pictures.items()}
    for name, score in likeness(pictures, reference).items():
        assert name in MEASURES
        assert np.argmax(score) == 4
        assert score.shape == (9,)


def test_a_vector_of_zeros_has_no_cosine():
    found = cosine(np.array([[0.0, 0.0], [1.0, 0.0], [-2.0, 0.0]]), np.array([3.0, 0.0]))
    np.testing.assert_array_equal(found, [np.nan, 1.0, -1.0])
