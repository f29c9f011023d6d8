"""Tables of pointings as surveys, good ones and those of section J of the hostile corpus."""

import http.server
import threading
import time
from itertools import cycle

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import AltAz, SkyCoord
from astropy.io.votable.tree import Resource, VOTableFile
from astropy.io.votable.tree import TableElement as VOTableTable
from astropy.table import QTable, Table
from astropy.time import Time
from astropy_healpix import HEALPix

from skykin.catalogue.user_catalogue import read_catalogue
from skykin.core.errors import (
    CorruptFileError,
    DataQualityError,
    HeaderInvalidError,
    RemoteError,
    SkyError,
    TooLargeError,
    UnknownNameError,
    UsageError,
)
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Survey
from skykin.survey.open import open_survey
from skykin.survey.table import file as table_file
from skykin.survey.table.votable_check import check_votable
from tests.hostile.healpix_files import smooth_value

GRID = HEALPix(8, order="ring")
LON, LAT = (angle.deg for angle in GRID.healpix_to_lonlat(np.arange(GRID.npix)))
RANDOM = np.random.default_rng(0)
SOME_LON = RANDOM.uniform(0, 360, 100)
SOME_LAT = np.degrees(np.arcsin(RANDOM.uniform(-1, 1, 100)))
ENDS = {"fits": "fits", "ecsv": "ascii.ecsv", "xml": "votable", "parquet": "parquet"}


class Listener(SilentProgress):
    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)


def opened(path, **options):
    listener = Listener()
    return open_survey(path, progress=listener, **options), listener.said


def sky(**more):
    return Table(
        {"l": LON, "b": LAT, "intensity": smooth_value(LON, LAT)} | more,
        units={"l": "deg", "b": "deg", "intensity": "R"},
    )


def write(table, path):
    table.write(path, format=ENDS[path.suffix[1:]])
    return path


def check_sky(survey, atol=0.35):
    values, coverage = survey.sample(SOME_LON, SOME_LAT)
    np.testing.assert_allclose(values[:, 0], smooth_value(SOME_LON, SOME_LAT), atol=atol)
    assert coverage.min() > 0.9


@pytest.mark.parametrize("end", [end for end in ENDS if end != "parquet"])
def test_every_form_of_table_shows_the_sky(tmp_path, end):
    check_form(tmp_path, end)


@pytest.mark.parametrize(
    ("frame", "end"),
    [("galactic", "ecsv"), ("icrs", "ecsv"), ("fk4", "ecsv"), ("galactic", "fits"), ("fk4", "fits")],
)
def test_a_table_of_coordinates_and_times_shows_the_sky(tmp_path, frame, end):
    position = SkyCoord(LON, LAT, unit="deg", frame="galactic").transform_to(frame)
    when = Time(58000 + np.arange(len(LON)), format="mjd")
    table = QTable({"when": when, "where": position, "flux": smooth_value(LON, LAT) * u.Jy})
    survey, said = opened(write(table, tmp_path / f"a.{end}"), beam_deg=7.5)
    check_sky(survey)
    assert (survey.unit, said) == ("Jy", [])


def test_parts_of_coordinates_whose_frame_was_lost_are_known_by_their_names(tmp_path):
    place = SkyCoord(LON, LAT, unit="deg", frame="galactic").icrs
    table = Table({"star.ra": place.ra.deg, "star.dec": place.dec.deg, "flux": smooth_value(LON, LAT)})
    check_sky(opened(write(table, tmp_path / "a.fits"), beam_deg=7.5)[0])


def test_coordinates_that_need_an_observatory_are_refused(tmp_path):
    table = QTable({"where": SkyCoord(LON, LAT, unit="deg", frame="cirs"), "flux": LAT})
    table["where"] = SkyCoord(AltAz(az=LON * u.deg, alt=LAT * u.deg))
    with pytest.raises(
        SkyError, match="column 'where' of 'a.ecsv' holds positions in the frame 'altaz', which"
    ):
        opened(write(table, tmp_path / "a.ecsv"), beam_deg=7.5)


