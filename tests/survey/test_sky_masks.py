"""Parts of the sky that MOCs and DS9 regions describe."""

import gzip

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st
from mocpy import MOC
from regions import Regions

from skykin.core import region_cells
from skykin.core.area import MocArea
from skykin.core.errors import (
    CorruptFileError,
    HeaderInvalidError,
    InputRefusedError,
    NotThisFormatError,
    SkyError,
    TooLargeError,
)
from skykin.core.region_cells import moc_of_regions
from skykin.survey import moc_file, sky_mask
from skykin.survey.open import open_survey
from skykin.survey.sky_mask import read_sky_mask
from tests.hostile.healpix_files import smooth_sky, write_map

RANDOM = np.random.default_rng(0)
LON = RANDOM.uniform(0, 360, 4000)
LAT = np.degrees(np.arcsin(RANDOM.uniform(-1, 1, 4000)))
SKY = SkyCoord(LON, LAT, unit="deg", frame="galactic")
ORION = SkyCoord(209, -19.4, unit="deg", frame="galactic")


def read(tmp_path, text):
    path = tmp_path / "mask.reg"
    path.write_text(text)
    return read_sky_mask(path)


@pytest.mark.parametrize("form", ["fits", "json", "ascii"])
def test_mocs_in_each_form_are_read(tmp_path, form):
    moc = MOC.from_cone(ORION.icrs.ra, ORION.icrs.dec, radius=20 * u.deg, max_depth=9)
    path = tmp_path / "mask"
    moc.save(str(path), format=form)
    mask = read_sky_mask(path)
    np.testing.assert_array_equal(mask.contains(LON, LAT), moc.contains_skycoords(SKY.icrs))
    assert mask.share == pytest.approx(moc.sky_fraction, rel=1e-6)


def assert_same(mask, moc):
    np.testing.assert_array_equal(mask.moc.to_depth29_ranges, moc.to_depth29_ranges)


CELLS = MOC.from_string("3/1 3-5 10", "ascii")


@pytest.mark.parametrize(
    "text",
    [
        "3/1 3-5 10",
        "3/1,3-5,10",
        "3/1, 3 - 5, 10\n",
        "3/1 3-5 10 8/",
        "# a comment, 1/1\n4/4-7\n3/3 4\n5 10 ",
        "3/10 1 4,5 3 3-4",
        "s3/1 3-5 10",
        "MOC 3/1,3-5,10",
        "3/1,3 3/4-5 3/10",
        '{"3": [1, 3, 4, 5, 10]}',
        '{"3": [1, 3, 10], "4": [16, 17, 18, 19, 20, 21, 22, 23], "8": []}',
        '{\n"3":[10,5,4,3,1,1]}',
    ],
)
def test_mocs_of_both_versions_and_in_any_layout_hold_the_same_cells(tmp_path, text):
    assert_same(read(tmp_path, text), CELLS)


def test_mocs_in_fits_as_tools_write_them(tmp_path):
    uniq = np.array([4 * 4**3 + cell for cell in (1, 3, 4, 5, 10)])
    for name, dtype in (("UNIQ", np.int64), ("NPIX", np.int32), ("UNIQ", np.uint64)):
        table = fits.table_to_hdu(Table({name: uniq.astype(dtype)}))
        table.header.update(PIXTYPE="HEALPIX", ORDERING="NUNIQ", COORDSYS="C")
        table.writeto(tmp_path / "a.fits", overwrite=True)
        with gzip.open(tmp_path / "a.fits.gz", "wb") as packed:
            packed.write((tmp_path / "a.fits").read_bytes())
        assert_same(read_sky_mask(tmp_path / "a.fits"), CELLS)
        assert_same(read_sky_mask(tmp_path / "a.fits.gz"), CELLS)
    table.header["COORDSYS"] = "G"
    table.writeto(tmp_path / "b.fits")
    with pytest.raises(SkyError, match="is a MOC of 'SPACE' with COORDSYS 'G', but it must be"):
        read_sky_mask(tmp_path / "b.fits")


@given(st.lists(st.tuples(st.integers(0, 29), st.integers(0, 2**62), st.integers(0, 50)), min_size=1))
def test_every_moc_is_the_union_of_its_cells_as_mocpy_has_them(parts):
    texts = []
    for order, cell, more in parts:
        count = 12 * 4**order
        texts.append(f"{order}/{cell % count}-{min(cell % count + more, count - 1)}")
    ranges = moc_file.ranges_of_text(" ".join(texts), "m")
    one, *others = (MOC.from_string(text, "ascii") for text in texts)
    expected = one.union(*others) if others else one  # mocpy itself refuses cells that overlap
    np.testing.assert_array_equal(ranges, expected.to_depth29_ranges)


def test_circles_hold_what_is_near_their_centre(tmp_path):
    mask = read(tmp_path, "# Region file format: DS9\ngalactic\ncircle(209,-19.4,20)\n")
    distance = SKY.separation(ORION).deg
    inside = mask.contains(LON, LAT)
    assert inside[distance < 19.9].all()
    assert not inside[distance > 20.1].any()


