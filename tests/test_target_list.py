"""Lists of objects, the user's own among them."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table

from skykin.core.errors import (
    CorruptFileError,
    DataQualityError,
    HeaderInvalidError,
    InputRefusedError,
    SkyError,
)
from skykin.evaluate.shipped_lists import shipped_lists
from skykin.evaluate.target_file import parse, read_target_list
from skykin.evaluate.target_list import TargetList


def own_table():
    return Table({"Name": ["a", "b"], "l": [10.0, 350.0], "b": [5.0, -60.0], "diam": [2.0, 0.5]})


def parsed(path, tmp_path):
    folder = tmp_path / "child"
    folder.mkdir(exist_ok=True)
    names = parse(path, folder)["names"]
    return names, *(np.load(folder / f"{what}.npy") for what in ("lon", "lat", "size"))


def test_a_list_is_read_in_a_child_process(tmp_path):
    path = tmp_path / "mine.csv"
    own_table().write(path, format="ascii.csv")
    read = read_target_list(path)
    assert (read.title, read.names) == ("mine.csv", ("a", "b"))
    np.testing.assert_array_equal(read.lon_deg, [10, 350])
    np.testing.assert_array_equal(read.lat_deg, [5, -60])
    np.testing.assert_array_equal(read.diameter_deg, [2, 0.5])


@pytest.mark.parametrize("suffix", [".ecsv", ".vot", ".fits", ".txt"])
def test_any_form_of_table_will_do(tmp_path, suffix):
    path = tmp_path / f"mine{suffix}"
    form = {".ecsv": "ascii.ecsv", ".vot": "votable", ".fits": "fits", ".txt": "ascii.basic"}[suffix]
    own_table().write(path, format=form)
    names, lon, lat, _ = parsed(path, tmp_path)
    assert [name.strip() for name in names] == ["a", "b"]
    np.testing.assert_allclose(lon, [10, 350])
    np.testing.assert_allclose(lat, [5, -60])


def test_equatorial_positions_are_turned_and_units_are_heeded(tmp_path):
    place = SkyCoord([83.82, 10.0] * u.deg, [-5.39, 89.0] * u.deg)
    table = Table({"ra": place.ra.hourangle * u.hourangle, "dec": place.dec.arcmin * u.arcmin})
    table.write(tmp_path / "mine.ecsv")
    names, lon, lat, size = parsed(tmp_path / "mine.ecsv", tmp_path)
    assert names == ["row 1", "row 2"]
    np.testing.assert_allclose(lon, place.galactic.l.deg, atol=1e-5)
    np.testing.assert_allclose(lat, place.galactic.b.deg, atol=1e-5)
    assert np.isnan(size).all()


def test_a_table_that_cannot_be_used_is_refused(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("name,x,y\na,1,2\n")
    sentence = "no columns with positions are found in 'mine.csv', which has 'name, x, y'; call them l and b"
    with pytest.raises(HeaderInvalidError, match=sentence):
        parsed(path, tmp_path)
    path.write_text("l,b\n10,5\n20,95\n")
    sentence = "row 2 of 'mine.csv' lies at longitude 20°, latitude 95°, which is not on the sky"
    with pytest.raises(SkyError, match=sentence):
        parsed(path, tmp_path)
    path.write_text("l,b\n10h,5\n20h,6\n")
    with pytest.raises(SkyError, match="column 'l' of 'mine.csv' does not hold one number a row"):
        parsed(path, tmp_path)
    path = tmp_path / "mine.ecsv"
    Table({"l": [1.0] * u.K, "b": [2.0]}).write(path)
    with pytest.raises(SkyError, match="column 'l' of 'mine.ecsv' is in 'k', which is no angle"):
        parsed(path, tmp_path)
    path = tmp_path / "mine.fits"
    path.write_text("not FITS at all")
    with pytest.raises(
        CorruptFileError, match=r"'mine.fits' cannot be read as a table \(fits: .*write it as CSV"
    ):
        parsed(path, tmp_path)
    with pytest.raises(InputRefusedError, match="there is no file '.*nothing.csv'; give a table such as"):
        read_target_list(tmp_path / "nothing.csv")


def test_a_table_in_memory_needs_positions_on_the_sky():
    with pytest.raises(HeaderInvalidError, match="the table 'mine' lacks the column lon_deg and lat_deg"):
        TargetList.from_table(QTable({"l": [1.0]}), "mine")
    far = QTable({"lon_deg": [10.0, 400.0], "lat_deg": [0.0, 0.0]})
    with pytest.raises(
        SkyError, match=r"row 2 of 'mine' \('row 2'\) lies at l=400°, b=0°, which is not on the sky"
    ):
        TargetList.from_table(far, "mine")
    with pytest.raises(DataQualityError, match="the list 'mine' holds no objects"):
        TargetList.from_table(far, "mine", np.array([False, False]))
    sized = QTable({"lon_deg": [10.0] * u.deg, "lat_deg": [60.0] * u.arcmin, "diameter_deg": [30] * u.arcmin})
    own = TargetList.from_table(sized, "mine")
    assert (own.lat_deg[0], own.diameter_deg[0]) == (pytest.approx(1.0), pytest.approx(0.5))


def test_the_shipped_lists_are_large_enough_and_apart_from_the_confusers():
    lists, confusers = shipped_lists()
    assert lists[0].title == "Sharpless ≥ 0.5°"
    assert all(len(each) >= 20 for each in (*lists, confusers))
    assert (lists[0].diameter_deg >= 0.5).all()
    names = {name for each in lists for name in each.names}
    assert not names & set(confusers.names)