CATALOGUE_COLUMNS = [
    ("ALPHA_J2000", "DELTA_J2000", "icrs", "deg"),  # SExtractor
    ("ALPHAWIN_J2000", "DELTAWIN_J2000", "icrs", ""),
    ("RAdeg", "DEdeg", "icrs", "deg"),  # CDS tables
    ("RA(J2000)", "DEC(J2000)", "icrs", "deg"),
    ("RA_ICRS", "DE_ICRS", "icrs", "deg"),  # VizieR
    ("_RAJ2000", "_DEJ2000", "icrs", "deg"),
    ("RA2000", "DEC2000", "icrs", ""),
    ("raMean", "decMean", "icrs", ""),  # Pan-STARRS
    ("coord_ra", "coord_dec", "icrs", "rad"),  # LSST
    ("RightAscension", "Declination", "icrs", "deg"),
    ("RAJ2000_deg", "DEJ2000_deg", "icrs", ""),
    ("RA_TARG", "DEC_TARG", "icrs", "deg"),  # HST
    ("mean_ra", "mean_dec", "icrs", ""),
    ("RA_1", "DEC_1", "icrs", ""),  # joined by TOPCAT
    ("psfRA", "psfDec", "icrs", ""),
    ("GLON", "GLAT", "galactic", "deg"),
    ("gal_l", "gal_b", "galactic", ""),
    ("LII", "BII", "galactic", "deg"),  # HEASARC
    ("ecl_lon", "ecl_lat", "barycentricmeanecliptic", "deg"),  # Gaia
]


@pytest.mark.parametrize(("x", "y", "frame", "unit"), CATALOGUE_COLUMNS)
def test_columns_of_the_large_catalogues_are_known(tmp_path, x, y, frame, unit):
    place = SkyCoord(LON, LAT, unit="deg", frame="galactic").transform_to(frame).spherical
    angle = unit or "deg"
    columns = {x: place.lon.to_value(angle), y: place.lat.to_value(angle), "flux": smooth_value(LON, LAT)}
    table = Table(columns, units={x: unit, y: unit})
    survey, said = opened(write(table, tmp_path / "a.fits"), beam_deg=7.5)
    check_sky(survey)
    assert said == []


def test_positions_in_a_second_frame_and_errors_are_no_values(tmp_path):
    place = SkyCoord(LON, LAT, unit="deg", frame="galactic").icrs
    table = sky(RAJ2000=place.ra.deg, DEJ2000=place.dec.deg, FLUXERR_AUTO=LAT, e_flux=LAT)
    survey, said = opened(write(table, tmp_path / "a.fits"), beam_deg=7.5)
    check_sky(survey)
    assert (survey.bands[0], said) == ("intensity", [])


def test_of_two_pairs_of_positions_none_is_guessed_and_motions_are_no_positions(tmp_path):
    place = SkyCoord(LON, LAT, unit="deg", frame="galactic").icrs
    table = sky(RA_1=place.ra.deg, DEC_1=place.dec.deg, RA_2=place.ra.deg + 1, DEC_2=place.dec.deg)
    table.remove_columns(["l", "b"])
    with pytest.raises(HeaderInvalidError, match="2 pairs of columns with positions are found in 'a.fits'"):
        opened(write(table, tmp_path / "a.fits"))
    table.rename_columns(["RA_2", "DEC_2"], ["pm_RA", "pm_DEC"])
    survey, _ = opened(
        write(table, tmp_path / "b.fits"), beam_deg=7.5, columns=("RA_1", "DEC_1", "intensity")
    )
    check_sky(survey)
    table.remove_columns(["RA_1", "DEC_1"])
    with pytest.raises(HeaderInvalidError, match="no columns with positions are found in 'c.fits'"):
        opened(write(table, tmp_path / "c.fits"))


