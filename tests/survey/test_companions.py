"""Folders in which weights, uncertainties, masks and tables stand beside the images."""

import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from skykin.core.errors import CorruptFileError
from skykin.core.progress import SilentProgress
from skykin.survey.derived import mosaic
from skykin.survey.derived.companions import Companion, companions
from skykin.survey.open import open_survey

HEADER = {"CTYPE1": "GLON-CAR", "CTYPE2": "GLAT-CAR", "CRVAL1": 80.0, "CRVAL2": 0.0, "CRPIX1": 20.5}
HEADER |= {"CRPIX2": 20.5, "CDELT1": -0.02, "CDELT2": 0.02}
RANDOM = np.random.default_rng(0)


class Listener(SilentProgress):
    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)


def image(path, level, size=40, **cards):
    path.parent.mkdir(exist_ok=True)
    values = level * np.ones((size, size)) if np.isscalar(level) else level
    noise = 0.01 * RANDOM.normal(size=(size, size)) * (values != 0)
    fits.PrimaryHDU((values + noise).astype(np.float32), fits.Header(HEADER | cards)).writeto(path)


def opened(folder):
    listener = Listener()
    survey = open_survey(folder, progress=listener)
    return survey, [sentence for sentence in listener.said if "resolution" not in sentence]


SETS = {
    "Montage": ("hdu0_m31.fits", ["hdu0_m31_area.fits"], []),
    "SWarp": ("coadd.fits", ["coadd.weight.fits"], []),
    "HST": ("hst_06_drz_sci.fits", ["hst_06_drz_wht.fits"], ["hst_06_drz_ctx.fits"]),
    "Pan-STARRS": (
        "rings.v3.skycell.1234.012.stk.r.unconv.fits",
        ["rings.v3.skycell.1234.012.stk.r.unconv.wt.fits", "rings.v3.skycell.1234.012.stk.r.unconv.exp.fits"],
        ["rings.v3.skycell.1234.012.stk.r.unconv.mask.fits"],
    ),
    "WISE": (
        "0000m016_ac51-w1-int-3.fits",
        ["0000m016_ac51-w1-cov-3.fits.gz"],
        ["0000m016_ac51-w1-unc-3.fits"],
    ),
    "Spitzer": ("SPITZER_I1_42_maic.fits", ["SPITZER_I1_42_mcov.fits"], ["SPITZER_I1_42_munc.fits"]),
    "ZTF": ("ztf_202_zg_refimg.fits", ["ztf_202_zg_refcov.fits"], ["ztf_202_zg_refunc.fits"]),
    "GALEX": ("AIS_7-nd-int.fits", ["AIS_7-nd-rrhr.fits"], ["AIS_7-nd-skybg.fits", "AIS_7-nd-flags.fits"]),
    "Legacy": (
        "legacysurvey-0001m002-image-r.fits.fz",
        ["legacysurvey-0001m002-invvar-r.fits.fz", "legacysurvey-0001m002-nexp-r.fits.fz"],
        ["legacysurvey-0001m002-chi2-r.fits.fz", "legacysurvey-0001m002-maskbits.fits.fz"],
    ),
    "SExtractor": (
        "im.fits",
        [],
        ["im_back.fits", "im_segm.fits", "im_obj.fits", "im_apertures.fits", "segmentation.fits"],
    ),
    "SCAMP": ("im.fits", ["im.weight.fits"], ["im_chi2.fits", "im.check.fits"]),
    "Herschel": ("m31_image.fits", ["m31_coverage.fits"], ["m31_stDev.fits"]),
    "ROSAT": ("rs930101n00_im1.fits", ["rs930101n00_mex.fits"], ["rs930101n00_bk1.fits"]),
    "XMM": ("P01_IMAGE_.FIT", ["P01_EXPMAP.FIT"], ["P01_BKGMAP.FIT"]),
    "Fermi": ("cmap.fits", ["expmap.fits"], ["expcube.fits"]),
    "words of their own": (
        "m31.fits",
        ["m31_exposure_map.fits", "m31-coverage-map.fits"],
        ["m31-noise-map.fits", "m31_sigma_map.fits", "m31_footprint.fits"],
    ),
    "words before a name": ("m31.fits", ["weight_m31.fits"], ["unc_m31.fits", "mask_m31.fits"]),
    "VISTA": ("tile_st.fit", ["tile_st_conf.fit"], []),
    "ALMA": ("uid.cont.image.pbcor.fits", [], ["uid.cont.pb.fits", "uid.cont.residual.fits"]),
    "plain": ("image.fits", ["weight.fits", "exposure.fits"], ["rms.fits", "mask.fits", "err.fits"]),
    "plain with a name": (
        "m31.fits",
        ["m31_exp.fits"],
        ["m31_unc.fits", "m31_rms.fits", "m31_err.fits", "m31_mask.fits"],
    ),
}


