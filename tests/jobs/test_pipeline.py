"""The whole job: from a survey and a reference to a map of kin."""

import json
from concurrent.futures import Future

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits

import skykin
from skykin.core.criterion import ScoreCut
from skykin.core.errors import DataQualityError, SkyError, UnknownNameError, UsageError
from skykin.core.progress import SilentProgress
from skykin.products.summary import MapSummary
from skykin.products.write import PRODUCTS
from tests.skies import blob_survey, write_wham_like

SMALL = {"tile_size": 30, "spacing": 15, "pixels": 32, "recipe": "poster"}


def on(survey, **changes):
    return skykin.map(survey, **{**SMALL, **changes})


@pytest.fixture(scope="module")
def survey():
    return blob_survey()


@pytest.fixture(scope="module")
def kin(survey):
    return on(survey)


def score_at(kin, lon, lat):
    place = SkyCoord(lon * u.deg, lat * u.deg, frame="galactic")
    tiles = SkyCoord(kin.tiles["lon"], kin.tiles["lat"], frame="galactic")
    return float(kin.tiles["score"][place.separation(tiles).argmin()])


def test_the_reference_scores_one_against_itself(kin):
    assert kin.summary.reference_score == pytest.approx(1, abs=1e-6)


def test_the_twin_of_orion_is_its_nearest_tiles_of_and_the_empty_sky_is_not(kin):
    assert score_at(kin, 80, 0) > 0.9
    assert score_at(kin, 80, 0) > score_at(kin, 120, 80) > score_at(kin, 150, -60)


def test_every_tile_has_one_rank_and_matches_by_its_score(kin):
    assert sorted(kin.tiles["rank"]) == list(range(1, len(kin.tiles) + 1))
    best_first = kin.tiles[np.argsort(kin.tiles["rank"])]
    assert (np.diff(best_first["score"]) <= 0).all()
    np.testing.assert_array_equal(kin.tiles["match"], np.asarray(kin.tiles["score"]) >= 0.9)
    assert kin.tiles["mean_intensity"].unit == u.R


def test_the_score_of_a_tile_is_the_largest_of_its_layers(kin):
    layers = np.array([kin.tiles[f"cosine_{layer}"] for layer in kin.layers])
    np.testing.assert_array_equal(kin.tiles["score"], layers.max(axis=0))


def test_a_title_is_shown_instead_of_the_survey_s_and_changes_no_score(survey):
    plain, titled = (on(survey, area="60,100,-20,20", title=title) for title in (None, "Hα <of> our sky"))
    assert titled.summary.survey == titled.survey.title == "Hα <of> our sky"
    assert repr(titled).startswith("<SkyMap of Hα <of> our sky: ")
    np.testing.assert_array_equal(titled.scores, plain.scores)
    assert titled.provenance == plain.provenance


@pytest.mark.slow
def test_turning_the_sky_by_a_quarter_turns_the_scores_with_it(kin):
    turned = on(blob_survey(turned_deg=90), reference="299,-19")
    here = {
        (round(x, 4), round(y, 4)): s for x, y, s in zip(kin.lon_deg, kin.lat_deg, kin.scores, strict=True)
    }
    there = [
        here[round((x - 90) % 360, 4), round(y, 4)]
        for x, y in zip(turned.lon_deg, turned.lat_deg, strict=True)
    ]
    np.testing.assert_allclose(turned.scores, there, atol=1e-5)


@pytest.mark.slow
def test_the_number_of_threads_changes_no_bit(kin, survey):
    again = on(survey, jobs=3)
    np.testing.assert_array_equal(again.scores, kin.scores)
    np.testing.assert_array_equal(on(survey, jobs=1).scores, kin.scores)


@pytest.mark.parametrize("recipe", ["covariance", "mean-std"])
@pytest.mark.slow
def test_standardised_recipes_find_the_twin_in_a_tenth_of_the_sky(survey, recipe):
    kin = on(survey, recipe=recipe, top_fraction=0.1, engine="tiles")
    assert kin.summary.sky_fraction_matching == pytest.approx(0.1, abs=1.5 / len(kin.tiles))
    assert kin.summary.reference_score == pytest.approx(1, abs=1e-6)
    assert score_at(kin, 80, 0) >= kin.cut.value
    assert abs(np.mean(kin.scores)) < 0.35


@pytest.mark.slow
def test_rectangles_of_the_plate_carree_find_the_twin_too(survey):
    kin = on(survey, grid="plate-carree")
    assert kin.tile_nside is None
    assert score_at(kin, 80, 0) > 0.9
    assert kin.tiles["area"].sum() == pytest.approx(1)


def test_a_stretch_per_tile_leaves_the_twin_a_match(survey):
    kin = on(survey, stretch_per_tile=True, area="60,100,-20,20")
    assert score_at(kin, 80, 0) > 0.9


def test_a_threshold_or_a_share_of_the_sky_may_be_asked_for(survey):
    area = "60,100,-20,20"
    assert on(survey, threshold=0.5, area=area).cut == ScoreCut("score", 0.5)
    half = on(survey, top_fraction=0.5, area=area)
    assert half.tiles["match"].sum() == pytest.approx(len(half.tiles) / 2, abs=0.5)