@pytest.mark.parametrize(
    ("shape", "area_deg2"), [("ellipse(209,-19.4,12,3,30)", np.pi * 36), ("box(209,-19.4,24,6,30)", 144)]
)
def test_the_angle_of_a_shape_counts_in_its_own_frame(tmp_path, shape, area_deg2):
    mask = read(tmp_path, f"galactic\n{shape}\n")
    assert mask.share * 41253 == pytest.approx(area_deg2, rel=0.05)
    # 30 degrees from longitude towards north: up to the left.
    along = ORION.directional_offset_by(60 * u.deg, [-10, 10] * u.deg)
    across = ORION.directional_offset_by(-60 * u.deg, [-10, 10] * u.deg)
    assert mask.contains(along.l.deg, along.b.deg).all()
    assert not mask.contains(across.l.deg, across.b.deg).any()


def test_shapes_add_up_and_excluded_ones_are_holes(tmp_path):
    mask = read(tmp_path, "galactic\ncircle(10,0,5)\ncircle(30,0,5)\n-circle(10,0,2)\n")
    np.testing.assert_array_equal(
        mask.contains(np.array([10.0, 10, 30, 50]), np.array([0.0, 3, 0, 0])), [False, True, True, False]
    )
    assert read(tmp_path, "galactic\n-circle(10,0,2)\n").share > 0.99


@pytest.mark.parametrize("holes", ["-circle(100,0,2)", "-circle(100,0,2)\n-circle(200,0,2)"])
def test_a_hole_elsewhere_takes_nothing_away(tmp_path, holes):
    assert read(tmp_path, f"galactic\ncircle(10,0,5)\n{holes}\n") == read(
        tmp_path, "galactic\ncircle(10,0,5)\n"
    )


@pytest.mark.parametrize("frame", ["fk5", "galactic", "fk4"])
def test_many_shapes_hold_what_each_of_them_holds(frame):
    shapes = [
        kind.format(lon, lat, size, size / 3)
        for kind in (
            "circle({0},{1},{2})",
            "annulus({0},{1},{3},{2})",
            "ellipse({0},{1},{2},{3},20)",
            "box({0},{1},{2},{3},70)",
        )
        for lon, lat, size in [(10, 0, 2.0), (359.9, 5, 0.5), (200, -89, 0.5), (83, -5, 2.0)]
    ] + ["polygon(40,10,42,10,42,13)", "polygon(50,10,52,10,52,13,50,13)", "polygon(60,10,60.01,10,60,10.01)"]
    regions = Regions.parse("\n".join([frame, *shapes]), format="ds9")
    one, *others = (moc_of_regions([each]) for each in regions)
    assert MocArea(moc_of_regions(regions)) == MocArea(one.union(*others))


def test_cells_of_circles_are_those_of_mocpy(tmp_path):
    mask = read(tmp_path, "icrs\ncircle(10,-20,0.1)\ncircle(83.8,-5.4,3)\n")
    small = MOC.from_cone(10 * u.deg, -20 * u.deg, radius=0.1 * u.deg, max_depth=16)
    large = MOC.from_cone(83.8 * u.deg, -5.4 * u.deg, radius=3 * u.deg, max_depth=12)
    assert mask == MocArea(small.union(large))


def test_very_many_circles_are_covered_fast_and_hold_hardly_more(tmp_path, monkeypatch):
    monkeypatch.setattr(region_cells, "MANY", 3)
    lines = [f"circle({lon},{-20 + lon},0.3)" for lon in range(5)]
    few, many = (
        moc_of_regions(Regions.parse("\n".join(["icrs", *some]), format="ds9")) for some in (lines[:2], lines)
    )
    each = [
        MOC.from_cone(lon * u.deg, (lon - 20) * u.deg, radius=0.3 * u.deg, max_depth=14) for lon in range(5)
    ]
    exact = each[0].union(*each[1:])
    assert few == each[0].union(each[1])
    assert exact.difference(many).sky_fraction == 0
    assert 1 < many.sky_fraction / exact.sky_fraction < 1.003
    shapes = "\n".join(["ellipse(10,20,0.2,0.1,30)"] * 4000)
    with pytest.raises(
        TooLargeError, match="the 4000 shapes of 'mask.reg' would take about 36 s, but at most"
    ):
        read(tmp_path, f"icrs\n{shapes}\n")


def test_j12_a_polygon_over_the_pole_and_the_seam_has_its_area(tmp_path):
    corners = ",".join(f"{lon},80" for lon in range(0, 360, 10))
    mask = read(tmp_path, f"fk5\npolygon({corners})\n")
    inside = np.mean(SkyCoord(LON, LAT, unit="deg", frame="galactic").icrs.dec.deg > 80)
    assert mask.share == pytest.approx((1 - np.sin(np.radians(80))) / 2, rel=0.01)
    assert mask.contains(LON, LAT).mean() == pytest.approx(inside, rel=0.1)
    seam = read(tmp_path, "galactic\npolygon(350,-10,10,-10,10,10,350,10)\n")
    np.testing.assert_array_equal(
        seam.contains(np.array([0.0, 359, 355, 20, 340]), np.zeros(5)), [True, True, True, False, False]
    )


