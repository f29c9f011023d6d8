"""Directions, angles and overlap on the sphere."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import angular_separation
from astropy.table import QTable
from hypothesis import given
from hypothesis import strategies as st

from skykin.core.sphere import apart, chord, directions, directions_of, reach_deg, seen_from, separation_deg

positions = st.tuples(st.floats(-360, 720), st.floats(-90, 90))


def test_directions_point_to_the_centre_the_pole_and_ninety_degrees():
    found = directions(np.array([0.0, 90.0, 123.0]), np.array([0.0, 0.0, 90.0]))
    np.testing.assert_allclose(found, [[1, 0, 0], [0, 1, 0], [0, 0, 1]], atol=1e-15)
    assert directions(10.0, 20.0).shape == (3,)
    tiles = QTable({"lon": [0, 90] * u.deg, "lat": [0, 0] * u.deg})
    np.testing.assert_allclose(directions_of(tiles), found[:2], atol=1e-15)


@given(positions, positions)
def test_separations_are_those_of_astropy(one, other):
    expected = np.degrees(angular_separation(*np.radians([*one, *other])))
    assert separation_deg(*one, *other) == pytest.approx(expected, rel=1e-12, abs=2e-6)


@given(positions, st.floats(1e-9, 1e-3))
def test_small_separations_are_exact(place, step):
    lon, lat = place
    north = lat - step if lat > 0 else lat + step
    assert separation_deg(lon, lat, lon, north) == pytest.approx(abs(north - lat), rel=1e-9)


@pytest.mark.parametrize("distance_deg", [1e-3, 0.3, 21.2, 90.0, 127.0, 180.0])
def test_what_lies_exactly_so_far_away_is_apart_and_what_is_a_little_nearer_is_not(distance_deg):
    here = directions(np.array([17.0]), np.array([0.0]))
    there = directions(17.0 + distance_deg * np.array([1, -1, 1 + 1e-12, 1 - 1e-4]), np.zeros(4))
    assert apart(here, there, distance_deg).tolist() == [[True, True, True, False]]


def test_square_tiles_overlap_up_to_their_diagonal():
    assert reach_deg(10) == pytest.approx(14.142135623730951)
    assert reach_deg(170) == 180
    assert chord(180) == chord(200) == pytest.approx(2)
    assert chord(60) == pytest.approx(1)


def test_a_place_sees_directions_in_its_own_axes():
    lon, lat = np.array([0.0, 90.0, 0.0]), np.array([30.0, 0.0, 90.0])
    found = np.stack(seen_from(np.radians(lon), np.radians(lat), np.radians(30.0)), axis=-1)
    half, root = 0.5, np.sqrt(0.75)
    np.testing.assert_allclose(found, [[0, 0, 1], [1, 0, 0], [0, root, half]], atol=1e-15)
    np.testing.assert_allclose(
        found[:, 2], np.cos(np.radians(separation_deg(lon, lat, 0.0, 30.0))), atol=1e-15
    )
