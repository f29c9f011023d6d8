"""Whole HiPS as `skykin hips` writes them: the rules of the standard, and the readers of two programs."""

import re
import shutil
from unittest.mock import patch

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from mocpy import MOC
from PIL import Image
from typer.testing import CliRunner

import skykin
from skykin.cli.main import app
from skykin.core.errors import ResourceError, UnknownNameError, UsageError
from skykin.core.extent import Extent
from skykin.core.footprint import Footprint
from skykin.survey.open import open_survey
from skykin.survey.render import RenderedSurvey
from tests.kinds import likeness, made_up_result, separation_deg

RANDOM = np.random.default_rng(8)
#: Keywords that HiPS 1.0 demands (table 5, "required"), and those that viewers need.
DEMANDED = {
    "creator_did", "obs_title", "dataproduct_type", "hips_version", "hips_release_date", "hips_status",
    "hips_tile_format", "hips_order", "hips_frame", "hips_tile_width", "hips_order_min",
    "moc_sky_fraction", "hips_initial_ra", "hips_initial_dec", "hips_initial_fov",
}  # fmt: skip


def field_image(shape=(60, 80), scale_deg=0.02):
    """An equatorial image whose value is its right ascension plus a hundred times its declination."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.cdelt = (
        ["RA---TAN", "DEC--TAN"],
        [83.8, -5.4],
        [-scale_deg, scale_deg],
    )
    wcs.wcs.crpix, wcs.wcs.radesys = [shape[1] / 2, shape[0] / 2], "ICRS"
    place = wcs.pixel_to_world(*np.meshgrid(np.arange(shape[1]), np.arange(shape[0])))
    return place.ra.deg + 100 * place.dec.deg, wcs


def said_in(folder):
    lines = (folder / "properties").read_text().splitlines()
    return {key.strip(): value.strip() for key, value in (line.split("=", 1) for line in lines)}


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    """A small field as HiPS of two formats, in its own frame."""
    return skykin.hips(field_image(), tmp_path_factory.mktemp("field") / "hips")


@pytest.fixture(scope="module")
def targets_map():
    """The tiles of the made-up map near Orion, as a map of a small field."""
    lon, lat = (part.ravel() for part in np.meshgrid(np.arange(205.0, 213, 0.5), np.arange(-23.0, -15, 0.5)))
    footprints = tuple(Footprint(*place, 0.75) for place in zip(lon.tolist(), lat.tolist(), strict=True))
    return made_up_result(footprints, tile_nside=None, threshold=0.99, extent=Extent(209.0, -19.0, 6.0))


def check_rules(folder):
    """Hold a HiPS against the checklist of the standard."""
    said = said_in(folder)
    assert said.keys() >= DEMANDED
    assert said["hips_frame"] in ("galactic", "equatorial")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", said["hips_release_date"])
    assert said["creator_did"].startswith("ivo://")
    formats = said["hips_tile_format"].split()
    assert set(formats) <= {"fits", "png", "jpeg"}
    order, numbers = int(said["hips_order"]), {}
    for path in folder.rglob("Npix*"):
        matched = re.fullmatch(r"Norder(\d+)/Dir(\d+)/Npix(\d+)\.(fits|png|jpg)",
                               path.relative_to(folder).as_posix())  # fmt: skip
        assert matched, path
        level, group, npix = map(int, matched.groups()[:3])
        assert npix < 12 * 4**level
        assert group == npix // 10000 * 10000
        numbers.setdefault((level, matched[4]), set()).add(npix)
        if matched[4] == "fits":
            header = fits.getheader(path)
            assert (header["NAXIS1"], header["NAXIS2"]) == (512, 512)
            assert header["BITPIX"] == int(said["hips_pixel_bitpix"])
        else:
            with Image.open(path) as picture:
                assert picture.size == (512, 512)
    endings = {"fits": "fits", "png": "png", "jpeg": "jpg"}
    assert set(numbers) == {(level, endings[kind]) for level in range(order + 1) for kind in formats}
    for (level, kind), tiles in numbers.items():
        assert tiles == numbers[level, endings[formats[0]]]
        if level:
            assert {npix >> 2 for npix in tiles} == numbers[level - 1, kind]
    level = min(order, 3)
    dense = len(numbers[level, endings[formats[0]]]) * 10 >= 12 * 4**level
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("Allsky.*")}
    assert found == {f"Norder{level}/Allsky.{endings[kind]}" for kind in formats if kind != "fits" or dense}
    moc = MOC.from_fits(folder / "Moc.fits")
    assert float(said["moc_sky_fraction"]) == pytest.approx(moc.sky_fraction, rel=0.8)
    return said


@pytest.mark.slow
def test_a_small_field_keeps_the_rules_of_the_standard(field):
    said = check_rules(field)
    assert (said["hips_frame"], said["hips_order"]) == ("equatorial", "3")
    assert said["hips_tile_format"] == "png fits"
    assert float(said["hips_initial_ra"]) == pytest.approx(83.8, abs=0.1)
    assert float(said["hips_initial_dec"]) == pytest.approx(-5.4, abs=0.1)
    assert 0.5 < float(said["hips_initial_fov"]) < 3
    low, high = map(float, said["hips_pixel_cut"].split())
    assert -520 < low < high < -390
    inside = SkyCoord([83.8, 84.3, 83.2] * u.deg, [-5.4, -5.9, -5.0] * u.deg)
    assert MOC.from_fits(field / "Moc.fits").contains_skycoords(inside).all()
    assert MOC.from_fits(field / "Moc.fits").sky_fraction < 2.5 / 41253


def places_in_field(count=40):
    return SkyCoord(RANDOM.uniform(83.2, 84.4, count) * u.deg, RANDOM.uniform(-5.8, -5.0, count) * u.deg)


@pytest.mark.slow
def test_our_own_reader_reads_the_values_of_a_field(field):
    survey = open_survey(field)
    where = places_in_field()
    values, coverage = survey.sample(where)
    # One pixel of the image is 2 in this measure.
    np.testing.assert_allclose(values[:, 0], where.ra.deg + 100 * where.dec.deg, atol=0.6)
    assert coverage.min() == 1
    assert survey.extent.radius_deg < 20


@pytest.mark.slow
def test_the_reader_of_reproject_reads_the_same_values(field, tmp_path):
    reader = pytest.importorskip("reproject.hips")
    folder = tmp_path / "fits"
    shutil.copytree(field, folder)
    text = (folder / "properties").read_text().replace("= png fits", "= fits")
    (folder / "properties").write_text(text)
    array, wcs = reader.hips_as_dask_array(folder)
    where = places_in_field(12)
    for place in where:
        x, y = (int(np.round(each)) for each in wcs.world_to_pixel(place))
        value = np.asarray(array.blocks[y // 512, x // 512])[y % 512, x % 512]
        assert value == pytest.approx(place.ra.deg + 100 * place.dec.deg, abs=1.0)


@pytest.mark.slow
def test_pictures_of_lower_orders_are_the_mean_of_the_finer_ones(field):
    fine = fits.getdata(next(iter(sorted(field.glob("Norder3/Dir0/*.fits")))))
    npix = int(re.search(r"Npix(\d+)", str(sorted(field.glob("Norder3/Dir0/*.fits"))[0]))[1])
    coarse = fits.getdata(field / f"Norder2/Dir0/Npix{npix >> 2}.fits")[::-1]
    row, column = 256 * (npix & 1), 256 * (npix >> 1 & 1)
    four = fine[::-1].reshape(256, 2, 256, 2)
    with np.errstate(all="ignore"):
        count = np.isfinite(four).sum(axis=(1, 3))
        mean = np.where(count > 0, np.nansum(four, axis=(1, 3)) / np.maximum(count, 1), np.nan)
    np.testing.assert_allclose(coarse[row : row + 256, column : column + 256], mean, rtol=1e-6)


def test_the_scores_of_a_map_are_written_as_they_are(targets_map, tmp_path):
    folder = skykin.hips(targets_map, tmp_path / "score", tile_format="fits")
    said = check_rules(folder)
    assert said["obs_title"] == "Similarity to Orion in Made-up Hα sky"
    assert said["hips_order"] == "0"
    survey = open_survey(folder)
    tiles = targets_map.tiles
    values, _ = survey.sample(tiles["lon"], tiles["lat"])
    np.testing.assert_allclose(values[:, 0], likeness(tiles["lon"].value, tiles["lat"].value), atol=2e-3)
    assert survey.sample(209.0, 40.0)[1] == 0


@pytest.mark.slow
def test_labels_are_whole_numbers_and_never_averaged(targets_map, tmp_path):
    folder = skykin.hips(targets_map, tmp_path / "match", column="match", order=1)
    said = check_rules(folder)
    assert said["hips_pixel_bitpix"] == "16"
    assert "hips_hierarchy" not in said
    raw = [fits.getdata(path, do_not_scale_image_data=True) for path in folder.glob("Norder*/Dir0/*.fits")]
    np.testing.assert_array_equal(np.unique(np.concatenate(raw)), [-32768, 0, 1])
    with Image.open(next(folder.glob("Norder1/Dir0/Npix*.png"))) as picture:
        assert set(np.unique(np.asarray(picture)[..., 3])) <= {0, 255}
    values, seen = open_survey(folder).sample(209.0, -19.0)
    assert (values[0], seen) == (1, 1)


def test_what_cannot_be_written_is_one_sentence(targets_map, tmp_path):
    with pytest.raises(UnknownNameError, match="the tiles have no numbers 'nothing'; choose among rank, lon"):
        skykin.hips(targets_map, tmp_path / "x", column="nothing")
    with pytest.raises(UsageError, match="column is 'score', but a survey has no tiles with columns"):
        skykin.hips(field_image(), tmp_path / "x", column="score")
    with pytest.raises(UsageError, match="order is 21, but it must be from 0 to 20"):
        skykin.hips(targets_map, tmp_path / "x", order=21)
    with pytest.raises(UsageError, match="tile_format is 'gif', but it must be fits, png or jpeg"):
        skykin.hips(targets_map, tmp_path / "x", tile_format="fits,gif")
    with pytest.raises(UsageError, match="frame is 'ecliptic', but it must be galactic or equatorial"):
        skykin.hips(targets_map, tmp_path / "x", frame="ecliptic")
    with pytest.raises(ResourceError, match=r"the HiPS needs about .* GB, but .* GB are free"):
        skykin.hips(targets_map, tmp_path / "x", order=12)
    with (
        patch("skykin.jobs.hips.LARGEST_UNASKED", 1000),
        pytest.raises(
            UsageError, match=r"would have order 0: 2 tiles in fits and png, about .* give --order 0"
        ),
    ):
        skykin.hips(targets_map, tmp_path / "x")  # fmt: skip
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_folder_is_replaced_if_it_holds_nothing_else(targets_map, tmp_path):
    folder = skykin.hips(targets_map, tmp_path / "score", tile_format="fits")
    with pytest.raises(UsageError, match="already holds"):
        skykin.hips(targets_map, folder, tile_format="fits")
    skykin.hips(targets_map, folder, column="q", tile_format="fits", overwrite=True)
    assert said_in(folder)["obs_title"].startswith("Q, Orion")
    (folder / "Norder0" / "Dir0" / "mine.txt").write_text("notes")
    with pytest.raises(UsageError, match="holds 'Norder0/Dir0/mine.txt', which Skykin did not write"):
        skykin.hips(targets_map, folder, overwrite=True)


@pytest.mark.slow
def test_a_stopped_hips_leaves_nothing(targets_map, tmp_path):
    with patch("skykin.products.hips.writer._encoded", side_effect=KeyboardInterrupt), \
         pytest.raises(KeyboardInterrupt):  # fmt: skip
        skykin.hips(targets_map, tmp_path / "score")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_targets_of_a_map_of_the_whole_sky_have_their_ranks(tmp_path):
    found = made_up_result()
    folder = skykin.hips(found, tmp_path / "targets", column="target")
    said = check_rules(folder)
    assert said["hips_frame"] == "galactic"
    table = found.targets().table
    values, _ = open_survey(folder).sample(table["lon"], table["lat"])
    np.testing.assert_array_equal(values[:, 0], table["rank"])
    score = skykin.hips(found, tmp_path / "score", frame="equatorial", tile_format="fits")
    assert check_rules(score)["hips_frame"] == "equatorial"
    lon, lat = RANDOM.uniform(0, 360, 300), np.degrees(np.arcsin(RANDOM.uniform(-1, 1, 300)))
    values, seen = open_survey(score).sample(lon, lat)
    centres = found.tiles["lon"].value, found.tiles["lat"].value
    nearest = [np.argmin(separation_deg(*centres, *place)) for place in zip(lon, lat, strict=True)]
    np.testing.assert_allclose(values[seen == 1, 0], found.scores[nearest][seen == 1], atol=0.02)
    assert (seen == 1).mean() > 0.8


@pytest.mark.slow
@pytest.mark.wham
def test_wham_as_hips_is_read_as_it_was(wham_path, tmp_path):
    folder = skykin.hips("wham", tmp_path / "wham")
    said = check_rules(folder)
    assert (said["hips_order"], said["hips_frame"], said["data_unit"]) == ("0", "galactic", "R")
    lon, lat = RANDOM.uniform(0, 360, 200), np.degrees(np.arcsin(RANDOM.uniform(-1, 1, 200)))
    values, coverage = open_survey("wham").sample(lon, lat)
    again, seen = open_survey(folder).sample(lon, lat)
    both = (coverage > 0) & (seen > 0.5)
    # A pixel at the border of a gap lies on one side of it or on the other.
    assert ((coverage > 0) == (seen > 0.5)).mean() > 0.95
    assert both.mean() > 0.85
    light = values[both].sum(axis=1)
    assert np.quantile(np.abs(again[both, 0] - light) / np.maximum(light, 1), 0.95) < 0.05


@pytest.mark.slow
def test_an_index_gives_its_survey_its_columns_and_its_kinds(asked_survey, tmp_path):
    survey, index = asked_survey
    rendered = RenderedSurvey(survey, index.stretch)
    with patch("skykin.jobs.hips_source.sky_of", return_value=rendered):
        folder = skykin.hips(index, tmp_path / "survey", order=0, tile_format="png")
    assert said_in(folder)["obs_title"] == "Survey of blobs"
    colours, _ = open_survey(folder).sample(209.0, -19.0)
    np.testing.assert_allclose(colours, rendered.colours(209.0, -19.0)[0], atol=0.02)
    light = skykin.hips(index, tmp_path / "light", column="mean_intensity")
    assert check_rules(light)["data_unit"] == "R"
    tiles = index.tiles
    values, _ = open_survey(light).sample(tiles["lon"], tiles["lat"])
    np.testing.assert_allclose(values[:, 0], tiles["mean_intensity"].value, rtol=0.02)
    pytest.importorskip("sklearn")
    kinds = skykin.cluster(index, 3)
    values, _ = open_survey(skykin.hips(kinds, tmp_path / "kinds")).sample(tiles["lon"], tiles["lat"])
    agree = values[:, 0] == np.asarray(kinds.tiles["kind"])
    assert agree.mean() > 0.9  # at the border of two kinds the reader mixes them


@pytest.mark.slow
def test_the_commands_write_what_the_functions_write(tmp_path):
    values, wcs = field_image((30, 30))
    fits.PrimaryHDU(values, wcs.to_header()).writeto(tmp_path / "field.fits")
    run = CliRunner()
    asked = ["hips", str(tmp_path / "field.fits"), "-o", str(tmp_path / "tiles"), "--order", "1"]
    done = run.invoke(app, [*asked, "--tile-format", "jpeg,fits", "--frame", "galactic"])
    assert (done.exit_code, f"Wrote {tmp_path / 'tiles'}" in done.output.replace("\n", "")) == (0, True)
    said = check_rules(tmp_path / "tiles")
    assert (said["hips_tile_format"], said["hips_frame"]) == ("jpeg fits", "galactic")
    again = run.invoke(app, asked)
    assert (again.exit_code, "USAGE-OUT" in again.output) == (2, True)
    none = run.invoke(app, ["page", str(tmp_path / "tiles"), "-o", str(tmp_path / "page.html")])
    assert (none.exit_code, "IN-NOTMAP" in none.output) == (3, True)