def test_two_columns_of_coordinates_share_their_unit_in_yaml(tmp_path):
    place = SkyCoord(LON, LAT, unit="deg", frame="galactic")
    table = QTable({"a": place.icrs, "b": place, "flux": smooth_value(LON, LAT)}, meta={"x": [1, 2]})
    table.meta["y"] = table.meta["x"]
    check_sky(opened(write(table, tmp_path / "a.ecsv"), beam_deg=7.5)[0])


def test_radians_without_a_unit_are_doubted(tmp_path):
    place = SkyCoord(LON, LAT, unit="deg", frame="galactic").icrs
    table = Table({"coord_ra": place.ra.rad, "coord_dec": place.dec.rad, "flux": LAT})
    _, said = opened(write(table, tmp_path / "a.fits"), beam_deg=7.5)
    assert said[-1] == (
        "SKY-UNIT: columns 'coord_ra' and 'coord_dec' of 'a.fits' have no unit and are read in degrees, but "
        "none is beyond 2π and π/2: if they are in radians, write their unit (rad)"
    )


def test_of_several_tables_in_a_votable_the_option_hdu_chooses(tmp_path):
    path = tmp_path / "two.vot"
    north = LAT > 30
    tables = [VOTableTable.from_table(VOTableFile(), sky()[side]) for side in (~north, north)]
    file, resource = VOTableFile(), Resource()
    for table, name in zip(tables, ("control", "science"), strict=True):
        table.name = name
        resource.tables.append(table)
    file.resources.append(resource)
    file.to_xml(str(path))
    with pytest.raises(
        HeaderInvalidError,
        match=r"'two.vot' has 2 tables: 1 \('control'\), 2 \('science'\); choose one with --survey-option",
    ):
        opened(path)
    for which in (2, "science"):
        survey, _ = opened(path, beam_deg=7.5, hdu=which)
        assert survey.extent.lat_deg == pytest.approx(90, abs=1)
        assert survey.sample(30.0, 60.0)[0][0] == pytest.approx(smooth_value(30.0, 60.0), abs=0.35)
    with pytest.raises(UsageError, match=r"'two.vot' has no table 'other'; it has 1 \('control'\), 2 "):
        opened(path, hdu="other")


@pytest.mark.parametrize("end", ["ecsv", "xml"])
def test_a_table_of_very_many_columns_is_refused_before_it_is_parsed(tmp_path, end):
    if end == "ecsv":
        columns = "".join(f"# - {{name: c{n}, datatype: int64}}\n" for n in range(2001))
        text = f"# %ECSV 1.0\n# ---\n# datatype:\n{columns}# schema: astropy-2.0\n"
    else:
        fields = "".join(f'<FIELD name="c{n}" datatype="int"/>' for n in range(2001))
        text = f"<VOTABLE><RESOURCE><TABLE>{fields}</TABLE></RESOURCE></VOTABLE>"
    (tmp_path / f"a.{end}").write_text(text)
    start = time.monotonic()
    with pytest.raises(TooLargeError, match=f"'a.{end}' has more than 2000 columns; write only those needed"):
        opened(tmp_path / f"a.{end}")
    assert time.monotonic() - start < 5


@pytest.mark.extra
def test_a_parquet_table_shows_the_sky(tmp_path):
    pytest.importorskip("pyarrow")
    check_form(tmp_path, "parquet")


def check_form(tmp_path, end):
    survey, said = opened(write(sky(), tmp_path / f"sky.{end}"))
    assert isinstance(survey, Survey)
    check_sky(survey)
    assert survey.bands == ("intensity",) * 3
    assert survey.unit == ("" if end == "parquet" else "R")
    assert 6 < survey.beam_deg < 8
    assert len(said) == 1
    assert "does not say its beam: " in said[0]
    assert opened(tmp_path / f"sky.{end}", beam_deg=7.5)[1] == []


