"""Tables whose positions are not ICRS: B1950, other equinoxes, and the ecliptic of another date."""

import numpy as np
import pytest
from astropy.coordinates import FK4, FK5, BarycentricMeanEcliptic, FK4NoETerms, SkyCoord
from astropy.io import fits
from astropy.table import Table
from astropy.time import Time

import skykin
from skykin.core.errors import SkyError
from skykin.survey.fits.check import read_headers
from skykin.survey.table.file import read_columns, read_fits_columns
from skykin.survey.table.stated import in_present_frame, with_frames
from tests.survey.test_tables import opened

PLACES = SkyCoord([83.8, 201.3, 10.7, 299.9], [-5.4, -43.0, 41.3, 89.1], unit="deg")
B1950, J1975, J2015 = FK4(equinox="B1950"), FK5(equinox="J1975"), FK5(equinox="J2015.5")
HEADERS = {
    "EQUINOX and RADECSYS": ({"EQUINOX": 1950.0, "RADECSYS": "FK4"}, B1950),
    "EQUINOX alone": ({"EQUINOX": 1950.0}, B1950),
    "EPOCH, its old name": ({"EPOCH": 1950.0}, B1950),
    "EPOCH of a date": ({"EPOCH": 2015.5}, "icrs"),
    "EQUINOX as text": ({"EQUINOX": "B1950"}, B1950),
    "RADESYS alone": ({"RADESYS": "FK4"}, B1950),
    "without E-terms": ({"RADESYS": "FK4-NO-E", "EQUINOX": 1950.0}, FK4NoETerms(equinox="B1950")),
    "FK5 of another equinox": ({"RADESYS": "FK5", "EQUINOX": 1975.0}, J1975),
    "a late equinox": ({"EQUINOX": 2015.5}, J2015),
    "J2000": ({"EQUINOX": "J2000"}, FK5()),
    "ICRS": ({"RADESYS": "ICRS", "EQUINOX": 2000.0}, "icrs"),
    "nothing": ({}, "icrs"),
}


def written(path, frame, names=("RA", "DEC"), **cards):
    there = PLACES.transform_to(frame)
    columns = [
        fits.Column(name, "D", unit="deg", array=values)
        for name, values in zip(names, (there.spherical.lon.deg, there.spherical.lat.deg), strict=True)
    ]
    table = fits.BinTableHDU.from_columns([*columns, fits.Column("FLUX", "D", array=np.arange(4.0))])
    table.header.update(cards)
    table.writeto(path)
    return path


def apart_arcsec(path):
    found = skykin.read_catalogue(path)
    here = SkyCoord(found["lon_deg"], found["lat_deg"], frame="galactic")
    return here.separation(PLACES).arcsec


@pytest.mark.parametrize("stated", HEADERS)
def test_a_fits_table_lies_where_its_header_says(tmp_path, stated):
    cards, frame = HEADERS[stated]
    path = written(tmp_path / "t.fits", frame, **cards)
    assert apart_arcsec(path).max() < 0.05  # FK5 of J2000 counts as ICRS
    with path.open("rb") as stream:
        hdu = read_headers(stream, path.name)[1]
    lon, lat, _ = with_frames(read_fits_columns(path, hdu), path)
    found = SkyCoord(*in_present_frame(lon.values, lat.values, "icrs", (lon, lat), "t.fits"), unit="deg")
    assert found.separation(PLACES).arcsec.max() < 0.05


def test_what_the_first_hdu_says_holds_for_a_table_that_says_nothing(tmp_path):
    def with_first(path, frame, **cards):
        written(path, frame, **cards)
        with fits.open(path, mode="update") as file:
            file[0].header["EQUINOX"] = 1950.0
        return path

    assert apart_arcsec(with_first(tmp_path / "a.fits", B1950)).max() < 0.05
    assert apart_arcsec(with_first(tmp_path / "b.fits", "icrs", RADESYS="ICRS")).max() < 0.05
    assert apart_arcsec(with_first(tmp_path / "c.fits", "icrs", INHERIT=False)).max() < 0.05


def test_the_meta_of_ecsv_and_the_description_of_a_votable_say_the_equinox(tmp_path):
    old = PLACES.transform_to(B1950)
    table = Table({"RA": old.ra.deg, "DEC": old.dec.deg}, meta={"EQUINOX": "B1950"})
    table.write(tmp_path / "a.ecsv")
    assert apart_arcsec(tmp_path / "a.ecsv").max() < 0.05
    del table.meta["EQUINOX"]
    table["RA"].description, table["DEC"].description = "Right ascension (B1950)", "Declination (B1950)"
    table.write(tmp_path / "b.vot", format="votable")
    assert apart_arcsec(tmp_path / "b.vot").max() < 0.05
    now = Table({"RA": PLACES.ra.deg, "DEC": PLACES.dec.deg})
    now["RA"].description = now["DEC"].description = "J2000, brought from B1950"
    now.write(tmp_path / "c.vot", format="votable")
    assert apart_arcsec(tmp_path / "c.vot").max() < 0.05


@pytest.mark.parametrize(
    "names",
    [("RAB1950", "DEB1950"), ("RA_B1950", "DEC_B1950"), ("RA1950", "DEC1950"), ("RA1950_deg", "DE1950_deg")],
)
def test_the_year_in_the_name_of_a_column_counts_before_the_header(tmp_path, names):
    assert apart_arcsec(written(tmp_path / "t.fits", B1950, names, EQUINOX=2000.0)).max() < 0.01
    assert (
        apart_arcsec(written(tmp_path / "j.fits", "icrs", ("RAJ2000", "DEJ2000"), EQUINOX=1950.0)).max()
        < 0.01
    )


