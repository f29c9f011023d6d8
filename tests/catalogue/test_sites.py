"""Tests of observatories, of what an observer chooses, and of how high places rise."""

from __future__ import annotations

import socket
from datetime import date

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord, get_sun
from astropy.time import Time
from astropy.utils import iers

from skykin.catalogue.sites import Site, known_sites, site_of
from skykin.catalogue.target_choice import TargetChoice
from skykin.core.errors import UnknownNameError, UsageError
from skykin.evaluation.visibility import DARK_SUN_DEG, LOWEST_DEG, visibility

NIGHT = date(2026, 1, 15)
#: Orion Nebula, Carina, Polaris, Sigma Octantis.
PLACES = np.array([[83.82, -5.39], [161.27, -59.68], [37.95, 89.26], [317.2, -88.96]])


@pytest.mark.parametrize("name", ["Paranal", "cerro paranal", "VLT", " v.l.t. "])
def test_an_observatory_has_several_names(name):
    assert site_of(name) == Site("Paranal", -24.63, -70.40, 2640)


def test_accents_do_not_matter():
    assert site_of("Cerro Pachon").name == "Cerro Pachón"


def test_a_position_is_a_site():
    assert site_of("52.4, 13.1, 80") == Site("52.4,13.1,80", 52.4, 13.1, 80.0)
    assert site_of("52.4,13.1").height_m == 0
    assert site_of("52.4,13.1").words == "52.4,13.1 (52.40° N, 13.10° E)"


def test_every_site_is_named_once_and_lies_on_the_earth():
    names = [
        name.strip().casefold()
        for row in known_sites().filled("")
        for name in (row["name"], *str(row["aliases"]).split(";"))
        if name.strip()
    ]
    assert len(names) == len(set(names)) > 100
    assert all(site_of(name) for name in names)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Paranall", r"no observatory is called 'Paranall'; did you mean Paranal\? Otherwise give latitude,"),
        ("my garden", "no observatory is called 'my garden'; give one such as Paranal, or latitude,longit"),
    ],
)
def test_an_unknown_site_is_one_sentence(text, told):
    with pytest.raises(UnknownNameError, match=told):
        site_of(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("95,10,0", "no observatory lies at latitude 95°, longitude 10°, height 0 m; give"),
        ("nan,10,0", "no observatory lies at latitude nan°, longitude 10°"),
        ("1,2,3,4", "the site '1,2,3,4' has 4 numbers; give latitude,longitude,height"),
        ("12", "the site '12' has 1 numbers; give latitude,longitude,height"),
    ],
)
def test_a_position_off_the_earth_is_one_sentence(text, told):
    with pytest.raises(UsageError, match=told):
        site_of(text)


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({"targets": 0}, "targets is '0', but it must be a whole number from 1 to 10000; the default is 50"),
        ({"targets": 2.5}, "targets is '2.5', but it must be a whole number"),
        ({"min_separation": -3}, "min_separation is '-3', but it must be above 0° and at most 180°; the def"),
        ({"min_separation": float("nan")}, "min_separation is 'nan', but it must be above 0°"),
        ({"site": "nowhere", "night": "2026-01-15"}, "no observatory is called 'nowhere'"),
        ({"site": "VLT", "night": "yesterday"}, "night is 'yesterday', but it must be a date from 1900"),
        ({"site": "VLT", "night": "2026-02-30"}, "night is '2026-02-30', but it must be a date"),
        ({"site": "VLT", "night": "9999-01-01"}, "night is '9999-01-01', but it must be a date from 1900"),
        ({"site": "VLT"}, "site is 'Paranal', but it tells nothing without --night; give both"),
        ({"night": "2026-01-15"}, "night is '2026-01-15', but it tells nothing without --site; give both"),
    ],
)
def test_a_wrong_choice_is_one_sentence(chosen, told):
    with pytest.raises(UsageError, match=told):
        TargetChoice(**chosen)


def test_a_choice_becomes_plain_values_and_back():
    choice = TargetChoice(targets=7, min_separation=90 * u.arcmin, site="vlt", night=NIGHT)
    assert choice.to_dict() == {
        "targets": 7, "min_separation": 1.5, "site": "Paranal", "night": "2026-01-15",
    }  # fmt: skip
    assert TargetChoice.from_dict(choice.to_dict()) == choice
    assert TargetChoice(site="52.4,13.1,80", night=NIGHT).observatory.lat_deg == 52.4
    assert (choice.observatory.lon_deg, choice.evening) == (-70.40, NIGHT)


@pytest.mark.parametrize("name", ["Paranal", "Kitt Peak"])
def test_altitudes_and_hours_are_those_of_astropy(name):
    site = site_of(name)
    found = visibility(*PLACES.T, lat_deg=site.lat_deg, lon_deg=site.lon_deg, night=NIGHT)
    where = EarthLocation(lat=site.lat_deg * u.deg, lon=site.lon_deg * u.deg, height=site.height_m * u.m)
    noon = Time(f"{NIGHT} 12:00:00") - site.lon_deg / 360 * u.day
    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("iers_degraded_accuracy", "ignore"):
        frame = AltAz(obstime=noon + (np.arange(360) + 0.5) / 360 * u.day, location=where)
        places = SkyCoord(*PLACES.T * u.deg)
        altitude = np.array([place.transform_to(frame).alt.deg for place in places])
        dark = get_sun(frame.obstime).transform_to(frame).alt.deg < DARK_SUN_DEG
    np.testing.assert_allclose(found[0], altitude.max(axis=1), atol=0.05)
    np.testing.assert_allclose(found[1], ((altitude > LOWEST_DEG) & dark).sum(axis=1) / 15, atol=0.15)


def test_the_night_is_the_one_that_begins_on_that_evening():
    """Orion is high all night at the end of the year; six months later it is up by day."""
    orion = PLACES[:1].T
    winter, summer = (
        visibility(*orion, lat_deg=28.76, lon_deg=-17.88, night=night)[1][0]
        for night in (date(2025, 12, 15), date(2026, 6, 15))
    )
    assert 6 < winter < 9
    assert summer == 0


def test_where_it_is_never_dark_there_are_no_hours():
    altitude, hours = visibility(*PLACES.T, lat_deg=65.0, lon_deg=25.0, night=date(2026, 6, 21))
    assert altitude[2] == pytest.approx(90 - (89.38 - 65), abs=0.05)
    assert altitude[3] < 0
    assert not hours.any()


def test_nothing_is_downloaded(monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    visibility(*PLACES.T, lat_deg=0.0, lon_deg=200.0, night=date(2099, 12, 31))
