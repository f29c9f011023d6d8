"""Maps of the same reference put together: the rank product, its null, the folder, and its evaluation."""

import json

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import QTable
from astropy_healpix import HEALPix
from scipy.stats import combine_pvalues
from typer.testing import CliRunner

import skykin
from skykin.catalogue.query import Example, Query
from skykin.cli.main import app
from skykin.core.errors import InputRefusedError, SkyError, UsageError
from skykin.core.footprint import Footprint
from skykin.core.provenance import Provenance
from skykin.evaluation.agreement import RotatedMaps, rank_product, rows_of_pixels
from skykin.products.map_folder import read_map_folder

NSIDE = 8
GRID = HEALPix(NSIDE, order="ring")
LON, LAT = (angle.deg for angle in GRID.healpix_to_lonlat(np.arange(GRID.npix)))


def write_map(folder, name, score, *, reference=("orion", 209.0, -19.4)):
    """A folder as `skykin map` writes it, as far as it is read."""
    folder.mkdir()
    order = np.argsort(-np.nan_to_num(score, nan=-9.0))
    kept = order[np.isfinite(score[order])]
    table = QTable(
        {
            "name": [f"tile {i}" for i in kept],
            "lon": LON[kept] * u.deg,
            "lat": LAT[kept] * u.deg,
            "width": np.full(len(kept), 15.0) * u.deg,
            "height": np.full(len(kept), 15.0) * u.deg,
            "score": score[kept],
            "coverage": np.ones(len(kept)),
            "brightness": np.full(len(kept), 0.5),
            "mean_intensity": 2.0 + np.sin(np.radians(LON[kept])),
            "area": np.full(len(kept), 1 / GRID.npix),
        }
    )
    table.write(folder / "tiles.ecsv", format="ascii.ecsv")
    provenance = Provenance(
        survey={"name": name},
        rendering={},
        grid={"spacing_deg": 7.4, "tile_size_deg": 15.0, "projection": "TAN"},
        query=Query((Example(reference[0], Footprint(*reference[1:], 15.0)),)).to_dict(),
        recipe={"name": "poster"},
        encoder="none",
        credits=(f"thanks to {name}", "thanks to all"),
    ).to_dict()
    document = {
        "survey": f"The sky of {name}",
        "acknowledgements": provenance.pop("credits"),
        "provenance": provenance,
    }
    (folder / "summary.json").write_text(json.dumps(document))
    return folder