def test_positions_are_found_by_ucd_in_any_frame(tmp_path):
    icrs = SkyCoord(LON, LAT, unit="deg", frame="galactic").icrs
    table = Table({"x": np.radians(icrs.ra.deg), "y": np.radians(icrs.dec.deg), "ha": smooth_value(LON, LAT)})
    for name, ucd in (("x", "pos.eq.ra;meta.main"), ("y", "pos.eq.dec;meta.main"), ("ha", "phot.flux")):
        table[name].info.meta = {"ucd": ucd}
    table["x"].unit = table["y"].unit = "rad"
    table["e_ha"] = 0.1
    table["other"] = 3.0
    survey, _ = opened(write(table, tmp_path / "sky.xml"), beam_deg=7.5)
    assert survey.frame == "icrs"
    assert survey.bands[0] == "ha"
    check_sky(survey)


def test_columns_are_chosen_by_name(tmp_path):
    table = sky(second=2 * smooth_value(LON, LAT), third=-smooth_value(LON, LAT))
    path = write(table, tmp_path / "sky.ecsv")
    survey, _ = opened(path, columns=("l", "b", "third", "second", "intensity"), beam_deg=7.5)
    values, _ = survey.sample(SOME_LON, SOME_LAT)
    np.testing.assert_allclose(values[:, 1], -2 * values[:, 0], rtol=1e-4)
    assert survey.bands == ("third", "second", "intensity")
    with pytest.raises(
        HeaderInvalidError, match="3 columns may hold the values in 'sky.ecsv', which has 'l, b"
    ):
        opened(path)
    with pytest.raises(
        UnknownNameError, match="has no column 'flux'; it has 'l, b, intensity, second, third'"
    ):
        opened(path, columns=("l", "b", "flux"))
    with pytest.raises(HeaderInvalidError, match="the survey option columns names 2 columns"):
        opened(path, columns=("l", "b"))


def test_spectra_are_integrated_over_velocity(tmp_path):
    velocity = np.tile(np.arange(-100.0, 101, 10), (GRID.npix, 1))
    table = Table({"GLON": LON, "GLAT": LAT, "VLSR": velocity * 1000})
    table["T"] = smooth_value(LON, LAT)[:, None] * np.exp(-((velocity / 30) ** 2))
    table["VLSR"].unit, table["T"].unit = "m/s", "K"
    survey, _ = opened(write(table, tmp_path / "sky.fits"), beam_deg=7.5)
    values, _ = survey.sample(SOME_LON, SOME_LAT)
    assert survey.unit == "K km/s"
    assert survey.bands == ("+20 to +60 km/s", "−20 to +20 km/s", "−60 to −20 km/s")
    np.testing.assert_allclose(values[:, 0], values[:, 2], rtol=1e-4)
    # The integral of exp(-(v/30)²) from -20 to 20 km/s.
    np.testing.assert_allclose(values[:, 1], 34.6 * smooth_value(SOME_LON, SOME_LAT), rtol=0.06)
    with pytest.raises(UsageError, match="no spectrum covers one of the bands"):
        opened(tmp_path / "sky.fits", bands=((500, 600), (600, 700), (700, 800)))
    table["VLSR"].unit = "Hz"
    with pytest.raises(HeaderInvalidError, match="2 columns hold spectra, 0 velocities"):
        opened(write(table, tmp_path / "no.fits"))
    with pytest.raises(SkyError, match="column 'VLSR' of 'no.fits' is in 'Hz', but the first of the two"):
        opened(tmp_path / "no.fits", columns=("GLON", "GLAT", "VLSR", "T"))


def test_blank_values_have_no_weight(tmp_path):
    table = sky()
    table["intensity"][LAT > 0] = np.nan
    table["intensity"][LAT < -60] = -999.0
    survey, _ = opened(write(table, tmp_path / "sky.fits"), blank=-999.0, beam_deg=7.5)
    assert survey.sample(10.0, 50.0)[1] == 0
    assert survey.sample(10.0, -80.0)[1] == 0
    assert survey.sample(10.0, -30.0)[1] > 0.9


def test_a_patch_knows_where_it_is(tmp_path):
    near = SkyCoord(LON, LAT, unit="deg").separation(SkyCoord(80, 0, unit="deg")).deg < 20
    survey, _ = opened(write(sky()[near], tmp_path / "sky.fits"))
    assert survey.extent.distance_deg(80, 0) < 3
    assert survey.extent.radius_deg < 32


