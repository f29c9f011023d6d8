"""The lists of objects that ship: are they where and what they say?"""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from skykin.catalogue.object_lists import COLUMNS, ObjectList, object_list, object_lists, shipped_lists
from skykin.core.errors import (
    DataQualityError,
    HeaderInvalidError,
    SkyError,
    UnknownNameError,
)

NAMES = [one.name for one in object_lists()]
ROWS = {
    "regions": (111, 108),
    "sharpless": (313, 235),
    "nebulae": (119, 104),
    "contaminants": (109, 0),
    "galaxies": (136, 0),
    "globulars": (106, 0),
}
#: Well-known equatorial positions (ICRS) of what is in them, typed in and not taken from the lists.
FAMOUS = {
    ("sharpless", "Sh2-281"): ("05h35m17s", "-05d23m28s"),
    ("sharpless", "Sh2-275"): ("06h31m55s", "+04d56m34s"),
    ("sharpless", "Sh2-25"): ("18h03m37s", "-24d23m12s"),
    ("sharpless", "Sh2-49"): ("18h18m48s", "-13d48m26s"),
    ("sharpless", "Sh2-131"): ("21h39m00s", "+57d29m24s"),
    ("sharpless", "Sh2-244"): ("05h34m32s", "+22d00m52s"),
    ("nebulae", "Carina Nebula"): ("10h45m08s", "-59d52m04s"),
    ("contaminants", "Spica H II region"): ("13h25m12s", "-11d09m41s"),
    ("contaminants", "NGC 7293"): ("22h29m39s", "-20d50m14s"),
    ("galaxies", "NGC 224"): ("00h42m44s", "+41d16m09s"),
    ("globulars", "NGC 5139"): ("13h26m47s", "-47d28m46s"),
}


#: Stars said to light a nebula, with their positions (ICRS).
STARS = {
    1: ("15h58m51s", "-26d06m51s"),  # π Sco
    7: ("16h00m20s", "-22d37m18s"),  # δ Sco
    9: ("16h21m11s", "-25d35m34s"),  # σ Sco
    27: ("16h37m10s", "-10d34m02s"),  # ζ Oph
    119: ("21h18m27s", "+43d56m45s"),  # 68 Cyg
    126: ("22h39m16s", "+39d03m01s"),  # 10 Lac
    134: ("22h11m31s", "+59d24m52s"),  # λ Cep
    185: ("00h56m43s", "+60d43m00s"),  # γ Cas
    220: ("03h58m58s", "+35d47m28s"),  # ξ Per
    229: ("05h16m18s", "+34d18m44s"),  # AE Aur
    264: ("05h35m08s", "+09d56m03s"),  # λ Ori
    310: ("07h18m42s", "-24d57m16s"),  # τ CMa
}


def places(table: QTable) -> SkyCoord:
    return SkyCoord(table["lon_deg"], table["lat_deg"], frame="galactic")


def row(name: str, key: str) -> QTable.Row:
    table = object_list(name)
    return table[np.flatnonzero(table["name"] == key)[0]]


@pytest.mark.parametrize("name", NAMES)
def test_every_row_is_on_the_sky_with_a_kind_and_a_source(name: str) -> None:
    table = object_list(name)
    assert tuple(table.colnames) == COLUMNS
    assert (len(table), int(np.sum(table["star_forming"]))) == ROWS[name]
    assert table["star_forming"].dtype == bool
    assert table["lon_deg"].unit == table["lat_deg"].unit == table["diameter_deg"].unit == u.deg
    assert np.all((table["lon_deg"] >= 0 * u.deg) & (table["lon_deg"] < 360 * u.deg))
    assert np.all(np.abs(table["lat_deg"]) <= 90 * u.deg)
    size = (
        table["diameter_deg"].filled(1 * u.deg)
        if name in ("nebulae", "contaminants")
        else table["diameter_deg"]
    )
    assert np.all((size > 0 * u.deg) & (size <= 40 * u.deg))
    assert all(len(one["source"]) > 5 and one["kind"] for one in table)
    assert table.meta["compiled"]
    assert table.meta["license"] == "BSD-3-Clause, as the rest of Skykin"


@pytest.mark.parametrize("name", NAMES)
def test_no_object_is_there_twice(name: str) -> None:
    table = object_list(name)
    assert len(set(table["name"])) == len(table)
    here = places(table)
    first, second, _, _ = here.search_around_sky(here, 0.05 * u.deg)
    for one, other in zip(first, second, strict=True):
        if one < other:
            names = [{table["name"][i], *table["aliases"][i].split("; ")} - {""} for i in (one, other)]
            assert not names[0] & names[1], names


@pytest.mark.parametrize(("key", "position"), FAMOUS.items(), ids=lambda v: v[-1])
def test_famous_objects_are_where_the_sky_has_them(key: tuple[str, str], position: tuple[str, str]) -> None:
    found = row(*key)
    place = SkyCoord(found["lon_deg"], found["lat_deg"], frame="galactic")
    apart = place.separation(SkyCoord(*position, frame="icrs"))
    assert apart < max(0.1 * u.deg, 0.25 * found["diameter_deg"])


@pytest.mark.parametrize(
    ("number", "star_forming", "kind"),
    [
        (281, True, "H II region"),
        (275, True, "H II region"),
        (190, True, "H II region"),
        (264, True, "H II region"),
        (27, False, "H II region of a runaway star"),
        (276, False, "ionised shell"),
        (103, False, "supernova remnant"),
        (105, False, "Wolf–Rayet nebula"),
        (216, False, "planetary nebula"),
        (191, False, "galaxy"),
    ],
)
def test_known_cases_of_sharpless_are_flagged_as_known(number: int, star_forming: bool, kind: str) -> None:
    found = row("sharpless", f"Sh2-{number}")
    assert (bool(found["star_forming"]), found["kind"]) == (star_forming, kind)


