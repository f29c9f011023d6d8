"""Pictures with the spectrum of another and without its forms."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skykin.core.errors import UsageError
from skykin.core.picture import Picture
from skykin.significance.surrogates import periodic_component, phase_randomised, surrogate_p


def cloud(seed=0, shape=(48, 40)):
    """A smooth periodic picture well within 0 to 1, so that nothing is cut."""
    rng = np.random.default_rng(seed)
    y, x = np.meshgrid(np.fft.fftfreq(shape[0]), np.fft.rfftfreq(shape[1]), indexing="ij")
    waves = np.fft.rfft2(rng.normal(size=(*shape, 3)), axes=(0, 1)) / (1 + 4000 * (x**2 + y**2))[..., None]
    values = np.fft.irfft2(waves, s=shape, axes=(0, 1))
    rgb = 0.5 + 0.07 * (values - values.mean(axis=(0, 1))) / values.std()
    coverage = np.ones(shape, np.float32)
    coverage[:5] = 0
    return Picture(rgb.astype(np.float32), coverage)


def test_spectra_of_colours_and_between_them_stay_and_the_picture_does_not():
    before, after = cloud(), phase_randomised(cloud(), 1)
    a = np.fft.fft2(periodic_component(before.rgb), axes=(0, 1))
    b = np.fft.fft2(after.rgb.astype(float), axes=(0, 1))
    for first in range(3):
        for second in range(3):
            np.testing.assert_allclose(
                b[..., first] * b[..., second].conj(), a[..., first] * a[..., second].conj(), atol=2e-2
            )
    np.testing.assert_allclose(after.rgb.mean(axis=(0, 1)), before.rgb.mean(axis=(0, 1)), atol=1e-6)
    assert abs(np.corrcoef(before.rgb[..., 0].ravel(), after.rgb[..., 0].ravel())[0, 1]) < 0.5
    np.testing.assert_array_equal(after.coverage, before.coverage)


def test_a_seed_gives_one_surrogate_and_another_seed_another():
    np.testing.assert_array_equal(phase_randomised(cloud(), 3).rgb, phase_randomised(cloud(), 3).rgb)
    assert np.abs(phase_randomised(cloud(), 3).rgb - phase_randomised(cloud(), 4).rgb).max() > 0.05


def test_a_flat_picture_is_its_own_surrogate_and_one_pixel_too():
    for shape in ((16, 16), (1, 1), (7, 1)):
        flat = Picture(np.full((*shape, 3), 0.25, np.float32), np.ones(shape, np.float32))
        np.testing.assert_allclose(phase_randomised(flat, 0).rgb, 0.25, atol=1e-6)


def test_the_periodic_component_has_no_cross_and_keeps_what_is_periodic():
    y, x = np.mgrid[:32, :32] / 32
    waves = np.repeat(np.cos(2 * np.pi * x) + np.cos(2 * np.pi * y)[..., None], 3, axis=-1)
    slope = np.repeat(x[..., None], 3, axis=-1)
    cross = np.abs(np.fft.fft2(slope[..., 0])[0, 1:]).sum()
    assert np.abs(np.fft.fft2(periodic_component(slope)[..., 0])[0, 1:]).sum() < 0.35 * cross
    np.testing.assert_allclose(periodic_component(slope).mean(), slope.mean())
    assert np.abs(periodic_component(waves) - waves).max() < 0.05


@given(st.integers(0, 10**6))
def test_p_is_that_of_a_permutation_where_form_does_not_matter(seed):
    scores = np.random.default_rng(seed).normal(size=(20, 10))
    p = surrogate_p(scores[:, 0], scores[:, 1:])
    assert ((p > 0) & (p <= 1)).all()
    assert p.min() >= 1 / 181
    # A constant of a tile, such as its brightness, does not matter.
    shift = np.arange(20)[:, None]
    np.testing.assert_allclose(surrogate_p((scores + shift)[:, 0], (scores + shift)[:, 1:]), p)


def test_p_is_uniform_without_form_and_small_with():
    scores = np.random.default_rng(0).normal(size=(4000, 6))
    p = surrogate_p(scores[:, 0], scores[:, 1:])
    np.testing.assert_allclose(np.quantile(p, [0.05, 0.5, 0.95]), [0.05, 0.5, 0.95], atol=0.02)
    scores[:3, 0] += 30
    assert surrogate_p(scores[:50, 0], scores[:50, 1:])[:3] == pytest.approx(1 / 251)


def test_a_tile_or_a_surrogate_without_score_does_not_count():
    scores = np.random.default_rng(0).normal(size=(5, 4))
    scores[1, 0] = scores[2, 3] = math.nan
    p = surrogate_p(scores[:, 0], scores[:, 1:])
    assert math.isnan(p[1])
    assert np.isfinite(p[[0, 2, 3, 4]]).all()
    with pytest.raises(UsageError, match="compared with 2 or more surrogates, not 1"):
        surrogate_p(scores[:, 0], scores[:, 1:2])