@pytest.mark.parametrize("name", SETS)
def test_companions_of_each_survey_are_known_by_their_names(name):
    picture, weights, others = SETS[name]
    found = companions([Path("f", each) for each in sorted([picture, *weights, *others])])
    assert {each.path.name for each in found if each.is_weight} == set(weights)
    assert {each.path.name for each in found if not each.is_weight} == set(others)
    assert {each.image.name for each in found} == {picture}


@pytest.mark.parametrize(
    "names",
    [
        ["m31_area.fits", "m33_area.fits"],  # nothing beside them
        ["weight.fits"],
        ["field_1.fits", "field_2.fits"],
        ["m31_w1.fits", "m31_w2.fits", "m31_w1_5.fits"],
        ["background.fits", "orion.fits"],
        ["discovery.fits", "exponential.fits"],
    ],
)
def test_files_without_an_image_that_they_belong_to_are_images(names):
    assert companions([Path(name) for name in names]) == []


def test_a_weight_blanks_what_it_gives_no_weight_and_is_no_image(tmp_path):
    level = np.full((40, 40), 50.0)
    level[:, :20] = 0.0  # SWarp writes 0 where nothing was observed
    image(tmp_path / "f" / "coadd.fits", level)
    image(tmp_path / "f" / "coadd.weight.fits", np.where(level > 0, 3.0, 0.0))
    survey, said = opened(tmp_path / "f")
    values, coverage = survey.sample(np.array([80.2, 79.8]), np.zeros(2))
    np.testing.assert_array_equal(coverage, [0, 1])
    assert values[1, 0] == pytest.approx(50, abs=0.1)
    note = "note: 'coadd.weight.fits' is taken as the weight of 'coadd.fits': pixels of weight 0 are blank"
    assert note in said
    assert survey.to_dict()["files"][0]["weight"]["file"] == "coadd.weight.fits"


def test_images_of_the_same_pixels_are_named(tmp_path):
    for name, level in (("m31.fits", 50), ("m31_other.fits", 20)):
        image(tmp_path / "f" / name, level)
    image(tmp_path / "f" / "m32.fits", 50, CRVAL1=81.0)
    survey, said = opened(tmp_path / "f")
    assert survey.sample(80.0, 0.0)[0][0] == pytest.approx(35, abs=0.1)
    assert said[-1] == (
        "note: 'm31.fits', 'm31_other.fits' show the same pixels and are averaged; if one tells about "
        "another (its noise, its weight), take it out"
    )


def test_what_is_no_weight_or_does_not_fit_is_left_out_and_named(tmp_path):
    image(tmp_path / "f" / "m31.fits", 50)
    image(tmp_path / "f" / "m31_unc.fits", 1, BUNIT="mJy")
    image(tmp_path / "f" / "m31_mask.fits", 1)
    image(tmp_path / "f" / "m31_area.fits", 1, size=30)
    (tmp_path / "f" / "m31.head").write_text("CRVAL1 = 10\n")
    survey, said = opened(tmp_path / "f")
    assert survey.sample(80.0, 0.0)[0][0] == pytest.approx(50, abs=0.1)
    assert survey.to_dict()["left_out"] == ["m31_area.fits", "m31_mask.fits", "m31_unc.fits"]
    assert said[-1] == (
        "note: 'm31_area.fits', 'm31_mask.fits', 'm31_unc.fits' are left out: tables, uncertainties, masks "
        "and the like are no images"
    )
    assert any("headers of SCAMP such as 'm31.head' are not read" in sentence for sentence in said)


