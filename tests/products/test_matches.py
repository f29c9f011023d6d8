"""The matching part of the sky as regions and as coverage map, measured by counting random points."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from mocpy import MOC
from regions import PolygonSkyRegion, Regions

from skykin.core.footprint import Footprint
from skykin.products.matches import coverage_map, write_coverage_map, write_regions
from tests import kinds

POINTS = 300_000


@pytest.fixture(scope="module")
def result():
    return kinds.made_up_result(threshold=0.75)


@pytest.fixture(scope="module")
def everywhere():
    rng = np.random.default_rng(20)
    lon, lat = rng.uniform(0, 360, POINTS), np.degrees(np.arcsin(rng.uniform(-1, 1, POINTS)))
    return SkyCoord(lon * u.deg, lat * u.deg, frame="galactic")


def within(footprint, count=40_000):
    """Random points around a footprint, evenly spread, and the share of the sky that they stand for."""
    rng = np.random.default_rng(5)
    reach = np.cos(np.radians(min(0.75 * np.hypot(footprint.width_deg, footprint.height_deg), 180)))
    z = rng.uniform(reach, 1, count)
    angle = rng.uniform(0, 360, count) * u.deg
    around = footprint.center.directional_offset_by(angle, np.degrees(np.arccos(z)) * u.deg)
    return around, (1 - reach) / 2


@pytest.mark.parametrize(
    "footprint",
    [
        Footprint(0.0, 0.0, 15.0),
        Footprint(30.0, 88.0, 15.0),
        Footprint(123.0, -90.0, 20.0),
        Footprint(359.5, 45.0, 60.0, 30.0),
        Footprint(10.0, 75.0, 40.0, 20.0, "CAR"),
        Footprint(350.0, 80.0, 60.0, 20.0, "CAR"),
        Footprint(200.0, -20.0, 2.0),
    ],
)
def test_the_coverage_map_holds_a_footprint_with_its_area_right_to_a_hundredth(footprint):
    points, share = within(footprint)
    inside = footprint.contains(points)
    moc = coverage_map([footprint])
    held = moc.contains_lonlat(points.icrs.ra, points.icrs.dec)
    assert held[inside].all()
    assert (held & ~inside).sum() < 0.01 * inside.sum()
    assert moc.sky_fraction == pytest.approx(share * inside.mean(), rel=0.03)  # as exact as the counting


def test_the_coverage_map_of_a_rectangle_has_the_area_of_the_formula():
    moc = coverage_map([Footprint(0.0, 0.0, 200.0, 100.0, "CAR")])
    assert moc.sky_fraction == pytest.approx(200 / 360 * np.sin(np.radians(50)), rel=0.01)
    gnomonic = 4 * np.arcsin(np.sin(np.radians(7.5)) ** 2)  # solid angle of a square pyramid
    assert coverage_map([Footprint(77.0, 33.0, 15.0)]).sky_fraction == pytest.approx(
        gnomonic / (4 * np.pi), rel=0.01
    )


def test_the_whole_sky_and_nothing_are_coverage_maps_too():
    assert coverage_map([Footprint(0.0, 0.0, 360.0, 180.0, "CAR")]).sky_fraction == 1.0
    assert coverage_map([]).sky_fraction == 0.0


def test_the_written_map_is_the_union_of_the_matches(result, everywhere, tmp_path):
    write_coverage_map(result, tmp_path / "matches.moc.fits")
    moc = MOC.load(tmp_path / "matches.moc.fits", format="fits")
    inside = np.zeros(POINTS, dtype=bool)
    for footprint in result.matching:
        inside |= footprint.contains(everywhere)
    held = moc.contains_lonlat(everywhere.icrs.ra, everywhere.icrs.dec)
    assert held[inside].all()
    assert (held & ~inside).sum() < 0.01 * inside.sum()
    assert len(result.matching) == 12
    assert result.coverage_map == moc


def test_the_coverage_map_carries_the_stamp_and_checksums(result, tmp_path):
    write_coverage_map(result, tmp_path / "matches.moc.fits")
    with fits.open(tmp_path / "matches.moc.fits", checksum=True) as hdus:
        header = hdus[1].header
        assert hdus[1].verify_checksum() == 1
        assert (header["COORDSYS"], header["SURVEY"], header["MATCH"]) == ("C", "blobs", "score 0.75 or more")
        assert "funded by nobody" in " ".join(header["COMMENT"])


def test_ds9_regions_are_the_best_non_overlapping_matches_then_the_reference(result, tmp_path):
    write_regions(result, tmp_path / "matches.reg")
    read = Regions.read(tmp_path / "matches.reg", format="ds9")
    assert all(isinstance(region, PolygonSkyRegion) for region in read)
    apart = []
    for footprint in result.matching:
        if all(footprint.center.separation(other.center).deg >= 15 * np.sqrt(2) for other in apart):
            apart.append(footprint)
    assert len(result.matching) == 12
    assert len(read) == len(apart) + 1 == 6
    for region, footprint in zip(read, [*apart, result.reference], strict=True):
        corners = footprint.outline()
        away = [region.vertices.separation(corner).deg.min() for corner in corners]
        assert max(away) < 1e-5
    assert [region.visual["facecolor"] for region in read[-2:]] == ["orange", "cyan"]
    assert read[-1].meta["text"] == "Orion"
    assert float(read[0].meta["text"]) == pytest.approx(result.scores.max(), abs=5e-4)


def test_ds9_regions_say_galactic_and_carry_the_stamp(result, tmp_path):
    write_regions(result, tmp_path / "matches.reg")
    lines = (tmp_path / "matches.reg").read_text(encoding="ascii").splitlines()
    assert lines[0].startswith("# Region file format: DS9")
    assert "galactic" in lines
    assert f"# survey.sha256 = {'ab' * 32}" in lines
    assert any(line.startswith("# Acknowledgement: The survey of the made-up Halpha") for line in lines)


@pytest.mark.parametrize(
    "footprint",
    [Footprint(0.0, 70.0, 60.0, 30.0, "CAR"), Footprint(180.0, 40.0, 60.0), Footprint(5.0, 85.0, 15.0)],
)
def test_straight_lines_between_the_polygons_corners_stay_within_a_tenth_of_a_degree(footprint, tmp_path):
    result = kinds.made_up_result(query=kinds.query(("Orion", footprint)), threshold=2.0)
    write_regions(result, tmp_path / "matches.reg")
    corners = Regions.read(tmp_path / "matches.reg", format="ds9")[0].vertices
    middle = SkyCoord(
        (corners.cartesian + corners[np.arange(1, len(corners) + 1) % len(corners)].cartesian),
        frame="galactic",
    )
    edge = footprint.outline(2000)
    assert max(point.separation(edge).deg.min() for point in middle) < 0.1


def test_a_map_without_matches_still_shows_the_reference(tmp_path):
    result = kinds.made_up_result(threshold=2.0)
    write_regions(result, tmp_path / "matches.reg")
    write_coverage_map(result, tmp_path / "matches.moc.fits")
    assert len(Regions.read(tmp_path / "matches.reg", format="ds9")) == 1
    assert MOC.load(tmp_path / "matches.moc.fits", format="fits").empty()


def test_a_name_cannot_break_out_of_the_region_file(tmp_path):
    result = kinds.made_up_result(
        query=kinds.query(('x} # text={y\ncircle(0,0,9) ; "', Footprint(209.0, -19.0, 15.0))), threshold=2.0
    )
    write_regions(result, tmp_path / "matches.reg")
    read = Regions.read(tmp_path / "matches.reg", format="ds9")
    assert len(read) == 1
    assert isinstance(read[0], PolygonSkyRegion)
