"""The table of regions is right, and names and positions are understood."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import ICRS, AltAz, SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from skykin.catalogue.references import ReferencePlace, resolve_reference
from skykin.catalogue.regions import Region, find_region, known_regions
from skykin.core.errors import UnknownNameError, UsageError

CATALOGUES = Path(__file__).parents[3] / "shared" / "catalogues"

#: Well-known objects (ICRS), and the region of ours that must hold them.
OBJECTS = [
    ("Orion A", "05:35:17.3 -05:23:28"),  # M42
    ("Orion Nebula", "05:35:17.3 -05:23:28"),
    ("Orion", "05:35:17.3 -05:23:28"),
    ("Orion", "05:41:43 -01:51:23"),  # NGC 2024
    ("Orion B", "05:41:43 -01:51:23"),
    ("Orion B", "05:46:46 +00:04:45"),  # NGC 2068
    ("Lambda Orionis", "05:35:08.3 +09:56:03"),
    ("Rosette", "06:31:55 +04:56:30"),  # NGC 2244
    ("Mon OB1", "06:40:58 +09:53:42"),  # NGC 2264
    ("Mon R2", "06:07:46.2 -06:23:08"),
    ("CMa OB1", "07:04:25 -10:27:18"),  # IC 2177
    ("Taurus", "04:41:42 +25:41:27"),  # TMC-1
    ("Taurus", "04:31:34 +18:08:05"),  # L1551
    ("Perseus", "03:29:02 +31:20:54"),  # NGC 1333
    ("Perseus", "03:44:34 +32:09:48"),  # IC 348
    ("Auriga", "05:16:29 +34:21:21"),  # IC 405
    ("Gem OB1", "06:12:54 +17:59:23"),  # Sh2-255
    ("W3/W4/W5", "02:25:40 +62:06:00"),  # W3
    ("W3/W4/W5", "02:51:12 +60:24:00"),  # W5
    ("Cygnus X", "20:33:12 +41:19:00"),  # Cyg OB2
    ("Cygnus X", "20:39:01 +42:19:33"),  # DR 21
    ("Cep OB3", "22:56:18.1 +62:01:49"),  # Cep A
    ("Cep OB4", "00:02:14 +67:25:00"),  # Berkeley 59
    ("Cepheus Flare", "21:01:37 +68:10:10"),  # NGC 7023
    ("NGC 7538", "23:13:45 +61:28:10"),
    ("Vela Molecular Ridge", "08:59:05.5 -47:30:39"),  # RCW 38
    ("Vela Molecular Ridge", "08:59:27 -43:45:27"),  # RCW 36
    ("RCW 49", "10:23:58 -57:45:49"),  # Westerlund 2
    ("Carina", "10:45:03.6 -59:41:04"),  # eta Car
    ("NGC 3603", "11:15:07 -61:15:39"),
    ("IC 2944", "11:38:20 -63:22:22"),
    ("Chamaeleon", "11:08:00 -77:10:00"),  # Cha I
    ("Lupus", "16:09:00 -39:05:00"),  # Lupus III
    ("rho Oph", "16:27:00 -24:30:00"),  # L1688
    ("CrA", "19:01:53.7 -36:57:08"),  # R CrA
    ("Serpens", "18:29:57 +01:14:00"),  # Serpens Main
    ("W40", "18:31:21 -02:05:00"),
    ("M16", "18:18:48 -13:48:24"),
    ("M17", "18:20:26 -16:10:36"),
    ("M8", "18:03:37 -24:23:12"),
    ("M20", "18:02:23 -23:01:48"),
    ("NGC 6334", "17:20:30 -35:45:00"),
    ("NGC 6357", "17:24:43 -34:12:04"),
    ("Ara OB1", "16:41:20 -48:45:48"),  # NGC 6193
    ("G333", "16:21:36 -50:30:00"),
    ("W51", "19:23:43 +14:30:30"),
    ("W49A", "19:10:13 +09:06:12"),
    ("W43", "18:47:40 -01:57:00"),
    ("Galactic Centre", "17:47:20.4 -28:23:07"),  # Sgr B2
    ("LMC", "05:38:42.4 -69:06:03"),  # 30 Dor
    ("SMC", "00:52:44.8 -72:49:43"),
    ("Zeta Oph", "16:37:09.54 -10:34:01.5"),
]

#: The only values of the column ``kind``.
KINDS = (
    "H II complex",
    "molecular cloud complex",
    "dark cloud complex",
    "OB association",
    "galaxy",
    "ionised shell",
    "H II region",
    "molecular cloud",
    "dark cloud",
    "dark nebula",
    "reflection nebula",
    "star cluster",
)


def center_of(place: Region | ReferencePlace) -> SkyCoord:
    return SkyCoord(place.lon_deg, place.lat_deg, unit="deg", frame="galactic")


def rows_of(name: str) -> list[dict[str, str]]:
    path = CATALOGUES / name
    if not path.exists():
        pytest.skip(f"{name} is not here")
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def all_regions() -> list[Region]:
    return [find_region(str(name)) for name in known_regions()["name"]]


def galactic(lon_deg: float, lat_deg: float) -> SkyCoord:
    return SkyCoord(lon_deg * u.deg, lat_deg * u.deg, frame="galactic")


def key(name: str) -> str:
    return re.sub(r"[\W_]", "", name.casefold())


def test_the_table_has_units_descriptions_and_says_how_it_was_compiled() -> None:
    table = known_regions()
    assert 100 <= len(table) <= 120
    assert 38 <= np.count_nonzero(table["annotate"]) <= 44
    assert [str(table[name].unit) for name in ("lon_deg", "lat_deg", "diameter_deg", "distance_pc")] == [
        "deg",
        "deg",
        "deg",
        "pc",
    ]
    assert all(table[name].info.description for name in table.colnames)
    assert "published facts" in table.meta["compiled"]
    assert "AKARI" not in str(table.meta) + str(list(table["source"]))


def test_every_row_is_a_possible_region_with_a_source() -> None:
    for region in all_regions():
        assert 0 <= region.lon_deg < 360
        assert abs(region.lat_deg) <= 90
        assert 0 < region.diameter_deg <= 40
        assert region.distance_pc is None or 100 <= region.distance_pc < 70_000
        assert region.kind in KINDS
        assert re.search(r"(18|19|20)\d\d", region.source), region.name
        assert region.name
        assert all(region.aliases)


def test_every_kind_is_used() -> None:
    assert {region.kind for region in all_regions()} == set(KINDS)


def test_names_and_aliases_are_all_different() -> None:
    keys = [key(name) for region in all_regions() for name in (region.name, *region.aliases)]
    assert sorted(keys) == sorted(set(keys))


def test_only_star_forming_regions_are_annotated_and_each_once() -> None:
    annotated = [region for region in all_regions() if region.annotate]
    assert "ionised shell" not in {region.kind for region in annotated}
    centres = SkyCoord([center_of(region) for region in annotated])
    _, nearest, _ = centres.match_to_catalog_sky(centres, nthneighbor=2)
    assert nearest.min().deg > 0.5


def test_only_the_magellanic_clouds_lie_outside_the_velocities_of_wham() -> None:
    outside = {region.name for region in all_regions() if not region.in_wham}
    assert outside == {"Large Magellanic Cloud", "30 Doradus", "Small Magellanic Cloud"}
    assert find_region("Auriga OB1").distance_pc is None
    assert find_region("omcc").distance_pc == 414


@pytest.mark.parametrize(("name", "position"), OBJECTS)
def test_a_region_holds_its_best_known_object(name: str, position: str) -> None:
    region = find_region(name)
    icrs = SkyCoord(position, unit=("hourangle", "deg"), frame="icrs")
    assert center_of(region).separation(icrs).deg <= region.diameter_deg / 2


def test_every_annotated_region_is_checked_against_an_object_or_the_sharpless_catalogue() -> None:
    checked = {find_region(name).name for name, _ in OBJECTS}
    known = [
        region
        for region in all_regions()
        if region.name in checked
        or any(name.startswith("Sh2-") for name in (region.name, *region.aliases))
        or region.name in {"Cygnus OB7", "Gum Nebula"}
    ]
    for region in (each for each in all_regions() if each.annotate):
        assert any(
            center_of(region).separation(center_of(part)).deg <= region.diameter_deg / 2 for part in known
        ), region.name


@pytest.mark.parametrize(
    ("name", "row", "position", "within_deg"),
    [
        ("Horsehead Nebula", "Horsehead Nebula", "05:40:59 -02:27:30", 0.003),
        ("B33", "Horsehead Nebula", "05:40:59 -02:27:30", 0.003),
        ("Flame Nebula", "NGC 2024", "05:41:43 -01:51:23", 0.003),
        ("NGC 7023", "NGC 7023", "21:01:37 +68:10:10", 0.003),
        ("30 Doradus", "30 Doradus", "05:38:42 -69:06:03", 0.003),
        ("Tarantula Nebula", "30 Doradus", "05:38:42 -69:06:03", 0.003),
        ("Heart Nebula", "W4", "02:32:42 +61:27:00", 0.5),
        ("Soul Nebula", "W5", "02:51:11 +60:24:08", 0.5),
        ("Eagle Nebula", "M16", "18:18:48 -13:48:24", 0.3),
        ("Sgr B2", "Sgr B2", "17:47:20.4 -28:23:07", 0.01),
        ("Cat's Paw Nebula", "NGC 6334", "17:20:20 -35:51:00", 0.01),
        ("NGC 1333", "NGC 1333", "03:29:02 +31:20:54", 0.01),
    ],
)
def test_the_name_of_a_part_means_the_part_and_the_answer_says_which_place(name, row, position, within_deg):
    place = resolve_reference(name)
    icrs = SkyCoord(position, unit=("hourangle", "deg"), frame="icrs")
    assert place.name == row
    assert center_of(place).separation(icrs).deg <= within_deg


def test_regions_agree_with_the_sharpless_catalogue() -> None:
    places = {row["name"]: galactic(float(row["l"]), float(row["b"])) for row in rows_of("sharpless_sh2.csv")}
    compared = 0
    for region in all_regions():
        for alias in (name for name in (region.name, *region.aliases) if name in places):
            compared += 1
            limit_deg = max(1.0, region.diameter_deg / 2)
            assert center_of(region).separation(places[alias]).deg <= limit_deg, (region.name, alias)
    assert compared >= 30


def test_regions_agree_with_openngc() -> None:
    compared = 0
    for row in rows_of("openngc_nebulae.csv"):
        name = re.sub(r"^(NGC|IC)0*(\d+)$", r"\1 \2", row["name"])
        try:
            region = find_region(name)
        except UnknownNameError:
            continue
        compared += 1
        place = galactic(float(row["l"]), float(row["b"]))
        assert center_of(region).separation(place).deg <= max(1.0, region.diameter_deg / 2), name
    assert compared >= 20


def test_molecular_clouds_lie_in_the_boxes_of_dame_1987() -> None:
    boxes = {row["name"]: row for row in rows_of("dame1987_local_clouds.csv")}
    ours = {"Orion A": "Orion A", "Orion B": "Orion B", "Taurus": "Taurus", "Perseus": "Per OB2 1"}
    ours |= {"Mon OB1": "Mon OB1", "Mon R2": "Mon R2", "Lupus": "Lupus", "Chamaeleon": "Cham"}
    ours |= {"Cepheus Flare": "Cepheus", "Cyg OB7": "Cyg OB7"}
    for name, box in ours.items():
        region, row = find_region(name), boxes[box]
        assert float(row["l_min"]) < region.lon_deg < float(row["l_max"])
        assert float(row["b_min"]) < region.lat_deg < float(row["b_max"])


def test_no_complex_of_the_working_list_is_missing() -> None:
    regions = all_regions()
    for row in rows_of("akari_reconstructed_regions.csv"):
        place = galactic(float(row["l"]), float(row["b"]))
        row_deg = float(row["diam_deg"])
        assert any(
            center_of(region).separation(place).deg <= max(region.diameter_deg, row_deg) / 2
            for region in regions
        ), row["name"]


def test_a_table_is_a_fresh_copy() -> None:
    known_regions()["name"][0] = "spoilt"
    assert known_regions()["name"][0] == "Orion Molecular Cloud Complex"
    assert find_region("orion").name == "Orion Molecular Cloud Complex"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("orion", "Orion Molecular Cloud Complex"),
        ("OMCC", "Orion Molecular Cloud Complex"),
        ("ngc7000", "North America Nebula"),
        (" w3 / w4 / w5 ", "W3/W4/W5"),
        ("gum/vela", "Vela Molecular Ridge"),
        ("gum nebula", "Gum Nebula"),
        ("barnards loop", "Barnard's Loop"),
        ("λ ori", "Lambda Orionis"),
        ("30_Doradus", "30 Doradus"),
        ("galactic center", "Galactic Centre"),
    ],
)
def test_names_are_found_however_they_are_spelt(text: str, name: str) -> None:
    assert find_region(text).name == name
    assert resolve_reference(text).name == name


NAMES = [name for region in all_regions() for name in (region.name, *region.aliases)]


@given(st.sampled_from(NAMES), st.lists(st.sampled_from(" -_./'"), min_size=40, max_size=40), st.booleans())
def test_case_spaces_and_punctuation_never_matter(name: str, between: list[str], upper: bool) -> None:
    plain = [c for c in name if c.isalnum()]
    spelt = "".join(c + gap for c, gap in zip(plain, between, strict=False))
    assert find_region(spelt.upper() if upper else spelt) == find_region(name)


def test_the_orion_complex_is_where_the_experiment_looks() -> None:
    orion = find_region("orion")
    assert (orion.lon_deg, orion.lat_deg, orion.diameter_deg) == (209.0, -19.0, 18.0)
    assert center_of(orion).separation(galactic(209, -19)).deg == 0


def test_an_unknown_name_gets_near_matches_and_the_other_ways() -> None:
    with pytest.raises(
        UnknownNameError,
        match=r"^no region is called 'Orin'; near matches: Orion, .*; a Galactic position such as "
        r'"209,-19" or a sky position such as "05h35m17s -05d23m28s" works as well$',
    ):
        find_region("Orin")
    with pytest.raises(UnknownNameError, match="near matches: Cygnus X, Cygnus OB7, Cygnus OB2;"):
        find_region("cygnus")


def test_an_unknown_name_with_no_near_match_says_so_in_safe_and_short_text() -> None:
    with pytest.raises(UnknownNameError, match=r"^no region is called 'M77'; a Galactic position") as error:
        find_region("M77")
    assert error.value.code == "USAGE-NAME"
    assert isinstance(error.value, LookupError)
    with pytest.raises(UnknownNameError) as error:
        find_region("\x1b[31m" + "x" * 100_000)
    assert "\x1b" not in str(error.value)
    assert len(str(error.value)) < 400


M42 = SkyCoord("05h35m17s", "-05d23m28s", frame="icrs")


@pytest.mark.parametrize(
    ("text", "lon_deg", "lat_deg"),
    [
        ("209,-19", 209, -19),
        ("209, -19.4", 209, -19.4),
        ("209 -19.4", 209, -19.4),
        ("209 −19.4", 209, -19.4),
        ("209-19", 209, -19),
        ("209d -19d", 209, -19),
        ("209° −19°", 209, -19),
        ("l=209 b=-19", 209, -19),
        ("L = 209, B = -19", 209, -19),
        ("-151,-19", 209, -19),
        ("360 90", 0, 90),
        ("-.00000000000000000001 0", 0, 0),
        ("galactic 209 -19", 209, -19),
        ("209 -19 Galactic", 209, -19),
        ("209d30m -19d15m galactic", 209.5, -19.25),
        (".5 +.25", 0.5, 0.25),
    ],
)
def test_two_numbers_in_degrees_are_galactic(text: str, lon_deg: float, lat_deg: float) -> None:
    place = resolve_reference(text)
    assert (place.lon_deg, place.lat_deg) == pytest.approx((lon_deg, lat_deg), abs=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "05h35m17s -05d23m28s",
        "05h35m17s, -05d23m28s",
        "05:35:17 -05:23:28",
        "05:35:17, −05:23:28",
        "5 35 17 -5 23 28",
        "icrs 05:35:17 -05:23:28",
        "05:35:17 -05:23:28 icrs",
        "83d49m15s -5d23m28s",
        "83°49'15\" -5°23'28\"",
        "83.8208333 -5.3911111 icrs",
        "ICRS: 83.8208333, -5.3911111",
    ],
)
def test_sexagesimal_text_without_a_frame_is_icrs(text: str) -> None:
    assert center_of(resolve_reference(text)).separation(M42).arcsec < 0.01


def test_fk5_and_fk4_are_their_own_frames() -> None:
    fk5 = center_of(resolve_reference("fk5 05:35:17 -05:23:28"))
    assert 0.01 < fk5.separation(M42).arcsec < 0.1
    fk4 = center_of(resolve_reference("05:32:49 -05:25:16 FK4"))
    assert fk4.separation(M42).arcsec < 30


def test_a_skycoord_and_a_pair_are_understood() -> None:
    assert center_of(resolve_reference(M42)).separation(M42).arcsec < 1e-6
    assert resolve_reference(M42).name == "l=209.01 b=-19.38"
    assert resolve_reference((209, -19)) == ReferencePlace("l=209.00 b=-19.00", 209.0, -19.0)


@given(st.floats(0, 359.99), st.floats(-90, 90))
def test_a_position_in_words_means_the_same_in_every_frame(lon_deg: float, lat_deg: float) -> None:
    position = galactic(lon_deg, lat_deg)
    icrs = position.icrs
    for text in (
        f"{lon_deg:.6f},{lat_deg:+.6f}",
        f"{icrs.ra.deg:.6f} {icrs.dec.deg:+.6f} icrs",
        icrs.to_string("hmsdms", precision=3),
    ):
        assert center_of(resolve_reference(text)).separation(position).arcsec < 0.05


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r'^the reference is empty; give a name such as "orion", or "209,-19" \(Galactic degrees\)'),
        ("x" * 201, r"^the reference has 201 characters, starting with 'x+'; use at most 200$"),
        ("209,-95", "^Galactic latitude -95° is beyond the pole; use −90° to 90°$"),
        ("1000,0", "^Galactic longitude 1000° is more than a turn; use 0° to 360°$"),
        ("galactic 3 4 icrs", "names two frames, galactic and icrs; keep one$"),
        ("209", r"^cannot read '209' as a position; write it like \"209,-19\""),
        ("209,5 -19,4", "^cannot read '209,5 -19,4' as a position"),
        ("5,5 -19,4", "^cannot read '5,5 -19,4' as a position"),
        ("209:30:00 -5:00:00", "^cannot read '209:30:00 -5:00:00' as a position"),
        ("23:59:60 0:0:0", "^cannot read '23:59:60 0:0:0' as a position"),
        ("05h35m -95d", "^cannot read '05h35m -95d' as a position"),
        ("83.8 -95 icrs", "^cannot read '83.8 -95 icrs' as a position"),
        ("galactic centr", "^no region is called 'galactic centr'; near matches: Galactic Centre;"),
        ("nan, nan", "^no region is called 'nan, nan'"),
    ],
)
def test_a_reference_that_cannot_be_meant_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        resolve_reference(text)


def test_other_things_than_one_place_are_refused() -> None:
    with pytest.raises(UsageError, match=r"one position, but this SkyCoord has shape \(2,\)$"):
        resolve_reference(SkyCoord([1, 2], [3, 4], unit="deg"))
    with pytest.raises(
        UsageError, match=r"frame 'altaz' cannot be transformed to Galactic .* convert it to ICRS"
    ):
        resolve_reference(SkyCoord(1, 2, unit="deg", frame=AltAz()))
    with pytest.raises(UsageError, match="needs finite coordinates, but got l=nan, b=0.0$"):
        resolve_reference((float("nan"), 0.0))
    with pytest.raises(UsageError, match=r"two Galactic degrees, not '\(1, 2, 3\)'$"):
        resolve_reference((1, 2, 3))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="not 'None'$"):
        resolve_reference(None)  # type: ignore[arg-type]


def place_or_sentence(text: str) -> ReferencePlace | str:
    try:
        return resolve_reference(text)
    except UsageError as error:
        return str(error)


@given(st.one_of(st.text(max_size=40), st.text(alphabet="0123456789 +-.,:hmsdlb=°'icrs", max_size=24)))
def test_any_text_is_a_place_or_one_clear_sentence(text: str) -> None:
    answer = place_or_sentence(text)
    if isinstance(answer, str):
        assert "\n" not in answer
    else:
        assert 0 <= answer.lon_deg < 360
        assert abs(answer.lat_deg) <= 90


def test_a_skycoord_in_degrees_keeps_its_own_frame() -> None:
    assert resolve_reference(SkyCoord(ICRS(83.82 * u.deg, -5.39 * u.deg))).lon_deg == pytest.approx(209.0117)


def catalogued() -> dict[str, tuple[float, float, float]]:
    """Galactic longitude, latitude and diameter (degrees) of Sharpless, NGC, IC and Messier objects."""
    found = {f"Sh2-{row['Sh2']}": row for row in rows_of("sharpless_sh2.csv")}
    for row in rows_of("openngc_nebulae.csv"):
        if name := re.fullmatch(r"(NGC|IC)0*(\d+)", row["name"]):
            found[f"{name[1]} {name[2]}"] = row
        if row["messier"]:
            found[f"M{float(row['messier']):.0f}"] = row
    return {
        name: (float(row["l"]), float(row["b"]), float(row["diam_deg"] or 0)) for name, row in found.items()
    }


def test_named_parts_lie_where_catalogues_have_them() -> None:
    """Centres of nebulae are chosen by eye: they agree within half the object, or 0.1°."""
    known, compared = catalogued(), 0
    for region in all_regions():
        for name in {region.name, *region.aliases} & set(known):
            lon_deg, lat_deg, diameter_deg = known[name]
            away = center_of(region).separation(galactic(lon_deg, lat_deg)).deg
            assert away <= max(0.1, region.diameter_deg / 2, diameter_deg / 2), (region.name, name, away)
            compared += 1
    assert compared >= 70