def test_sharpless_is_whole_and_in_order_with_his_sizes() -> None:
    table = object_list("sharpless")
    assert list(table["name"]) == [f"Sh2-{n}" for n in range(1, 314)]
    arcmin = {
        number: table["diameter_deg"][number - 1].to_value(u.arcmin) for number in (27, 190, 264, 275, 281)
    }
    assert arcmin == pytest.approx({27: 480, 190: 150, 264: 390, 275: 100, 281: 60}, abs=0.1)


@pytest.mark.parametrize(("number", "position"), STARS.items())
def test_a_star_lies_in_the_nebula_that_it_lights(number: int, position: tuple[str, str]) -> None:
    found = row("sharpless", f"Sh2-{number}")
    place = SkyCoord(found["lon_deg"], found["lat_deg"], frame="galactic")
    assert place.separation(SkyCoord(*position)) <= 0.5 * found["diameter_deg"]


def test_controls_and_contaminants_form_no_stars_and_spread_as_they_should() -> None:
    for name in ("contaminants", "galaxies", "globulars"):
        assert not np.any(object_list(name)["star_forming"])
    high = np.median(np.abs(object_list("galaxies")["lat_deg"].value))
    low = np.median(np.abs(object_list("sharpless")["lat_deg"].value))
    assert high > 40
    assert low < 3
    to_centre = SkyCoord(0 * u.deg, 0 * u.deg, frame="galactic").separation(places(object_list("globulars")))
    assert np.median(to_centre) < 45 * u.deg


def test_sharpless_agrees_with_an_independent_list_but_for_known_centres(shared: Path) -> None:
    with (shared / "catalogues/sharpless_sh2.csv").open(encoding="utf-8") as file:
        theirs = list(csv.DictReader(file))
    table = object_list("sharpless")
    other = SkyCoord(
        [float(r["l"]) for r in theirs] * u.deg, [float(r["b"]) for r in theirs] * u.deg, frame="galactic"
    )
    apart = places(table).separation(other).deg
    far = {number + 1 for number in np.flatnonzero(apart > 0.3)}
    # Sharpless's own centres; the other list has that of another nebula, or of a part.
    assert far <= {
        20,
        27,
        42,
        62,
        72,
        97,
        104,
        108,
        126,
        134,
        150,
        171,
        199,
        205,
        233,
        245,
        248,
        249,
        268,
        277,
        310,
    }
    assert np.median(apart) < 0.02


def test_remnants_have_the_places_and_sizes_of_green(shared: Path) -> None:
    with (shared / "catalogues/snr_green2014.csv").open(encoding="utf-8") as file:
        theirs = {(float(r["l"]), float(r["b"])): float(r["maj_arcmin"]) / 60 for r in csv.DictReader(file)}
    ours = {
        (float(m[1]), float(m[2])): float(one["diameter_deg"].unmasked.value)
        for one in object_list("contaminants")
        if (m := re.fullmatch(r"G(\d+\.\d)([+-]\d+\.\d)", one["name"]))
    }
    shared = ours.keys() & theirs.keys()
    assert all(ours[place] == pytest.approx(theirs[place], abs=0.01) for place in shared)
    assert len(shared) >= 40
    wide = {place for place, size in theirs.items() if size >= 1} - {(343.0, -6.0)}
    assert wide <= shared


def test_a_list_is_a_fresh_copy() -> None:
    object_list("sharpless")["name"][0] = "spoilt"
    assert object_list("sharpless")["name"][0] == "Sh2-1"


def test_an_unknown_list_is_named_with_those_that_are_there() -> None:
    with pytest.raises(
        UnknownNameError,
        match=r"^no list is called 'sharples'; did you mean sharpless\? There are regions, sharpless, "
        r"nebulae, contaminants, galaxies, globulars$",
    ):
        object_list("sharples")
    with pytest.raises(UnknownNameError, match=r"^no list is called '/etc/passwd'; there are regions, "):
        object_list("/etc/passwd")


def test_a_table_in_memory_needs_positions_on_the_sky():
    with pytest.raises(HeaderInvalidError, match="the table 'mine' lacks the column lon_deg and lat_deg"):
        ObjectList.from_table(QTable({"l": [1.0]}), "mine")
    far = QTable({"lon_deg": [10.0, 400.0], "lat_deg": [0.0, 0.0]})
    with pytest.raises(
        SkyError, match=r"row 2 of 'mine' \('row 2'\) lies at l=400°, b=0°, which is not on the sky"
    ):
        ObjectList.from_table(far, "mine")
    with pytest.raises(DataQualityError, match="the list 'mine' holds no objects"):
        ObjectList.from_table(far, "mine", np.array([False, False]))
    sized = QTable({"lon_deg": [10.0] * u.deg, "lat_deg": [60.0] * u.arcmin, "diameter_deg": [30] * u.arcmin})
    own = ObjectList.from_table(sized, "mine")
    assert (own.lat_deg[0], own.diameter_deg[0]) == (pytest.approx(1.0), pytest.approx(0.5))


def test_the_shipped_lists_are_large_enough_and_hold_no_contaminant():
    lists, contaminants = shipped_lists()
    assert lists[0].title == "Sharpless ≥ 0.5°"
    assert all(len(each) >= 20 for each in (*lists, contaminants))
    assert (lists[0].diameter_deg >= 0.5).all()
    names = {name for each in lists for name in each.names}
    assert not names & set(contaminants.names)
