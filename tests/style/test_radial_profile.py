"""The profile of a tile from its centre outwards: values written out, and both engines alike."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skykin.core.errors import UsageError
from skykin.style.recipe import recipe
from skykin.style.signature import Signature, Standardisation
from skykin.style.statistics.core_contrast import core_contrast
from skykin.style.statistics.core_spread import core_spread
from skykin.style.statistics.gram import gram
from skykin.style.statistics.radial_profile import radial_profile
from skykin.style.statistics.statistic import Statistic, ring_masks
from skykin.style.whitening import Whitening

CHOSEN = recipe("radial-profile")
features = arrays(np.float32, (2, 16, 16), elements=st.floats(0, 4096, width=16))


def test_rings_and_spread_written_out():
    values = np.zeros((2, 8, 8), np.float32)
    values[0, 3:5, 3:5] = 16.0  # the core alone: 4 of 64 positions, so the mean is 1
    values[1, 0] = 8.0  # the first row: 8 of the 28 positions of the outermost ring
    spread = [np.sqrt(16**2 * 4 / 64 - 1), np.sqrt(8**2 * 8 / 64 - 1)]
    expected = [16 - 1, -1, 0 - 1, -1, 0 - 1, -1, 0 - 1, 8 * 8 / 28 - 1, *spread]
    assert radial_profile(values) == pytest.approx(expected, abs=1e-5)


@given(features)
def test_a_profile_of_the_core_alone_is_its_first_ring_and_the_spread(values):
    scale = float(np.abs(values).max(initial=1.0))
    expected = radial_profile(values)[[0, 1, 8, 9]]
    assert core_spread(values) == pytest.approx(expected, abs=4e-6 * scale)


def test_every_position_lies_in_one_ring():
    masks = ring_masks((8, 8), radial_profile.rings)
    assert [int(mask.sum()) for mask in masks] == [4, 12, 20, 28]
    assert (masks.sum(axis=0) == 1).all()


@given(features)
def test_the_first_ring_is_the_contrast_of_the_core(values):
    scale = float(np.abs(values).max(initial=1.0))
    assert radial_profile(values)[:2] == pytest.approx(core_contrast(values), abs=4e-6 * scale)


@given(features, st.integers(1, 3))
def test_quarter_turns_change_nothing(values, turns):
    scale = float(np.abs(values).max(initial=1.0))
    turned = np.rot90(values, turns, axes=(1, 2))
    assert radial_profile(turned) == pytest.approx(radial_profile(values), rel=1e-4, abs=1e-5 * scale)


def test_masked_positions_do_not_count_and_a_masked_ring_has_no_style():
    values, weights = np.ones((1, 8, 8), np.float32), np.ones((8, 8), np.float32)
    values[0, 3, 3], weights[3, 3] = 1e6, 0
    assert radial_profile(values, weights) == pytest.approx([0] * 5, abs=1e-6)
    weights[3:5, 3:5] = 0
    assert np.isnan(radial_profile(values, weights)[0])


def test_both_ways_to_divide_a_profile_among_positions_add_up_to_it():
    rng = np.random.default_rng(7)
    values, share = rng.random((3, 16, 16)), rng.random((16, 16))
    share /= share.sum()
    direction = rng.normal(size=15)
    whole = radial_profile(values.astype(np.float32), share.astype(np.float32)) @ direction
    for found in (
        radial_profile.by_position(values, share, direction),
        Statistic.by_position(radial_profile, values, share, direction),
    ):
        assert np.sum(share * found) == pytest.approx(whole, abs=1e-5)


def test_standardised_numbers_lie_along_directions_each_divided_by_the_root_of_its_spread():
    rng = np.random.default_rng(4)
    # Four blocks share two directions, in which they differ by 9 and by 1; the fifth has its own.
    along = rng.normal(size=(400, 5, 2)) * [9, 1]
    axes = np.linalg.qr(rng.normal(size=(6, 6)))[0][:2]
    sample = [Signature({"layer": row.ravel()}) for row in (along @ axes).astype(np.float32)]
    standard = Standardisation(
        Signature({"layer": np.zeros(30)}), Signature({"layer": np.ones(30)}), len(sample)
    ).whitened(sample, radial_profile.blocks, 2)
    found = np.stack([standard.apply(each)["layer"] for each in sample]).reshape(400, 5, 2)
    spread = np.sqrt(np.mean(found[:, :4] ** 2, axis=(0, 1)))
    assert spread == pytest.approx([3, 1], rel=0.1)
    assert standard.width("layer") == 10
    assert CHOSEN.directions == 128


@given(st.integers(0, 9))
def test_to_go_back_from_directions_keeps_products(seed):
    rng = np.random.default_rng(seed)
    whitening = Whitening.fit(rng.normal(size=(40, 5 * 12)), (4, 1), 7)
    numbers, vector = rng.normal(size=60), rng.normal(size=whitening.width)
    assert whitening.along(numbers) @ vector == pytest.approx(
        numbers @ whitening.back(vector), rel=1e-4, abs=1e-4
    )


def test_a_recipe_without_standard_has_no_directions():
    with pytest.raises(UsageError, match="has directions 8; use a number above 0, and compare relative to"):
        replace(CHOSEN, standardised=False, directions=8)
    with pytest.raises(UsageError, match="has directions, which gram has not; leave them out"):
        replace(CHOSEN, statistic=gram)