VOTABLE = """<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE>{systems}<TABLE>
<FIELD name="a" {ref} datatype="double" unit="deg" ucd="pos.{kind}.{lon};meta.main"/>
<FIELD name="b" {ref} datatype="double" unit="deg" ucd="pos.{kind}.{lat};meta.main"/>
<FIELD name="flux" datatype="double" ucd="phot.flux"/>
<DATA><TABLEDATA>{rows}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""
OTHER = '<COOSYS ID="other" system="ICRS"/>'


def votable(path, frame, systems, ref='ref="J"', axes=("eq", "ra", "dec")):
    there = PLACES.transform_to(frame)
    places = zip(there.spherical.lon.deg, there.spherical.lat.deg, strict=True)
    rows = "".join(f"<TR><TD>{x:.15g}</TD><TD>{y:.15g}</TD><TD>1</TD></TR>" for x, y in places)
    kind, lon, lat = axes
    path.write_text(VOTABLE.format(systems=systems, ref=ref, kind=kind, lon=lon, lat=lat, rows=rows))
    return path


@pytest.mark.parametrize(
    ("systems", "ref", "frame"),
    [
        ('<COOSYS ID="J" system="eq_FK4" equinox="B1950"/>' + OTHER, 'ref="J"', B1950),
        ('<COOSYS ID="J" system="eq_FK4" equinox="B1950"/>', "", B1950),
        ('<COOSYS ID="J" system="eq_FK5" equinox="J1975"/>' + OTHER, 'ref="J"', J1975),
        ('<COOSYS ID="J" system="eq_FK5" equinox="J2000"/>', 'ref="J"', FK5()),
        ('<COOSYS ID="J" system="ICRS"/>', 'ref="J"', "icrs"),
    ],
)
def test_a_votable_lies_where_its_coosys_says(tmp_path, systems, ref, frame):
    path = votable(tmp_path / "t.vot", frame, systems, ref)
    assert apart_arcsec(path).max() < 0.05
    lon, lat, _ = with_frames(read_columns(path, "votable"), path)
    found = SkyCoord(*in_present_frame(lon.values, lat.values, "icrs", (lon, lat), "t.vot"), unit="deg")
    assert found.separation(PLACES).arcsec.max() < 0.05


def test_the_ecliptic_of_another_date_is_brought_to_that_of_j2000(tmp_path):
    frame = BarycentricMeanEcliptic(equinox=Time(1975.0, format="jyear"))
    systems = '<COOSYS ID="J" system="ecl_FK5" equinox="J1975"/>'
    path = votable(tmp_path / "t.vot", frame, systems, axes=("ecliptic", "lon", "lat"))
    assert apart_arcsec(path).max() < 0.05


def test_a_survey_of_pointings_in_b1950_has_its_star_where_it_is(tmp_path):
    star = SkyCoord(83.8186, -5.3897, unit="deg")
    old = star.transform_to(B1950)
    lon, lat = (x.ravel() for x in np.meshgrid(np.arange(-2, 2.1, 0.5), np.arange(-2, 2.1, 0.5)))
    flux = 1 + 100 * np.exp(-(lon**2 + lat**2) / 0.3)
    columns = [("RA", old.ra.deg + lon), ("DEC", old.dec.deg + lat), ("FLUX", flux)]
    table = fits.BinTableHDU.from_columns([fits.Column(name, "D", array=x) for name, x in columns])
    table.header["EQUINOX"] = 1950.0
    table.writeto(tmp_path / "t.fits")
    survey, said = opened(tmp_path / "t.fits", beam_deg=0.7)
    beside = SkyCoord(old.ra, old.dec)  # what the numbers mean in ICRS
    assert survey.sample(star)[0][0] > 2 * survey.sample(beside)[0][0]
    assert any("are brought from 1950.0 to icrs" in sentence for sentence in said)
    same = skykin.open_survey(tmp_path / "t.fits", beam_deg=0.7, frame="icrs")
    assert same.sample(beside)[0][0] == pytest.approx(survey.sample(star)[0][0], rel=0.05)


@pytest.mark.parametrize(
    ("cards", "sentence"),
    [
        ({"RADESYS": "FK9"}, "are in 'FK9', which is no frame that is known; write the positions in ICRS"),
        ({"RADESYS": "GAPPT"}, "are in 'GAPPT', which is no frame"),
        ({"EQUINOX": 1066.0}, "are in '1066.0', which is no frame"),
    ],
)
def test_a_frame_that_is_not_known_is_refused(tmp_path, cards, sentence):
    with pytest.raises(SkyError, match=sentence) as refused:
        skykin.read_catalogue(written(tmp_path / "t.fits", "icrs", **cards))
    assert refused.value.code == "SKY-FRAME"


def test_two_columns_of_different_frames_are_refused(tmp_path):
    path = written(tmp_path / "t.fits", "icrs", ("RAB1950", "DEJ2000"))
    with path.open("rb") as stream:
        hdu = read_headers(stream, path.name)[1]
    lon, lat, _ = with_frames(read_fits_columns(path, hdu), path)
    with pytest.raises(SkyError, match="are in different frames, 'B1950' and 'J2000'"):
        in_present_frame(lon.values, lat.values, "icrs", (lon, lat), "t.fits")
