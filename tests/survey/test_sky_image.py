"""FITS images as surveys: every pixel at its place, in any projection, frame and orientation."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st

from skykin.core.errors import HeaderInvalidError, NotThisFormatError, SkyError
from skykin.core.footprint import Footprint
from skykin.indexing.layout import MANIFEST
from skykin.products.folder import MARKER
from skykin.survey.fits.pixels import StoredCube
from skykin.survey.open import open_survey
from tests.hostile.fits_files import header, image_bytes, picture
from tests.survey.test_hostile_fits import Notes

ORION = Footprint(209.0, -19.0, 4.0).pixel_positions((24, 24))


def write(path, head, data=None):
    fits.PrimaryHDU(picture() if data is None else data, head).writeto(path, overwrite=True)
    return path


def smooth(lon_deg, lat_deg):
    """A smooth function on the sphere, without a seam or a pole."""
    lon, lat = np.radians(lon_deg), np.radians(lat_deg)
    x, y, z = np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)
    return 20 + 5 * x * y + 3 * z**2 - 2 * x + 4 * np.sin(3 * y)


def all_sky(projection, width, frame="galactic", *, crpix_shift=0.0, columns=None, crval=0.0):
    """The smooth function as an all-sky FITS image in a projection."""
    names = ("GLON", "GLAT") if frame == "galactic" else ("RA--", "DEC-")
    scale = {"CAR": 1.0, "CEA": 1.0, "MOL": 0.9, "AIT": 0.9, "SIN": 1.0, "ZEA": 0.63}[projection]
    columns = columns or width
    head = fits.Header(
        {
            "CTYPE1": f"{names[0]}-{projection}",
            "CTYPE2": f"{names[1]}-{projection}",
            "CRVAL1": crval,
            "CRVAL2": 0.0,
            "CRPIX1": (width + 1) / 2 + crpix_shift,
            "CRPIX2": (width / 2 + 1) / 2,
            "CDELT1": -360 * scale / width,
            "CDELT2": 360 * scale / width,
            "BMAJ": 2.0,
        }
    )
    y, x = np.mgrid[: width // 2, :columns]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lon, lat = WCS(head).wcs_pix2world(x.ravel(), y.ravel(), 0)
    where = SkyCoord(lon * u.deg, np.clip(lat, -90, 90) * u.deg, frame=frame)
    data = smooth(where.galactic.l.deg, where.galactic.b.deg).reshape(x.shape)
    return head, data.astype(np.float32)


@pytest.mark.parametrize("frame", ["galactic", "icrs"])
@pytest.mark.parametrize("projection", ["CAR", "CEA", "MOL", "AIT"])
def test_the_whole_sky_is_the_same_through_every_projection_and_frame(tmp_path, projection, frame):
    survey = open_survey(write(tmp_path / "sky.fits", *all_sky(projection, 720, frame)))
    assert survey.extent.is_all_sky
    random = np.random.default_rng(0)
    lon, lat = random.uniform(0, 360, 3000), np.degrees(np.arcsin(random.uniform(-1, 1, 3000)))
    values, coverage = survey.sample(lon, lat)
    seen = coverage > 0.9
    assert seen.mean() > 0.97
    wrong = np.abs(values[seen, 0] - smooth(lon, lat)[seen])
    assert np.quantile(wrong, 0.98) < 0.01
    assert wrong.max() < 0.3  # beside the edge of the sky, the nearest pixels stand for those beyond it


def test_a_plate_carree_has_no_seam_and_no_hole_at_the_poles(tmp_path):
    survey = open_survey(write(tmp_path / "sky.fits", *all_sky("CAR", 720)))
    lon = np.linspace(179, 181, 50)
    for lat in (0.0, 45.0, 89.9, 90.0, -89.95, -90.0):
        values, coverage = survey.sample(lon, np.full(50, lat))
        assert coverage.min() == 1
        np.testing.assert_allclose(values[:, 0], smooth(lon, lat), atol=2e-3)


@pytest.mark.parametrize("crval", [0.0, 60.0, 180.0])
def test_a_plate_carree_may_be_cut_open_anywhere(tmp_path, crval):
    survey = open_survey(write(tmp_path / "sky.fits", *all_sky("CAR", 720, crval=crval)))
    lon = np.linspace(0, 360, 500)
    np.testing.assert_allclose(survey.sample(lon, lon * 0 + 20)[0][:, 0], smooth(lon, 20.0), atol=2e-3)


def test_d18_a_repeated_column_at_the_seam_or_half_a_pixel_change_nothing(tmp_path):
    lon = np.linspace(170, 190, 200)
    for changes in ({"columns": 721}, {"crpix_shift": 0.5}, {"columns": 721, "crpix_shift": 0.5}):
        survey = open_survey(write(tmp_path / "sky.fits", *all_sky("CAR", 720, **changes)))
        values, coverage = survey.sample(lon, lon * 0 - 7)
        assert coverage.min() == 1
        np.testing.assert_allclose(values[:, 0], smooth(lon, -7.0), atol=2e-3)


@given(st.floats(-0.9, 0.9), st.floats(-0.9, 0.9))
def test_pixel_centres_have_their_own_values(x, y):
    # The image is 6.4° wide: look at the centre of the pixel that a share of the half-width falls on.
    column, row = round(31.5 + 31.5 * x), round(31.5 + 31.5 * y)
    lon, lat = WCS(header()).wcs_pix2world(column, row, 0)
    values, coverage = SURVEY[0].sample(lon, lat)
    assert values[0] == pytest.approx(picture()[row, column], abs=1e-4)
    assert coverage == 1


SURVEY = []


@pytest.fixture(scope="module", autouse=True)
def _survey(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "image.fits"
    path.write_bytes(image_bytes())
    SURVEY.append(open_survey(path))


def test_between_pixels_values_are_bilinear():
    wcs = WCS(header())
    lon, lat = wcs.wcs_pix2world(20.25, 30.5, 0)
    data = picture()
    expected = 0.375 * (data[30, 20] + data[31, 20]) + 0.125 * (data[30, 21] + data[31, 21])
    assert SURVEY[0].sample(lon, lat)[0][0] == pytest.approx(expected, abs=1e-4)


def test_off_the_image_nothing_is_covered_and_values_are_finite():
    values, coverage = SURVEY[0].sample(np.array([29.0, 209.0, 300.0]), np.array([19.0, -30.0, 0.0]))
    assert (coverage == 0).all()
    assert np.isfinite(values).all()
    with pytest.raises(SkyError, match="is not on the sky"):
        SURVEY[0].sample(np.nan, 0.0)


FRAMES = {
    "galactic": {},
    "icrs": {"RADESYS": "ICRS"},
    "fk5": {"RADESYS": "FK5", "EQUINOX": 1975.0},
    "fk4": {"RADESYS": "FK4", "EQUINOX": 1950.0},
    "fk4 by its equinox": {"EQUINOX": 1950.0},
    "fk4noeterms": {"RADESYS": "FK4-NO-E", "EQUINOX": 1950.0},
    "barycentricmeanecliptic": {},
}


@pytest.mark.parametrize("name", FRAMES)
def test_d13_the_same_field_in_any_frame_shows_the_same_star_at_the_same_place(tmp_path, name):
    frame = name.split()[0]
    star = SkyCoord(209.3 * u.deg, -18.4 * u.deg, frame="galactic")
    equinox = FRAMES[name].get("EQUINOX")
    options = {"equinox": f"{'J' if frame == 'fk5' else 'B'}{equinox}"} if equinox else {}
    there = SkyCoord(209 * u.deg, -19 * u.deg, frame="galactic").transform_to(
        SkyCoord(0 * u.deg, 0 * u.deg, frame=frame, **options).frame.replicate_without_data()
    )
    axes = {"galactic": ("GLON-TAN", "GLAT-TAN"), "barycentricmeanecliptic": ("ELON-TAN", "ELAT-TAN")}
    ctype = axes.get(frame, ("RA---TAN", "DEC--TAN"))
    head = header(
        CTYPE1=ctype[0], CTYPE2=ctype[1], CRVAL1=there.spherical.lon.deg, CRVAL2=there.spherical.lat.deg,
        **FRAMES[name],
    )  # fmt: skip
    place = star.transform_to(there.frame.replicate_without_data())
    column, row = WCS(header(CRVAL1=head["CRVAL1"], CRVAL2=head["CRVAL2"])).wcs_world2pix(
        place.spherical.lon.deg, place.spherical.lat.deg, 0
    )
    y, x = np.mgrid[:64, :64]
    data = np.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * 2.0**2)).astype(np.float32)
    survey = open_survey(write(tmp_path / "field.fits", head, data))
    lon, lat = Footprint(209.3, -18.4, 1.0).pixel_positions((41, 41))
    weight = survey.sample(lon, lat)[0][..., 0].astype(float) ** 4
    found = SkyCoord(
        (weight * lon).sum() / weight.sum(), (weight * lat).sum() / weight.sum(), unit="deg", frame="galactic"
    )
    assert found.separation(star).deg < 0.01  # a tenth of a pixel


@pytest.mark.parametrize("turn", [0, 37, 90, 180])
@pytest.mark.parametrize("mirrored", [False, True])
def test_d16_a_turned_or_mirrored_image_shows_the_same_sky(tmp_path, turn, mirrored):
    angle = np.radians(turn)
    scale = np.diag([0.1 if mirrored else -0.1, 0.1])
    matrix = scale @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    cards = {f"CD{i + 1}_{j + 1}": matrix[i, j] for i in range(2) for j in range(2)}
    head = header(CDELT1=None, CDELT2=None, **cards)
    y, x = np.mgrid[:64, :64]
    lon, lat = WCS(head).wcs_pix2world(x.ravel(), y.ravel(), 0)
    data = smooth(lon * 20, lat).reshape(64, 64).astype(np.float32)
    survey = open_survey(write(tmp_path / "turned.fits", head, data))
    values, coverage = survey.sample(*ORION)
    assert coverage.min() == 1
    np.testing.assert_allclose(values[..., 0], smooth(ORION[0] * 20, ORION[1]), atol=0.1)


def test_d17_pixels_need_not_be_square(tmp_path):
    head = header(CDELT1=-0.2, CRPIX1=16.5)
    y, x = np.mgrid[:64, :32]
    lon, lat = WCS(head).wcs_pix2world(x.ravel(), y.ravel(), 0)
    survey = open_survey(
        write(tmp_path / "f.fits", head, smooth(lon, lat).reshape(64, 32).astype(np.float32))
    )
    assert survey.pixel_deg == pytest.approx(np.sqrt(0.02))
    np.testing.assert_allclose(survey.sample(*ORION)[0][..., 0], smooth(*ORION), atol=0.01)


def test_latitude_may_come_before_longitude(tmp_path):
    swapped = header(
        CTYPE1="GLAT-TAN", CTYPE2="GLON-TAN", CRVAL1=-19.0, CRVAL2=209.0, CDELT1=0.1, CDELT2=-0.1
    )
    survey = open_survey(write(tmp_path / "swapped.fits", swapped, picture().T))
    np.testing.assert_allclose(survey.sample(*ORION)[0], SURVEY[0].sample(*ORION)[0], atol=1e-3)


def test_a_sip_distortion_is_that_of_astropy(tmp_path):
    head = header(CTYPE1="GLON-TAN-SIP", CTYPE2="GLAT-TAN-SIP", A_ORDER=2, B_ORDER=2, A_2_0=2e-4, B_1_1=-3e-4)
    survey = open_survey(write(tmp_path / "sip.fits", head))
    for column, row in ((10, 20), (50, 40), (31, 5)):
        lon, lat = WCS(head).all_pix2world(column, row, 0)
        assert survey.sample(lon, lat)[0][0] == pytest.approx(picture()[row, column], abs=1e-3)
    assert survey.sample(29.0, 19.0)[1] == 0


@pytest.mark.parametrize(
    "cards",
    [
        {"CROTA2": 30.0},
        {"PC1_1": 0.5, "PC1_2": 0.8, "PC2_1": -0.8, "PC2_2": 0.5},
        {"LONPOLE": 150.0},
        {
            "CUNIT1": "arcmin",
            "CUNIT2": "arcmin",
            "CDELT1": -6.0,
            "CDELT2": 6.0,
            "CRVAL1": 12540.0,
            "CRVAL2": -1140.0,
        },
    ],
)
def test_world_coordinates_are_those_of_astropy(tmp_path, cards):
    head = header(**cards)
    survey = open_survey(write(tmp_path / "wcs.fits", head))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lon, lat = WCS(head).all_pix2world([5, 40, 60], [50, 33, 8], 0)
    expected = [picture()[50, 5], picture()[33, 40], picture()[8, 60]]
    np.testing.assert_allclose(survey.sample(lon, lat)[0][:, 0], expected, atol=1e-3)


def star(head, column, row, height=101, side=100):
    """An image of ones with one bright square, and the Galactic position of its middle by astropy."""
    data = np.ones((side, side), np.float32)
    data[row - 4 : row + 5, column - 4 : column + 5] = height
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        place = SkyCoord(*WCS(head).all_pix2world(column, row, 0), unit="deg", frame="icrs").galactic
    return data, (place.l.deg, place.b.deg)


EQUATORIAL = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 83.8, "CRVAL2": -5.4,
    "CRPIX1": 50.5, "CRPIX2": 50.5, "CD1_1": -0.01, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 0.01,
}  # fmt: skip


def tnx_cards():
    cards = {"CTYPE1": "RA---TNX", "CTYPE2": "DEC--TNX", "WCSDIM": 2}
    for axis, kind, name in ((1, "ra", "lngcor"), (2, "dec", "latcor")):
        numbers = "3. 3. 3. 2. -2. 2. -2. 2. 0.05 0.05 0.05 0.05 0.05 0.05"
        body = f'wtype=tnx axtype={kind} {name} = "{numbers} "'
        cards |= {f"WAT{axis}_00{i + 1}": body[68 * i : 68 * i + 68] for i in range(2)}
    return cards


SIP_AND_PV = {
    "CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 2, "B_ORDER": 2,
    "A_2_0": 5e-4, "B_0_2": -4e-4, "PV1_0": 0.0, "PV1_1": 1.0, "PV1_5": 0.002,
    "PV2_0": 0.0, "PV2_1": 1.0, "PV2_5": 0.002,
}  # fmt: skip


def test_sip_and_scamp_without_a_word_in_ctype_are_refused(tmp_path):
    head = fits.Header(EQUATORIAL | SIP_AND_PV | {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
    with pytest.raises(SkyError, match="has two distortions, SIP .* write the one that holds into CTYPE"):
        open_survey(write(tmp_path / "a.fits", head, np.ones((100, 100), np.float32)))


@pytest.mark.parametrize("cards", [tnx_cards(), SIP_AND_PV], ids=["TNX", "SIP beside the PV of SCAMP"])
def test_distortions_are_those_of_astropy(tmp_path, cards):
    head = fits.Header(EQUATORIAL | cards)
    data, place = star(head, 85, 20)
    assert open_survey(write(tmp_path / "a.fits", head, data)).sample(*place)[0][0] == 101


@pytest.mark.parametrize("planes", [1, 3])
def test_a_matrix_of_two_axes_beside_further_ones_is_read(tmp_path, planes):
    head = fits.Header(EQUATORIAL | {"WCSAXES": 2} | SIP_AND_PV)
    data, place = star(fits.Header(EQUATORIAL | SIP_AND_PV), 85, 20)
    options = {"channels": (0, 1, 2)} if planes == 3 else {}
    survey = open_survey(write(tmp_path / "a.fits", head, np.stack([data] * planes)), **options)
    assert survey.sample(*place)[0][0] == 101


@pytest.mark.parametrize(("first", "inside"), [(300.0, 240.0), (200.0, 195.0), (200.0, 85.0)])
@pytest.mark.parametrize("latitude_first", [False, True])
def test_a_plate_carree_may_lie_beyond_half_a_turn_from_its_reference(
    tmp_path, first, inside, latitude_first
):
    lon, lat = (2, 1) if latitude_first else (1, 2)
    head = fits.Header(
        {
            **{
                f"CTYPE{lon}": "GLON-CAR",
                f"CRVAL{lon}": 0.0,
                f"CRPIX{lon}": 1 + first / 0.5,
                f"CDELT{lon}": -0.5,
            },
            **{f"CTYPE{lat}": "GLAT-CAR", f"CRVAL{lat}": 0.0, f"CRPIX{lat}": 30.0, f"CDELT{lat}": 0.5},
        }
    )
    there, up = first - 0.5 * np.arange(240), 0.5 * (np.arange(60) - 29)
    data = smooth(*np.meshgrid(there, up)).astype(np.float32)
    survey = open_survey(write(tmp_path / "plane.fits", head, data.T if latitude_first else data))
    assert survey.extent.contains(inside, 0.0)
    values, coverage = survey.sample(inside, 3.0)
    assert coverage == 1
    assert values[0] == pytest.approx(smooth(inside, 3.0), abs=1e-3)
    assert survey.sample(first + 30.0, 3.0)[1] == 0


def test_the_whole_sky_with_latitude_first_has_no_seam(tmp_path):
    head, data = all_sky("CAR", 720)
    swapped = head.copy()
    for key in ("CTYPE", "CRVAL", "CRPIX", "CDELT"):
        swapped[f"{key}1"], swapped[f"{key}2"] = head[f"{key}2"], head[f"{key}1"]
    survey = open_survey(write(tmp_path / "sky.fits", swapped, np.ascontiguousarray(data.T)))
    lon = np.linspace(0, 360, 500)
    np.testing.assert_allclose(survey.sample(lon, lon * 0 + 20)[0][:, 0], smooth(lon, 20.0), atol=2e-3)


@pytest.mark.parametrize("equinox", ["B1950", "1950.0", 1950.0])
def test_an_equinox_may_be_text(tmp_path, equinox):
    head = fits.Header(EQUATORIAL | {"EQUINOX": equinox})
    data, _ = star(fits.Header(EQUATORIAL), 85, 20)
    place = SkyCoord(*WCS(fits.Header(EQUATORIAL)).all_pix2world(85, 20, 0), unit="deg", frame="fk4").galactic
    survey = open_survey(write(tmp_path / "a.fits", head, data))
    assert survey.to_dict()["frame"] == "fk4"
    assert survey.sample(place.l.deg, place.b.deg)[0][0] == 101


@pytest.mark.parametrize(
    ("cards", "sentence"),
    [
        ({"CTYPE1": "RA--TAN", "CTYPE2": "DEC-TAN"}, "'RA--TAN' and 'DEC-TAN', which is no projection"),
        ({"PC01_01": 0.5}, "PC01_01 of HDU 0 of 'a.fits' is '0.5', .* must not have leading zeroes"),
        ({"EQUINOX": "of date"}, "EQUINOX of HDU 0 of 'a.fits' is 'of date', .* floating-point"),
        ({"EQUINOX": 50.0}, "the equinox of HDU 0 of 'a.fits' is 50; correct EQUINOX"),
    ],
)
def test_what_astropy_passes_over_in_silence_is_refused(tmp_path, cards, sentence):
    with pytest.raises((SkyError, HeaderInvalidError), match=sentence):
        open_survey(write(tmp_path / "a.fits", header(CUNIT1=None, **cards)))


def test_coordinates_that_lead_nowhere_back_are_refused(tmp_path):
    head = fits.Header(EQUATORIAL | {"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV"})
    for axis in (1, 2):
        head[f"PV{axis}_1"], head[f"PV{axis}_4"] = 1.0, 40.0
    with pytest.raises(SkyError, match="cannot be inverted"):
        open_survey(write(tmp_path / "a.fits", head, np.ones((100, 100), np.float32)))


def test_fine_structure_is_averaged_where_a_tile_cannot_show_it(tmp_path):
    stripes = np.zeros((64, 64), np.float32)
    stripes[:, ::2] = 1
    survey = open_survey(write(tmp_path / "stripes.fits", header(), stripes))
    coarse, _ = survey.sample(*Footprint(209, -19, 4.8).pixel_positions((12, 12)))
    assert np.abs(coarse - 0.5).max() < 0.13
    assert coarse.mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (MARKER, "'kin' holds results of Skykin, no survey; `skykin page` shows those of a map; give"),
        (MANIFEST, "'kin' is an index, no survey; `skykin search` and `skykin view` ask it; give the survey"),
    ],
)
def test_what_skykin_itself_wrote_is_no_mosaic(tmp_path, name, sentence):
    (tmp_path / "kin").mkdir()
    (tmp_path / "kin" / "score.fits").write_bytes(image_bytes())
    (tmp_path / "kin" / name).write_text("")
    with pytest.raises(NotThisFormatError, match=sentence):
        open_survey(tmp_path / "kin")


def test_a_folder_and_a_pattern_are_one_mosaic(tmp_path, monkeypatch):
    folder = tmp_path / "plates"
    folder.mkdir()
    for i, lon in enumerate((209.0, 204.0)):
        y, x = np.mgrid[:64, :64]
        head = header(CRVAL1=lon)
        data = smooth(*WCS(head).wcs_pix2world(x.ravel(), y.ravel(), 0)).reshape(64, 64).astype(np.float32)
        write(folder / f"{i}.fits", head, data)
    (folder / "notes.txt").write_text("not an image")
    (folder / "broken.fits").write_bytes(image_bytes()[:5000])
    notes = Notes()
    mosaic = open_survey(folder, progress=notes)
    assert "1 of 3 files cannot be used and are left out" in notes
    assert "left out: IN-TRUNC: 'broken.fits' is cut short" in notes
    lon, lat = Footprint(206.5, -19.0, 8.0, 5.0).pixel_positions((25, 40))
    values, coverage = mosaic.sample(lon, lat)
    assert coverage.min() == 1
    np.testing.assert_allclose(values[..., 0], smooth(lon, lat), atol=0.01)
    assert mosaic.extent.radius_deg < 9
    (folder / "broken.fits").unlink()
    pattern = open_survey(str(folder / "*.fits"))
    np.testing.assert_array_equal(pattern.sample(lon, lat)[0], values)
    assert [entry["file"] for entry in pattern.to_dict()["files"]] == ["0.fits", "1.fits"]


@pytest.mark.slow
def test_a_large_image_is_read_only_where_it_is_looked_at(tmp_path, monkeypatch):
    read = []
    part = StoredCube.part
    monkeypatch.setattr(
        StoredCube,
        "part",
        lambda self, *box: read.append(np.prod([one.stop - one.start for one in box])) or part(self, *box),
    )
    content = image_bytes()
    head = content[:2880].replace(b"NAXIS1  =                   64", b"NAXIS1  =                20000")
    head = head.replace(b"NAXIS2  =                   64", b"NAXIS2  =                20000")
    path = tmp_path / "large.fits"
    path.write_bytes(head)
    os.truncate(path, 2880 + 4 * 20000**2)
    survey = open_survey(path)
    values, coverage = survey.sample(*Footprint(209, -19, 2).pixel_positions((32, 32)))
    assert (values == 0).all()
    assert (coverage > 0).any()
    assert sum(read) < 0.01 * 20000**2


def test_each_block_is_read_once(tmp_path, monkeypatch):
    survey = open_survey(write(tmp_path / "image.fits", header()))
    read = []
    part = StoredCube.part
    monkeypatch.setattr(StoredCube, "part", lambda self, *box: read.append(box) or part(self, *box))
    first = survey.sample(*ORION)[0]
    np.testing.assert_array_equal(survey.sample(*ORION)[0], first)
    assert read == [(slice(0, 1), slice(0, 64), slice(0, 64))]


BRIGHT = {"Vela": (263.5, -2.8), "Cygnus Loop": (74.0, -8.5), "Virgo cluster (M87)": (283.8, 74.5)}


@pytest.mark.parametrize("name", BRIGHT)
def test_known_bright_regions_of_rosat_are_at_their_places_and_their_mirror_images_are_not(shared, name):
    survey = open_survey(shared / "fits" / "allsky_rosat.fits")
    lon, lat = BRIGHT[name]

    def peak(x, y):
        return np.percentile(survey.sample(*Footprint(x % 360, y, 4).pixel_positions((16, 16)))[0], 90)

    here = peak(lon, lat)
    mirrored = [peak(-lon, lat), peak(lon, -lat), peak(-lon, -lat)]
    assert here > 1.5 * max(mirrored)


def test_the_horsehead_is_dark_where_it_is(shared):
    survey = open_survey(shared / "fits" / "HorseHead.fits")

    def brightness(ra, dec):
        place = SkyCoord(ra, dec, frame="icrs").galactic
        return float(
            survey.sample(*Footprint(place.l.deg, place.b.deg, 0.02).pixel_positions((8, 8)))[0].mean()
        )

    head = brightness("5h40m59s", "-2d27m30s")
    assert head < 0.75 * brightness("5h40m35s", "-2d27m30s")  # to the west the bright curtain of IC 434
    assert survey.to_dict()["projection"] == "TAN"


@pytest.mark.parametrize("beam", [30.0, 1e-5])
def test_a_beam_that_cannot_be_in_its_image_is_doubted_and_not_used(tmp_path, beam):
    said = Notes()
    path = write(tmp_path / "a.fits", header(CDELT1=-0.005, CDELT2=0.005, BMAJ=beam))
    assert open_survey(path, progress=said).beam_deg == pytest.approx(0.01)
    assert f"a beam of {beam:g}° in an image 0.32° wide with pixels of 0.005°, which cannot be" in said
    assert "two pixels, 0.01°, are assumed; give --survey-option beam_deg=DEGREES if you know better" in said
    assert ("(30″ would be 0.00833°)" in said) == (beam == 30)
    assert open_survey(path, beam_deg=0.2).beam_deg == 0.2


def test_pixels_that_are_wider_than_the_sky_together_are_doubted(tmp_path):
    said, head = Notes(), header(CDELT1=-20.0, CDELT2=20.0, CUNIT1=None, CUNIT2=None)
    open_survey(write(tmp_path / "a.fits", head), progress=said)
    assert "the pixels of HDU 0 of 'a.fits' are 20° wide and the image 1.28e+03°" in said
    assert "or write their unit as CUNIT" in said