@pytest.mark.parametrize("when", ["while others are opened", "before it is looked at"])
def test_o05_a_file_that_vanishes_is_named_and_the_others_are_used(tmp_path, monkeypatch, when):
    for name in ("a.fits", "b.fits"):
        image(tmp_path / "f" / name, 50 if name == "a.fits" else 70)
    if when == "while others are opened":
        real = mosaic.open_file

        def open_and_lose(path, *others):
            (tmp_path / "f" / "b.fits").unlink(missing_ok=True)
            return real(path, *others)

        monkeypatch.setattr(mosaic, "open_file", open_and_lose)
        survey, _ = opened(tmp_path / "f")
    else:
        survey, _ = opened(tmp_path / "f")
        (tmp_path / "f" / "b.fits").unlink()
    assert survey.sample(80.0, 0.0)[0][0] == pytest.approx(50, abs=0.1)
    (told,) = survey.to_dict()["rejected"]
    assert told["file"] == "b.fits"
    assert told["code"].startswith("IN-")
    assert "'b.fits'" in told["sentence"]


def test_where_every_file_of_a_folder_vanished_the_last_one_is_named(tmp_path):
    for name in ("a.fits", "b.fits"):
        image(tmp_path / "f" / name, 50)
    survey, _ = opened(tmp_path / "f")
    for name in ("a.fits", "b.fits"):
        (tmp_path / "f" / name).unlink()
    with pytest.raises(CorruptFileError, match="'b.fits' changed while it was read; run again when"):
        survey.sample(80.0, 0.0)


@pytest.mark.parametrize("rows", [7, 1000])
def test_a_mosaic_has_the_same_bits_however_many_rows_are_looked_at_together(tmp_path, monkeypatch, rows):
    for number, name in enumerate(("a.fits", "b.fits")):
        image(tmp_path / "f" / name, np.where(np.indices((40, 40))[number] < 25, 50 + number, np.nan))
    survey, _ = opened(tmp_path / "f")
    lat, lon = np.meshgrid(np.linspace(-0.5, 0.5, 150), np.linspace(79.5, 80.5, 70), indexing="ij")
    before = survey.sample(lon, lat)
    monkeypatch.setattr("skykin.survey.fill.ROWS_AT_ONCE", rows)
    for one, other in zip(before, survey.sample(lon, lat), strict=True):
        assert one.tobytes() == other.tobytes()
    assert 0 < before[1].mean() < 1


def test_o06_names_that_differ_in_case_are_two_files(tmp_path):
    image(tmp_path / "f" / "Field.fits", 50)
    image(tmp_path / "f" / "field.fits", 70)
    if len(list((tmp_path / "f").iterdir())) == 1:
        pytest.skip("a file system that knows no case")
    survey, _ = opened(tmp_path / "f")
    assert [each["file"] for each in survey.to_dict()["files"]] == ["Field.fits", "field.fits"]
    assert survey.sample(80.0, 0.0)[0][0] == pytest.approx(60, abs=0.1)


def test_o08_many_thousand_names_are_told_apart_in_time():
    names = [f"field_{number}{kind}.fits" for number in range(10_000) for kind in ("", ".weight")]
    start = time.process_time()
    found = companions([Path("f", name) for name in names])
    assert time.process_time() - start < 10
    assert len(found) == 10_000
    assert found[777] == Companion(Path("f/field_777.weight.fits"), Path("f/field_777.fits"), is_weight=True)


def test_o08_an_image_is_found_among_many_small_files(tmp_path):
    image(tmp_path / "f" / "m31.fits", 50)
    for number in range(3000):
        (tmp_path / "f" / f"{number}.txt").touch()
    survey, _ = opened(tmp_path / "f")
    assert survey.sample(80.0, 0.0)[0][0] == pytest.approx(50, abs=0.1)


def test_a_table_beside_images_is_left_out_and_named(tmp_path):
    image(tmp_path / "f" / "image.fits", 50)
    columns = [("GLON", 79.7, 80.3), ("GLAT", -0.3, 0.3), ("MAG", 15, 20)]
    table = [fits.Column(name, "D", array=RANDOM.uniform(low, high, 75)) for name, low, high in columns]
    fits.BinTableHDU.from_columns(table).writeto(tmp_path / "f" / "sources.fits")
    survey, said = opened(tmp_path / "f")
    places = np.array([80.05, 79.8, 80.2])
    np.testing.assert_allclose(survey.sample(places, places - 80)[0][:, 0], 50, atol=0.1)
    assert said[-1].startswith("note: 'sources.fits' is left out: tables,")
    (tmp_path / "f" / "image.fits").unlink()
    alone = open_survey(tmp_path / "f", beam_deg=0.5)
    assert 15 < alone.sample(80.0, 0.0)[0][0] < 20