def test_tiles_with_too_little_data_are_left_out_and_counted():
    south = blob_survey(covered=lambda lon, lat: lat < 0)
    kin = on(south)
    assert kin.summary.n_left_out + len(kin.tiles) == 192
    assert (kin.tiles["lat"] < 5 * u.deg).all()
    assert kin.tiles["coverage"].min() >= 0.5


def test_the_summary_sets_the_score_beside_its_rivals_and_controls(kin):
    summary = kin.summary
    assert set(summary.controls) == {"black", "grey", "white", "colour-noise", "grey-noise"}
    assert set(summary.recall_at) == {"score", "brightness", "latitude"}
    assert -1 <= summary.spearman["mean_intensity"] <= 1
    assert summary.n_tiles == 192
    assert MapSummary.from_dict(json.loads(json.dumps(summary.to_dict(), allow_nan=False))) == summary


def test_a_reference_may_be_a_sky_position(survey, kin):
    there = on(survey, reference=SkyCoord(209 * u.deg, -19 * u.deg, frame="galactic"), area="60,100,-20,20")
    assert score_at(there, 80, 0) == pytest.approx(score_at(kin, 80, 0), abs=1e-12)


@pytest.mark.slow
def test_two_runs_write_the_same_maps_and_tables(survey, tmp_path):
    for name in ("a", "b"):
        kin = on(survey, area="190,230,-40,0")
        (tmp_path / name).mkdir()
        for product, _, write in PRODUCTS:
            write(kin, tmp_path / name / product)
    for product, _, _ in PRODUCTS:
        assert (tmp_path / "a" / product).read_bytes() == (tmp_path / "b" / product).read_bytes(), product
    with fits.open(tmp_path / "a" / "score.fits", checksum=True) as hdus:
        assert hdus[1].header["SURVEY"] == "blobs"


def test_an_interruption_leaves_nothing_behind(survey, tmp_path, monkeypatch):
    taken = []

    def interrupted(self):
        taken.append(self)
        if len(taken) > 5:
            raise KeyboardInterrupt
        return result(self)

    result = Future.result
    monkeypatch.setattr(Future, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        on(survey, output=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"survey": "halpha"}, UnknownNameError, "there is no survey called 'halpha' and no such file"),
        ({"reference": "orionn"}, UnknownNameError, "rion"),
        ({"reference": "209,-99"}, UsageError, "latitude -99° is beyond the pole"),
        ({"recipe": "posters"}, UnknownNameError, "did you mean poster"),
        ({"tile_size": 1.5, "spacing": 0.5}, UsageError, "hardly larger than the beam of Survey of blobs"),
        ({"tile_size": 120}, UsageError, "must be above 0° and at most 90°"),
        ({"spacing": 30}, UsageError, "tiles of 30° about 30° apart leave gaps between them"),
        ({"area": "10,11,80,81"}, SkyError, "no tile is centred in longitudes 10° to 11°, lat"),
    ],
)
def test_what_cannot_be_mapped_is_one_sentence_and_nothing_written(
    survey, tmp_path, changes, error, sentence
):
    with pytest.raises(error, match=sentence):
        skykin.map(**{"survey": survey, **SMALL, **changes}, output=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_reference_in_a_hole_is_refused(tmp_path):
    holed = blob_survey(covered=lambda lon, lat: lat > 0)
    with pytest.raises(
        SkyError, match=r"covers 0% of the reference tile at l=209.00°, b=-19.00°, less than 50%"
    ):
        on(holed, output=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_survey_without_any_data_is_refused():
    with pytest.raises(DataQualityError, match="0 of 49152 positions are covered"):
        on(blob_survey(covered=lambda lon, lat: lat > 99))


def test_oversampling_far_beyond_the_beam_is_said(survey):
    class Listener(SilentProgress):
        heard = ""

        def say(self, sentence):
            self.heard += sentence

    listener = Listener()
    on(survey, tile_size=6, pixels=150, spacing=2.7, area="208,212,-21,-17", progress=listener)
    assert "25 pixels to a beam of 1° show the beam, not the sky; --pixels 144 are enough" in listener.heard


@pytest.mark.slow
def test_a_file_like_whams_gives_the_map_of_its_sky(tmp_path, kin):
    path = write_wham_like(tmp_path / "made.fits", lambda lon, lat: (lon > 180) & (lon < 240) & (lat < 15))
    found = on(path, area="195,225,-30,0")
    assert found.summary.reference_score == pytest.approx(1, abs=1e-6)
    assert found.provenance.survey["name"] == "wham"
    assert score_at(found, 209, -19) > 0.97


@pytest.mark.slow
@pytest.mark.wham
@pytest.mark.parametrize(
    ("name", "area"),
    [("Carina", "283,292,-5,4"), ("Cygnus X", "75,84,-4,4"), ("Gum and Vela", "256,268,-10,2")],
)
def test_the_poster_recipe_finds_well_known_regions_in_wham(wham_path, name, area):
    kin = skykin.map(wham_path, area=area, recipe="poster")
    assert kin.tiles["match"].any(), name
    assert kin.summary.reference_score == pytest.approx(1, abs=1e-6)