@pytest.mark.parametrize(("column", "value"), [("l", np.nan), ("b", 95.0), ("b", np.nan), ("l", np.inf)])
def test_j01_a_position_off_the_sky_is_refused_with_its_row(tmp_path, column, value):
    table = sky()
    table[column][41] = value
    with pytest.raises(SkyError, match=r"row 42 of 'sky.fits' lies at longitude .*, which is not on the sky"):
        opened(write(table, tmp_path / "sky.fits"))


def test_j01_longitudes_beyond_the_circle_are_wrapped_and_said(tmp_path):
    table = sky()
    table["l"] = np.where(table["l"] > 180, table["l"] - 360, table["l"])
    survey, said = opened(write(table, tmp_path / "minus.fits"), beam_deg=7.5)
    check_sky(survey)
    assert said == []
    table["l"] += 720
    survey, said = opened(write(table, tmp_path / "plus.fits"), beam_deg=7.5)
    check_sky(survey)
    assert said == ["768 longitudes of 'plus.fits' are beyond 360°: they are wrapped"]


def test_j02_repeated_positions_are_averaged_in_any_order(tmp_path):
    from astropy.table import vstack

    again = sky()
    again["intensity"] += 2
    table = vstack([sky(), again])
    survey, said = opened(write(table, tmp_path / "a.fits"), beam_deg=7.5)
    assert said == ["DQ-DUP: 768 rows of 'a.fits' repeat a position: they are averaged"]
    other, _ = opened(write(table[::-1], tmp_path / "b.fits"), beam_deg=7.5)
    for one, two in zip(survey.sample(LON, LAT), other.sample(LON, LAT), strict=True):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(
        survey.sample(SOME_LON, SOME_LAT)[0][:, 0], smooth_value(SOME_LON, SOME_LAT) + 1, atol=0.35
    )


def test_j03_hours_that_claim_to_be_degrees_is_reported(tmp_path):
    icrs = SkyCoord(LON, LAT, unit="deg", frame="galactic").icrs
    table = Table({"ra": icrs.ra.hour, "dec": icrs.dec.deg, "ha": smooth_value(LON, LAT)})
    _, said = opened(write(table, tmp_path / "a.fits"), beam_deg=7.5)
    assert said[0].startswith("SKY-UNIT: column 'ra' of 'a.fits' is read in degrees, but reaches only 2")
    table["ra"].unit = u.hourangle
    survey, said = opened(write(table, tmp_path / "a.ecsv"), beam_deg=7.5)
    assert said == []
    check_sky(survey)


def test_j03_text_and_other_units_are_refused(tmp_path):
    table = Table({"ra": ["05:35:17", "05:36:00"], "dec": ["-05:23:28", "-05:00:00"], "ha": [1.0, 2.0]})
    with pytest.raises(
        SkyError, match="column 'ra' of 'a.ecsv' does not hold one number a row; write positions in"
    ):
        opened(write(table, tmp_path / "a.ecsv"))
    table = sky()
    table["l"].unit = "m"
    with pytest.raises(SkyError, match="column 'l' of 'b.fits' is in 'm', which is no angle") as caught:
        opened(write(table, tmp_path / "b.fits"))
    assert caught.value.code == "SKY-UNIT"


LAUGHS = '<!DOCTYPE VOTABLE [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
XXE = '<!DOCTYPE VOTABLE [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
VOTABLE = """<?xml version="1.0"?>{before}
<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE{rows}>
<FIELD name="l" datatype="double" unit="deg"/><FIELD name="b" datatype="double" unit="deg"/>
<FIELD name="ha" datatype="double"/><DATA>{data}</DATA></TABLE></RESOURCE></VOTABLE>"""
ROWS = "<TABLEDATA><TR><TD>1</TD><TD>2</TD><TD>3</TD></TR><TR><TD>2</TD><TD>2</TD><TD>4</TD></TR></TABLEDATA>"