def test_j12_a_self_crossing_polygon_holds_a_part_of_its_hull(tmp_path):
    mask = read(tmp_path, "galactic\npolygon(0,0,10,10,10,0,0,10)\n")
    assert 0 < mask.share * 41253 <= 101


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("image\ncircle(100,100,20)\n", SkyError, "are in pixels of an image"),
        ("hello, world\n", NotThisFormatError, "is no MOC and holds no DS9 regions"),
        ("galactic\nline(1,2,3,4)\n", InputRefusedError, "holds a 'LineSkyRegion', which has no area"),
        ("0/\n", InputRefusedError, "holds no sky"),
        ("{", CorruptFileError, "cannot be read"),
        ('{"type": "Feature"}', NotThisFormatError, "is JSON but no MOC"),
        ("3/1 3000", HeaderInvalidError, "has the cell '3000' of order 3, which has the cells 0 to 767"),
        ("30/1", HeaderInvalidError, "has the order '30', but orders run from 0 to 29"),
        ("3/5-1", HeaderInvalidError, "has the range 5-1, which runs backwards"),
        ("t61/1 3 5", SkyError, "is a MOC of times or frequencies"),
        ("t61/1 3 5 s3/1", SkyError, "is a MOC of times or frequencies"),
        ("galactic\n" + "circle 1 1 1\n" * 10_001, TooLargeError, "has more than 10000 shapes"),
        ("galactic;" + "circle(1,1,1);" * 10_001, TooLargeError, "has more than 10000 shapes"),
        (f"galactic\npolygon({'1,2,3,1,' * 1001}1,1)", TooLargeError, "has a polygon of 2003 corners, but"),
        (f"galactic\npolygon({'1,2,' * 60_000}1,1)", TooLargeError, "have 120002 numbers, but at most 1000"),
        ("galactic\n" + "circle(1,1,1)\n" * 10_001, TooLargeError, "has more than 10000 shapes"),
    ],
)
def test_files_that_are_no_masks_are_refused(tmp_path, text, error, sentence):
    with pytest.raises(error, match=sentence):
        read(tmp_path, text)


def test_masks_that_are_folders_or_too_large_are_refused(tmp_path, monkeypatch):
    with pytest.raises(NotThisFormatError, match="is not a regular file"):
        read_sky_mask(tmp_path)
    monkeypatch.setattr(sky_mask, "MOST_BYTES", 10)
    with pytest.raises(TooLargeError, match="has 23 bytes, but at most 10 are read"):
        read(tmp_path, "galactic\ncircle(1,1,1)\n")


def test_a_masked_survey_is_covered_inside_only(tmp_path):
    path = write_map(tmp_path / "map.fits", {"I": smooth_sky(32)})
    (tmp_path / "mask.reg").write_text("galactic\ncircle(209,-19.4,20)\n")
    whole, part = open_survey(path), open_survey(path, mask=tmp_path / "mask.reg")
    values, coverage = part.sample(LON, LAT)
    near = SKY.separation(ORION).deg < 19
    np.testing.assert_array_equal(values[near], whole.sample(LON, LAT)[0][near])
    assert coverage[near].all()
    assert not coverage[SKY.separation(ORION).deg > 21].any()
    assert part.extent.distance_deg(209.0, -19.4) < 1
    assert 20 < part.extent.radius_deg < 23
    assert part.to_dict()["mask"]["file"] == "mask.reg"
    assert part.to_dict()["mask"]["share"] == pytest.approx(0.0302, rel=0.01)
    assert (part.name, part.title, part.unit, part.bands) == (
        whole.name,
        whole.title,
        whole.unit,
        whole.bands,
    )
    assert (part.source, part.credits) == (whole.source, whole.credits)
    assert part.beam_deg == whole.beam_deg


def test_the_whole_sky_is_the_extent_of_a_large_part(tmp_path):
    assert read(tmp_path, "galactic\n-circle(10,0,2)\n").extent().is_all_sky


@pytest.mark.parametrize(
    ("frame", "unit", "per_deg"), [("galactic", "", 1), ("fk5", "'", 60), ("icrs", '"', 3600)]
)
def test_plain_circles_have_the_cells_that_the_package_regions_gives_them(frame, unit, per_deg):
    random = np.random.default_rng(3)
    rows = zip(random.uniform(0, 360, 6), random.uniform(-89, 89, 6), random.uniform(0.1, 2, 6), strict=True)
    text = f"global color=green\n{frame}\n" + "\n".join(
        f"circle({lon:.5f},{lat:.5f},{radius * per_deg:.4f}{unit}) # text={{a;b}}"
        for lon, lat, radius in rows
    )
    assert sky_mask._circles(text) == moc_of_regions(Regions.parse(text, format="ds9"))
    for other in (
        "-circle(1,2,3)",
        "circle(1,2,3,4)",
        "circle(1:2:3,2,3)",
        "box(1,2,3,4,0)",
        "circle(1,95,1)",
    ):
        assert sky_mask._circles(f"{text}\n{other}") is None