def p_values(shares, seed):
    """At the pixels themselves."""
    known = np.isfinite(shares).sum(axis=0)
    return RotatedMaps(NSIDE, 100, seed).p_values(shares, rank_product(shares), known, np.arange(GRID.npix))


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Three maps with noise of their own around something that they share."""
    rng, folder = np.random.default_rng(1), tmp_path_factory.mktemp("maps")
    shared = np.cos(np.radians(4 * LON)) * np.cos(np.radians(LAT))
    return [
        write_map(folder / name, name, shared + rng.normal(size=GRID.npix))
        for name in ("gas", "dust", "hydrogen")
    ]


@pytest.fixture(scope="module")
def written(three, tmp_path_factory):
    """Their agreement, and its folder."""
    folder = tmp_path_factory.mktemp("agreement") / "all"
    return skykin.agree(three, rotations=50, output=folder), folder


def test_the_rank_product_is_fishers_combination_of_independent_shares():
    shares = np.random.default_rng(0).uniform(0.001, 1, (3, 20))
    expected = [-np.log10(combine_pvalues(column, "fisher").pvalue) for column in shares.T]
    np.testing.assert_allclose(rank_product(shares), expected)


def test_where_a_map_is_missing_the_product_is_that_of_the_others():
    shares = np.array([[0.01, 0.3, np.nan], [np.nan, 0.2, np.nan]])
    np.testing.assert_allclose(rank_product(shares)[:2], [2.0, rank_product(np.array([[0.3], [0.2]]))[0]])
    assert np.isnan(rank_product(shares)[2])


def test_rows_of_pixels_share_their_latitude_and_hold_the_sky():
    rows = rows_of_pixels(NSIDE)
    assert len(rows) == 4 * NSIDE - 1
    assert sum(row.stop - row.start for row in rows) == GRID.npix
    assert all(np.ptp(LAT[row]) < 1e-9 for row in rows)


def test_p_is_uniform_for_maps_that_have_nothing_but_latitude_in_common():
    rng = np.random.default_rng(2)
    noise = -np.abs(LAT) / 90 + rng.normal(scale=0.2, size=(3, GRID.npix))
    shares = (np.argsort(np.argsort(-noise, axis=1), axis=1) + 1) / GRID.npix
    p = p_values(shares, seed=3)
    for level in (0.05, 0.2, 0.5):
        assert abs(np.mean(p <= level) - level) < 4 * np.sqrt(level * (1 - level) / GRID.npix)


def test_p_is_small_where_maps_agree_and_the_same_for_the_same_seed():
    common = np.random.default_rng(4).permutation(GRID.npix) + 1.0
    shares = np.stack([common, common]) / GRID.npix
    p = p_values(shares, seed=5)
    near_plane = np.abs(LAT) < 45
    best = near_plane & (shares[0] < 0.02)
    assert p[best].max() < 0.02
    np.testing.assert_array_equal(p, p_values(shares, seed=5))


@pytest.mark.slow
def test_agreeing_maps_find_what_they_share_better_than_each_alone(written):
    result = written[0]
    lon, lat = (np.radians(result.tiles[name].value) for name in ("lon", "lat"))
    truth = np.cos(4 * lon) * np.cos(lat)
    together = np.corrcoef(result.scores, truth)[0, 1]
    alone = [np.corrcoef(-np.log(result.tiles[f"share_{name}"]), truth)[0, 1] for name in result.maps]
    assert together > max(alone) + 0.05
    assert np.mean(result.tiles["match"]) == pytest.approx(0.1, abs=0.002)
    assert result.coverage_map.sky_fraction == pytest.approx(0.1, abs=0.01)
    assert list(result.correlations["first"]) == ["gas", "gas", "dust"]
    assert all(0.1 < value < 0.5 for value in result.correlations["spearman"])
    assert all(row["low"] < row["in_rows"] < row["high"] for row in result.correlations)
    assert "3 maps of orion at the same places" in result.sentences()[0]


@pytest.mark.slow
def test_its_folder_reads_as_a_map_and_its_evaluation_puts_each_map_beside_it(written):
    read = read_map_folder(written[1])
    assert read.provenance.credits == (
        "thanks to gas", "thanks to all", "thanks to dust", "thanks to hydrogen",
    )  # fmt: skip
    assert set(read.provenance.recipe["maps"]) == {"gas", "dust", "hydrogen"}
    assert (written[1] / "agreement.png").is_file()
    places = np.flatnonzero((np.abs(LAT) < 30) & (np.cos(np.radians(4 * LON)) > 0.8))
    places = places[np.hypot((LON[places] - 209) % 360, LAT[places] + 19) > 25]
    objects = QTable({"lon_deg": LON[places], "lat_deg": LAT[places]}, meta={"title": "what they share"})
    found = skykin.evaluate(written[1], [objects], rotations=30)
    rows = {row["ranking"]: row for row in found.rows(measure="AUC_lat", zone="all sky")}
    assert found.evaluated == "score (rank product)"
    for name in ("gas", "dust", "hydrogen"):
        assert rows[f"{name} alone"]["gain"] > 0
    with pytest.raises(UsageError, match="but this was made from maps"):
        skykin.evaluate(written[1], [objects], survey=_sky(), stability=True)


def _sky():
    from tests.skies import blob_survey

    return blob_survey()


@pytest.mark.slow
def test_what_was_written_is_read_again(three, written):
    result, folder = written
    read = skykin.Agreement.read(folder)
    order = np.argsort(result.tiles["rank"])
    assert read.tiles.colnames == result.tiles.colnames
    for name in read.tiles.colnames:
        np.testing.assert_array_equal(read.tiles[name], result.tiles[name][order])
    for name in result.correlations.colnames:
        np.testing.assert_array_equal(read.correlations[name], result.correlations[name])
    for name in ("reference_name", "maps", "nside", "top_fraction"):
        assert getattr(read, name) == getattr(result, name)
    assert read.provenance.to_dict() == result.provenance.to_dict()
    np.testing.assert_array_equal(read.on_pixels("score"), result.on_pixels("score"))
    with pytest.raises(InputRefusedError, match="has no matches.moc.fits, so it is no folder made by"):
        skykin.Agreement.read(three[0])


@pytest.mark.slow
def test_a_notebook_shows_its_picture_and_a_prompt_one_line(written):
    result = written[0]
    assert repr(result) == f"<Agreement of gas, dust, hydrogen on orion: {len(result.tiles)} tiles>"
    page = result._repr_html_()
    assert page.count("data:image/png;base64,") == 1
    assert "Rank correlation of gas with dust" in page
    titles = [axes.get_title("left") for axes in result.plot().axes]
    assert titles[:2] == ["All together: rank product", "The sky of gas"]


@pytest.mark.slow
def test_the_map_in_the_folder_is_healpix_with_its_keywords(written):
    result, folder = written
    with fits.open(folder / "score.fits", checksum=True) as hdus:
        header, data = hdus[1].header, hdus[1].data
        assert (header["NSIDE"], header["ORDERING"], header["COORDSYS"]) == (NSIDE, "RING", "G")
        np.testing.assert_allclose(data["SCORE"], result.on_pixels("score"), rtol=1e-6)


@pytest.mark.slow
def test_a_place_that_one_map_does_not_know_keeps_the_product_of_the_others(three, tmp_path):
    half = np.where(LON < 180, np.random.default_rng(7).normal(size=GRID.npix), np.nan)
    part = write_map(tmp_path / "part", "part", half)
    result = skykin.agree([three[0], part], rotations=20)
    tiles = result.tiles[result.tiles["lon"] > 200 * u.deg]
    tiles = tiles[np.asarray(tiles["lon"] < 340 * u.deg) & (np.abs(tiles["lat"]) < 60 * u.deg)]
    assert set(tiles["maps"]) == {1}
    np.testing.assert_allclose(tiles["score"], -np.log10(tiles["share_gas"]))


@pytest.mark.slow
def test_maps_of_different_references_are_refused_unless_allowed(three, tmp_path):
    other = write_map(
        tmp_path / "c", "carina", np.random.default_rng(0).normal(size=GRID.npix),
        reference=("carina", 287.5, -0.6),
    )  # fmt: skip
    with pytest.raises(UsageError, match=r"different references, 'orion' and 'carina'; make them"):
        skykin.agree([three[0], other])
    assert len(skykin.agree([three[0], other], any_reference=True, rotations=5).maps) == 2


@pytest.mark.slow
def test_one_map_or_maps_without_common_sky_are_refused(three, tmp_path):
    with pytest.raises(UsageError, match="1 map was given, but agreement needs two or more"):
        skykin.agree("dust")
    with pytest.raises(UsageError, match="1 map was given, but agreement needs two or more"):
        skykin.agree(three[:1])
    north, south = (
        write_map(tmp_path / name, name, np.where(side * LAT > 30, LON, np.nan))
        for name, side in (("north", 1), ("south", -1))
    )
    with pytest.raises(SkyError, match="no part of the sky in common"):
        skykin.agree([north, south])


@pytest.mark.slow
def test_two_maps_of_one_survey_are_told_apart(three, tmp_path):
    again = write_map(tmp_path / "again", "gas", np.random.default_rng(9).normal(size=GRID.npix))
    assert list(skykin.agree([three[0], again], rotations=5).maps) == ["gas-1", "gas-2"]


@pytest.mark.slow
def test_the_command_writes_the_folder_and_tells_the_correlations(three, tmp_path):
    told = CliRunner().invoke(
        app, ["agree", *map(str, three), "-o", str(tmp_path / "out"), "--rotations", "20"]
    )
    assert told.exit_code == 0, told.output
    assert "Rank correlation of gas with dust" in told.output
    assert {"tiles.ecsv", "score.fits", "matches.moc.fits", "agreement.png", "summary.json"} <= {
        path.name for path in (tmp_path / "out").iterdir()
    }