def votable(path, before="", rows="", data=ROWS):
    path.write_text(VOTABLE.format(before=before, rows=rows, data=data))
    return path


def test_a_small_votable_is_read(tmp_path):
    assert opened(votable(tmp_path / "a.xml"))[0].beam_deg == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize("before", [LAUGHS, XXE])
def test_j04_j05_entities_are_refused(tmp_path, before):
    with pytest.raises(TooLargeError, match="defines entities of XML, which a table does not need") as caught:
        opened(votable(tmp_path / "a.xml", before))
    assert caught.value.code == "IN-BOMB"


#: Ways to write that the data are elsewhere; patterns of text miss most of them.
HIDDEN = (
    "<BINARY><STREAM actuate='onRequest'\n href = '{}'/></BINARY>",
    "<BINARY><STREAM title='>' href='{}'/></BINARY>",
    "<a-b:BINARY xmlns:a-b='http://www.ivoa.net/xml/VOTable/v1.3'><a-b:STREAM href='{}'/></a-b:BINARY>",
    "<BINARY2><un.bound:STREAM href='{}'/></BINARY2>",
    "<FITS><STREAM xmlns:x='http://www.w3.org/1999/xlink' x:href='{}'/></FITS>",
    "<TABLEDATA><xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='{}'/></TABLEDATA>",
)


