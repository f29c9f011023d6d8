"""Tests of the field that figures of a small survey show."""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from matplotlib.figure import Figure

from skykin.core.extent import Extent
from skykin.core.footprint import Footprint
from skykin.products.field import LONGEST_PIXELS, Field, field_of, frame_shown
from skykin.products.figures.sky_axes import field_axes
from skykin.products.figures.small_field import band_legend, field_sheet
from skykin.products.summary import MapSummary, summary_lines
from skykin.products.survey_facts import _extent
from skykin.products.wording import band_words, position
from tests.kinds import made_up_result

#: An image of 0.4° × 0.2° in right ascension and declination, about Barnard 33.
SKY = SkyCoord(
    85.25 + np.array([-0.2, 0.2, -0.2, 0.2]), -2.45 + np.array([-0.1, -0.1, 0.1, 0.1]), unit="deg"
).galactic


def field(frame="icrs", margin_deg=0.0):
    return Field.around(SKY.l.deg, SKY.b.deg, frame, margin_deg)


def test_a_field_holds_its_positions_and_no_more_in_the_frame_of_the_image():
    assert field().aspect == pytest.approx(2, rel=1e-3)
    assert field().shape == (LONGEST_PIXELS // 2, LONGEST_PIXELS)
    # In Galactic coordinates the same corners stand askew: the field is turned by 62° there.
    assert field("galactic").aspect == pytest.approx(0.81, abs=0.01)
    assert field("icrs", 9.0).aspect == pytest.approx((0.4 + 0.064) / (0.2 + 0.064), rel=1e-2)


def test_field_axes_place_galactic_positions_and_give_them_back():
    axes = field_axes(Figure(), (0.1, 0.1, 0.8, 0.8), field())
    rows, columns = field().shape
    corners = axes.place(SKY.l.deg, SKY.b.deg)
    np.testing.assert_allclose(corners[0], [columns - 0.5, -0.5], atol=0.5)
    np.testing.assert_allclose(corners[3], [-0.5, rows - 0.5], atol=0.5)
    lon, lat = axes.positions()
    assert lon.shape == (rows, columns)
    back = SkyCoord(lon[0, -1] * u.deg, lat[0, -1] * u.deg, frame="galactic").icrs
    assert (back.ra.deg, back.dec.deg) == pytest.approx((85.05, -2.55), abs=0.001)
    assert axes.holds(axes.place(np.array([29.0]), np.array([19.0]))).tolist() == [False]


@pytest.mark.parametrize(
    ("frame", "shown"),
    [("icrs", "icrs"), ("fk5", "icrs"), ("FK4", "icrs"), ("galactic", "galactic"), ("not told", "galactic"),
     ("ecliptic", "galactic")],
)  # fmt: skip
def test_equatorial_images_are_drawn_in_icrs_and_all_others_in_galactic_coordinates(frame, shown):
    assert frame_shown({"frame": frame}) == shown


@pytest.mark.parametrize(("radius_deg", "alone"), [(42.35, True), (45.0, False)])
def test_an_image_of_sixty_degrees_a_side_is_shown_alone_and_a_larger_one_on_the_whole_sky(radius_deg, alone):
    extent = Extent(205.0, 0.0, radius_deg)
    places = tuple(Footprint(lon, lat, 6.0) for lon in (180.0, 205.0, 230.0) for lat in (-25.0, 0.0, 25.0))
    assert (field_of(made_up_result(places, None, extent=extent)) is not None) is alone


def test_a_survey_about_the_plane_is_told_without_a_minus_sign():
    survey = SimpleNamespace(extent=Extent(205.0, -1e-9, 42.35))
    assert _extent(survey) == "within 42.35° of l=205.0000°, b=+0.0000°"


def test_panels_of_a_wide_field_stand_one_above_the_other():
    _, (left, right) = field_sheet(field("galactic"), 2, 1.0)
    assert left.axes.get_position().x1 < right.axes.get_position().x0
    _, (above, below) = field_sheet(field(), 2, 1.0)
    assert above.axes.get_position().y0 > below.axes.get_position().y1


def test_a_grey_image_names_its_band_once():
    assert band_words(("intensity",) * 3) == [("white", "brightness: intensity")]
    assert [each.get_label() for each in band_legend(("intensity",) * 3)] == [
        "brightness: intensity", "dark grey: no data",
    ]  # fmt: skip
    assert [text for _, text in band_words(("a", "b", "a"))] == ["red: a", "green: b", "blue: a"]


def test_positions_are_written_in_the_frame_with_as_many_digits_as_the_tile_needs():
    where = SkyCoord("05h40m59s", "-02d27m30s").galactic
    tile = Footprint(where.l.deg, where.b.deg, 0.05)
    assert position(tile, frame="icrs") == "05h40m59.0s, −02°27′30″"
    fine = Footprint(where.l.deg, where.b.deg, 0.005)
    assert position(fine, frame="icrs") == "05h40m59.00s, −02°27′30.0″"
    assert position(tile) == "l = 206.956°, b = −16.775°"


def test_a_map_of_a_small_field_tells_shares_of_its_own_area():
    from skykin.core.criterion import ScoreCut

    lines = summary_lines(
        MapSummary(
            n_tiles=1000, n_matches=30, cut=ScoreCut("score", 0.4), sky_fraction_mapped=1.5e-6,
            sky_fraction_matching=3e-8, sky_fraction_in_matching_tiles=6e-8, calibrated=True,
            spearman={"mean_intensity": 0.1, "abs_latitude": 0.2},
        )
    )  # fmt: skip
    assert lines[1] == (
        "30 of them match (score 0.4 or more): they stand for 2.0 % of the 223 arcmin² that were mapped, and "
        "4.0 % lies inside at least one of them."
    )
    assert lines[-1] == "Rank correlation (Spearman) of the score: +0.10 with mean intensity."
