"""Tests of what is known at a place, and of how near a list of places is to what is known."""

from __future__ import annotations

import numpy as np
import pytest

from skykin.catalogue.known import known_at, nebulae
from skykin.core.sphere import directions, separation_deg, spread_out
from skykin.evaluation.near_listed import NearListed, near_listed, reached
from skykin.evaluation.tile_centres import TileCentres

SKY = TileCentres.healpix(16)


def test_the_orion_nebula_is_known_once_by_its_name():
    found = known_at(209.0, -19.4, 0.3)
    assert (found[0].name, found[0].kind, found[0].listed) == ("Orion Nebula", "H II complex", "regions")
    assert found[0].separation_deg == pytest.approx(0.02, abs=0.01)
    assert "Sh2-281" not in {each.name for each in found}


def test_all_lists_are_asked():
    at = {
        "Rosette Nebula": (206.3, -2.1),
        "NGC 224 (Andromeda Galaxy)": (121.2, -21.6),
        "NGC 104": (305.9, -44.9),
        "RCW 20": (254.7, 0.2),
        "Sh2-103 (Cygnus Loop)": (74.0, -8.5),
        "Sh2-27 (Zeta Ophiuchi Nebula)": (6.29, 23.58),
    }
    for name, place in at.items():
        assert name in {each.name for each in known_at(*place, 0.2)}, name


def test_objects_come_nearest_first_and_large_ones_reach_far():
    found = known_at(209.0, -17.0, 3.0)
    away = [each.separation_deg for each in found]
    assert away == sorted(away)
    # The whole complex holds the place, though its centre is 8° away.
    wide = known_at(209.0, -11.0, 0.1)
    assert any(each.name == "Orion Molecular Cloud Complex" for each in wide)
    assert wide[-1].separation_deg > 3
    assert all(each.around for each in wide)
    assert not any(each.around for each in known_at(209.0, -11.0, 5.0) if each.separation_deg < 5)


def test_an_empty_place_has_nothing():
    assert known_at(60.0, 70.0, 1.0) == ()


def test_nebulae_are_those_that_form_stars():
    lon, lat = nebulae()
    assert 300 < len(lon) < 700
    assert separation_deg(lon, lat, 209.01, -19.38).min() < 0.05
    assert separation_deg(lon, lat, 121.17, -21.57).min() > 3  # M31
    assert separation_deg(lon, lat, 6.29, 23.58).min() > 3  # ζ Oph


def test_a_list_that_is_the_catalogue_is_near_it_and_rotated_it_is_not():
    objects = np.array([10.0, 100.0, 250.0]), np.array([5.0, -40.0, 60.0])
    found = near_listed(objects, objects, SKY, np.ones(len(SKY), bool), rotations=7)
    assert (found.places, found.share, found.rotated, found.high) == (3, 1.0, 0.0, 0.0)
    assert found.p == 1 / 8
    assert NearListed.from_dict(found.to_dict()) == found


def test_objects_with_a_place_within_reach_are_counted():
    objects = np.array([10.0, 100.0, 250.0]), np.array([5.0, -40.0, 60.0])
    places = np.array([13.0, 99.0]), np.array([5.0, -40.0])
    usable = np.ones(len(SKY), bool)
    assert reached(places, objects, np.array([4.0, 0.5, 9.0]), SKY, usable, rotations=7) == (1, 0.0)
    assert reached(places, objects, np.array([2.0, 0.8, 9.0]), SKY, usable, rotations=7) == (1, 0.0)


def test_a_list_that_follows_latitude_alone_does_as_its_rotations():
    """Objects all around a parallel: any place of that latitude is near one."""
    objects = np.arange(0.0, 360.0, 1.0), np.full(360, 20.0)
    places = np.array([3.0, 77.0]), np.array([20.0, 20.0])
    found = near_listed(places, objects, SKY, np.ones(len(SKY), bool))
    assert (found.share, found.rotated, found.p) == (1.0, 1.0, 1.0)


def test_rotated_places_off_the_map_and_at_the_reference_are_left_out():
    objects = np.array([10.0, 190.0]), np.array([0.0, 0.0])
    place = np.array([10.0]), np.array([0.0])
    half = separation_deg(SKY.lon_deg, SKY.lat_deg, 190.0, 0.0) > 20
    everywhere = near_listed(place, objects, SKY, np.ones(len(SKY), bool), rotations=1)
    assert everywhere.rotated == 1.0
    assert np.isnan(near_listed(place, objects, SKY, half, rotations=1).rotated)


def test_places_are_spread_out_best_first():
    centres = directions(np.array([0.0, 1.0, 3.0, 3.5, 90.0]), np.zeros(5))
    assert spread_out(centres, 2.0, 10) == [0, 2, 4]
    assert spread_out(centres, 0.5, 10) == [0, 1, 2, 3, 4]
    assert spread_out(centres, 2.0, 2) == [0, 2]
    # A distance too small to tell apart keeps each place once.
    assert spread_out(centres, 1e-7, 10) == [0, 1, 2, 3, 4]