def test_j06_data_at_another_address_are_never_fetched(tmp_path):
    asked = []

    class Trap(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

    with http.server.HTTPServer(("127.0.0.1", 0), Trap) as trap:
        thread = threading.Thread(target=trap.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        web = f"http://127.0.0.1:{trap.server_port}/internal"
        hrefs = cycle((web, "file:///etc/hostname", "x.fits"))
        for way, href in zip(HIDDEN, hrefs, strict=False):
            with pytest.raises(
                RemoteError, match="'a.xml' (are|is) at another address .*, which is not followed"
            ) as caught:
                opened(votable(tmp_path / "a.xml", data=way.format(href)))
            assert caught.value.code == "RM-BLOCKED"
        with pytest.raises(RemoteError, match="which is not followed"):
            read_catalogue(tmp_path / "a.xml")
        trap.shutdown()
        thread.join()
    assert asked == []


def test_j06_data_elsewhere_are_found_in_any_encoding(tmp_path):
    path = tmp_path / "a.xml"
    text = VOTABLE.format(before="", rows="", data="<FITS><STREAM href='x.fits'/></FITS>")
    path.write_bytes(text.replace("1.0", "1.0' encoding='UTF-16", 1).replace('"', "'").encode("utf-16"))
    with pytest.raises(RemoteError, match="which is not followed"):
        check_votable(path)


def test_j06_a_style_sheet_and_links_are_read_over(tmp_path):
    before = "<?xml-stylesheet type='text/xsl' href='file:///etc/hostname'?>"
    path = votable(tmp_path / "a.xml", before)
    text = path.read_text().replace("<TABLE>", "<LINK href='http://127.0.0.1:9/x'/><TABLE>")
    path.write_text(text)
    survey = opened(path)[0]
    assert survey.sample(1.0, 2.0)[0][0] == pytest.approx(3, abs=0.2)


def test_j07_impossible_rows_and_endless_nesting_are_refused(tmp_path):
    with pytest.raises(TooLargeError, match="says that it has 9000000000 rows, but at most") as caught:
        opened(votable(tmp_path / "a.xml", rows=' nrows="9000000000"'))
    assert caught.value.code == "IN-TOOBIG"
    start = time.monotonic()
    with pytest.raises((CorruptFileError, HeaderInvalidError, DataQualityError)):
        opened(votable(tmp_path / "b.xml", data="<TABLEDATA>" + "<TR>" * 200_000))
    assert time.monotonic() - start < 60


ECSV = """# %ECSV 1.0
# ---
# datatype:
# - {{name: l, datatype: float64{more}}}
# - {{name: b, datatype: float64}}
# - {{name: ha, datatype: float64}}
# schema: astropy-2.0
l b ha
1 2 3
2 2 4
"""


def test_j08_python_and_aliases_in_yaml_are_refused(tmp_path):
    path = tmp_path / "a.ecsv"
    path.write_text(ECSV.format(more=""))
    assert opened(path)[0].beam_deg == pytest.approx(1, rel=0.01)
    for more in (
        ", meta: !!python/object/apply:os.system ['touch harm']",
        ", meta: {a: &a [1, 2], b: &b [*a, *a]}",
        ", meta: {a: &a !astropy.units.Unit {unit: m}, b: &b !astropy.units.Unit {unit: [*a, *a]}}",
        ", meta: {a: &a [*a]}",
    ):
        path.write_text(ECSV.format(more=more))
        with pytest.raises(HeaderInvalidError, match="holds Python objects or aliases of YAML"):
            opened(path)
    path.write_text(ECSV.format(more=", description: " + "x" * 1_100_000))
    with pytest.raises(TooLargeError, match="the header of 'a.ecsv' has 11.* bytes, but at most 1048576"):
        opened(path)


def test_j09_names_are_shown_without_harm(tmp_path):
    table = Table({"l": LON, "b": LAT, "<script>alert(1)</script>\u202e": LON, "x" * 500: LAT})
    with pytest.raises(HeaderInvalidError) as caught:
        opened(write(table, tmp_path / "a.ecsv"))
    sentence = str(caught.value)
    assert "\u202e" not in sentence
    assert "\n" not in sentence
    assert len(sentence) < 500


def test_j10_tables_without_rows_or_columns_list_what_they_have(tmp_path):
    empty = sky()[:0]
    with pytest.raises(
        DataQualityError, match=r"'a.fits' has no rows of numbers \(its columns: 'l, b, intensity'\)"
    ):
        opened(write(empty, tmp_path / "a.fits"))
    with pytest.raises(
        HeaderInvalidError, match="no columns with positions are found in 'b.fits', which has 'x, y'"
    ):
        opened(write(Table({"x": LON, "y": LAT}), tmp_path / "b.fits"))
    with pytest.raises(
        HeaderInvalidError, match="0 columns may hold the values in 'c.fits', which has 'l, b, name'"
    ):
        opened(write(Table({"l": LON, "b": LAT, "name": ["a"] * len(LON)}), tmp_path / "c.fits"))
    with pytest.raises(
        UsageError, match="does not say its beam and has one position only; give --survey-option beam_deg"
    ):
        opened(write(sky()[:1], tmp_path / "d.fits"))


def test_j11_a_table_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(table_file, "MOST_TEXT_BYTES", 100)
    with pytest.raises(
        TooLargeError, match="but tables of at most 100 are read in this form; write it as FITS"
    ):
        opened(write(sky(), tmp_path / "a.ecsv"))


@pytest.mark.extra
def test_j13_a_damaged_parquet_file_is_refused(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    path = tmp_path / "a.parquet"
    columns = {"l": LON, "b": LAT, "ha": smooth_value(LON, LAT)}
    parquet.write_table(pyarrow.table(columns), path, write_page_checksum=True, use_dictionary=False)
    assert opened(path)[0].bands[0] == "ha"
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(CorruptFileError, match="'a.parquet' cannot be read"):
        opened(path)
    path.write_bytes(bytes(data[:2000]))
    with pytest.raises(CorruptFileError, match="'a.parquet' cannot be read"):
        opened(path)


def test_two_tables_in_one_file_must_be_chosen_from(tmp_path):
    from astropy.io import fits

    path = tmp_path / "a.fits"
    parts = [fits.table_to_hdu(sky()), fits.table_to_hdu(sky())]
    fits.HDUList([fits.PrimaryHDU(), *parts]).writeto(path)
    with pytest.raises(HeaderInvalidError, match="has 2 tables to choose from, the HDUs 1, 2; name one with"):
        opened(path)
    check_sky(opened(path, hdu=2)[0])
