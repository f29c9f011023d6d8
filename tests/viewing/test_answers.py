"""What the page is answered has the numbers of the commands, and says them in the schema's form."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import QTable
from astropy_healpix import HEALPix
from PIL import Image

import skykin
from skykin.core.errors import UsageError
from skykin.viewing.questions import Box, Circle, Criterion, Polygon, Question, body_of
from skykin.viewing.shapes import reference_of
from tests.viewing.conftest import ASKED, CUT, ORION

#: Right ascension and declination of the reference.
PLACE = SkyCoord(209, -19, unit="deg", frame="galactic").icrs
RA, DEC = float(PLACE.ra.deg), float(PLACE.dec.deg)


@pytest.fixture(scope="module")
def searched(served):
    return skykin.search(served.index, "209,-19", threshold=CUT, survey=served.survey)


def test_a_click_gives_the_targets_scores_and_q_of_a_search(served, searched, answer):
    clicked = served.client.post(
        "api/query", json=ASKED | {"references": [{"kind": "point", "ra": RA, "dec": DEC}]}
    ).json()
    table = searched.targets(50).table
    for told in (answer, clicked):
        assert [each["name"] for each in told["targets"]] == [str(name) for name in table["name"]]
        for name in ("score", "p", "q"):
            assert [each[name] for each in told["targets"]] == pytest.approx(list(table[name]), abs=1e-6)
        for name, unit in (("ra", "deg"), ("dec", "deg")):
            assert [each[name] for each in told["targets"]] == pytest.approx(
                table[name].to_value(unit), abs=1e-9
            )
        assert told["criterion"]["count"] == searched.n_matches
    assert len(table) >= 2


def test_numbers_of_the_heat_map_are_those_of_the_tiles(served, searched, answer):
    heat = answer["heat"]
    properties = served.client.get(f"{served.root}{heat['url']}/properties").text
    assert "hips_tile_width      = 512" in properties
    assert "hips_order_min       = 0" in properties
    healpix = HEALPix(nside=512 << heat["order"], order="nested")
    rows = np.random.default_rng(1).choice(len(searched.tiles), 12)
    lon, lat = searched.tiles["lon"][rows], searched.tiles["lat"][rows]
    if served.sky.frame == "icrs":
        icrs = SkyCoord(lon, lat, frame="galactic").icrs
        lon, lat = icrs.ra, icrs.dec
    pixels = healpix.lonlat_to_healpix(lon, lat)
    for pixel, row in zip(pixels.tolist(), rows.tolist(), strict=True):
        npix, within = divmod(pixel, 512 * 512)
        path = f"Norder{heat['order']}/Dir{npix // 10000 * 10000}/Npix{npix}.fits"
        content = served.client.get(f"{served.root}{heat['url']}/{path}").content
        column = sum((within >> 2 * bit + 1 & 1) << bit for bit in range(9))
        line = sum((within >> 2 * bit & 1) << bit for bit in range(9))
        with fits.open(io.BytesIO(content)) as hdus:
            value = hdus[0].data[511 - line, column]
        assert value == pytest.approx(searched.scores[row], abs=1e-6)


def test_the_threshold_changes_the_matches_and_not_the_heat_map(served, answer):
    more = served.client.post(
        "api/query", json=ASKED | {"criterion": {"kind": "score", "value": CUT - 0.3}}
    ).json()
    assert more["criterion"]["count"] > answer["criterion"]["count"]
    assert more["heat"]["url"] == answer["heat"]["url"]
    assert more["query"] != answer["query"]
    again = served.client.post("api/query", json=ASKED).json()
    assert again["query"] == answer["query"]


def test_a_smaller_size_of_tile_is_answered_too(served):
    size = served.sky.facts.recipes[0].tile_sizes_deg[1]
    found = served.client.post("api/query", json=ASKED | {"tile_size_deg": size * 1.1}).json()
    other = skykin.search(served.index, "209,-19", threshold=CUT, tile_size=size, survey=served.survey)
    table = other.targets(50).table
    assert other.scored.tile_deg == pytest.approx(size)
    assert [each["score"] for each in found["targets"]] == pytest.approx(list(table["score"]), abs=1e-6)
    assert found["targets"][0]["size_deg"] == pytest.approx(size, rel=0.05)
    thumbnail = served.client.get(served.root + found["targets"][0]["thumbnail"])
    assert Image.open(io.BytesIO(thumbnail.content)).size == (144, 144)
    why = served.client.get(f"api/query/{found['query']}/why", params={"ra": RA, "dec": DEC})
    assert why.status_code == 400
    assert "only tiles that the index keeps, of 10°" in why.json()["what"]
    with pytest.raises(UsageError, match="leave the tile size out for further tests"):
        skykin.search(served.index, "209,-19", tile_size=size, csls=True)


def test_a_box_stands_at_its_angle_on_the_sky(served):
    box = reference_of(Box(ra=RA, dec=DEC, width_deg=4, height_deg=8, angle_deg=30), served.index)
    top_right, top_left = box.footprint.outline().icrs[:2]
    middle = SkyCoord((top_right.cartesian + top_left.cartesian), frame="icrs")
    centre = SkyCoord(RA, DEC, unit="deg")
    assert centre.position_angle(middle).deg == pytest.approx(30, abs=0.05)
    assert centre.separation(middle).deg == pytest.approx(4, abs=0.01)
    assert box.sized


def test_circles_and_polygons_are_regions_of_the_sky(served):
    circle = reference_of(Circle(ra=RA, dec=DEC, radius_deg=6), served.index)
    assert circle.name == "circle of 6° at l=209.00 b=-19.01"
    assert circle.region.share * 41252.96 == pytest.approx(np.pi * 36, rel=0.02)
    corners = [(RA - 5, DEC - 5), (RA + 5, DEC - 5), (RA + 5, DEC + 5), (RA - 5, DEC + 5)]
    polygon = reference_of(Polygon(vertices=corners), served.index)
    assert polygon.name.startswith("polygon of 4 corners at l=")
    assert bool(polygon.contains(np.array([209.0]), np.array([-19.0]))[0])
    shapes = [
        {"kind": "circle", "ra": RA, "dec": DEC, "radius_deg": 6},
        {"kind": "polygon", "vertices": corners},
        {"kind": "box", "ra": RA + 15, "dec": DEC, "width_deg": 10, "height_deg": 8},
    ]
    found = served.client.post(
        "api/query", json=ASKED | {"references": shapes[:2], "unlike": shapes[2:], "combine": "mean"}
    )
    assert found.status_code == 200, found.text
    found = found.json()
    assert [each["name"] for each in found["references"]] == [circle.name, polygon.name]
    assert len(found["unlike"][0]["corners"]) == 4
    assert found["targets"]


def test_a_text_is_a_name_a_position_or_a_tile_and_never_a_file(served, tmp_path):
    secret = tmp_path / "secret.reg"
    secret.write_text("galactic\ncircle(209,-19,5)")
    found = served.client.get("api/resolve", params={"index": "blobs", "text": "orion"}).json()
    assert found["name"] == "Orion Molecular Cloud Complex"
    tile = str(served.index.tiles["name"][5])
    found = served.client.get("api/resolve", params={"index": "blobs", "text": tile}).json()
    assert (found["name"], found["l"]) == (tile, pytest.approx(served.index.footprints[5].lon_deg))
    for text in (str(secret), "~/.bashrc", f"orion@{tmp_path}", "no such place", "", "x" * 10_000):
        answers = [
            served.client.get("api/resolve", params={"index": "blobs", "text": text}),
            served.client.post("api/query", json=ASKED | {"references": [{"kind": "place", "text": text}]}),
        ]
        for told in answers:
            assert told.status_code in (400, 404, 414), told.text
            assert told.json()["code"].startswith("USAGE")


@pytest.mark.slow
def test_every_answer_has_the_form_of_the_schema(served, answer):
    schema = served.client.get("api/schema").json()
    state = served.client.get("api/state").json()
    target = answer["targets"][0]
    why = served.client.get(
        f"api/query/{answer['query']}/why", params={"ra": target["ra"], "dec": target["dec"]}
    ).json()
    catalogue = served.client.get("api/catalogue/sharpless").json()
    assert len(catalogue["rows"]) == 313
    place = served.client.get("api/resolve", params={"index": "blobs", "text": "orion"}).json()
    problem = served.client.get("api/nothing").json()
    names = ("State", "Answer", "Why", "Catalogue", "Named", "Problem")
    for name, value in zip(names, (state, answer, why, catalogue, place, problem), strict=True):
        check(value, schema["$defs"][name], schema["$defs"], name)
    check(ASKED | {"references": [{"kind": "place", "text": "orion"}]}, schema["$defs"]["Question"],
          schema["$defs"], "Question")  # fmt: skip
    assert json.dumps(schema)
    assert schema["addresses"]["POST api/query"]["body"] == {"$ref": "#/$defs/Question"}


def check(value, schema, known, where):
    """Hold a value against the part of JSON schema that ours uses."""
    if "$ref" in schema:
        return check(value, known[schema["$ref"].rpartition("/")[2]], known, where)
    if "anyOf" in schema:
        errors = []
        for each in schema["anyOf"]:
            try:
                return check(value, each, known, where)
            except AssertionError as error:
                errors.append(error)
        raise AssertionError(f"{where}: {errors}")
    if "enum" in schema:
        assert value in schema["enum"], where
        return None
    kinds = {"object": dict, "array": list, "string": str, "number": (int, float), "integer": int,
             "boolean": bool, "null": type(None)}  # fmt: skip
    assert isinstance(value, kinds[schema["type"]]), f"{where}: {value!r} is no {schema['type']}"
    if schema["type"] == "object":
        assert set(schema["required"]) <= set(value), where
        assert set(value) <= set(schema["properties"]), where
        for name, part in value.items():
            check(part, schema["properties"][name], known, f"{where}.{name}")
    if schema["type"] == "array":
        parts = schema.get("prefixItems") or [schema["items"]] * len(value)
        assert len(parts) == len(value), where
        for number, (part, kind) in enumerate(zip(value, parts, strict=True)):
            check(part, kind, known, f"{where}[{number}]")
    return None


@pytest.mark.slow
def test_the_explanation_shows_where_in_the_tile(served, answer):
    target = answer["targets"][0]
    why = served.client.get(
        f"api/query/{answer['query']}/why", params={"ra": target["ra"], "dec": target["dec"]}
    ).json()
    assert why["tile"]["score"] == pytest.approx(target["score"], abs=1e-6)
    assert sum(each["share"] for each in why["layers"]) == pytest.approx(1)
    picture = Image.open(io.BytesIO(served.client.get(served.root + why["where"]).content))
    assert picture.size == (320, 320)
    assert np.ptp(np.asarray(picture.convert("RGB")).astype(int), axis=(0, 1)).max() > 50


def test_pictures_of_the_sky_are_served_as_hips(served, answer):
    state = served.client.get("api/state").json()
    assert [each["id"] for each in state["backgrounds"]] == ["blobs", "folder"]
    url = served.root + state["backgrounds"][0]["url"]
    order = state["backgrounds"][0]["order"]
    healpix = HEALPix(nside=1, order="nested")
    centre = SkyCoord(209, -19, unit="deg", frame="galactic")
    where = (centre.l, centre.b) if served.sky.frame == "galactic" else (centre.icrs.ra, centre.icrs.dec)
    npix = int(healpix.lonlat_to_healpix(*where))
    tile = Image.open(io.BytesIO(served.client.get(f"{url}/Norder0/Dir0/Npix{npix}.png").content))
    assert (tile.size, tile.mode) == ((512, 512), "RGBA")
    assert np.asarray(tile)[..., 3].max() == 255
    assert served.client.get(f"{url}/Norder{order + 1}/Dir0/Npix0.png").status_code == 404
    assert served.client.get(f"{url}/Norder0/Dir0/Npix12.png").status_code == 404
    view = served.client.get(served.root + answer["views"][0]["thumbnail"])
    assert view.headers["content-type"] == "image/png"
    folder = served.root + state["backgrounds"][1]["url"]
    assert served.client.get(f"{folder}/Norder0/Dir0/Npix0.png").content == b"\x89PNG"


def test_files_to_keep_hold_the_answer(served, answer):
    def file(name):
        found = served.client.get(f"api/query/{answer['query']}/download/{name}")
        assert found.status_code == 200, found.text
        assert found.headers["content-disposition"] == f'attachment; filename="{name}"'
        return found.content

    names = [each["name"] for each in answer["targets"]]
    ecsv = QTable.read(file("targets.ecsv").decode(), format="ascii.ecsv")
    votable = QTable.read(io.BytesIO(file("targets.vot")), format="votable")
    for table in (ecsv, votable):
        assert list(table["name"]) == names
        assert table["score"].tolist() == pytest.approx([each["score"] for each in answer["targets"]])
        assert {"decision", "note"} <= set(table.colnames)
    assert file("targets.csv").decode().splitlines()[0].startswith("rank,name,")
    assert file("targets.reg").decode().count("circle(") == len(names)
    with fits.open(io.BytesIO(file("score.fits"))) as hdus:
        assert hdus[1].header["ORDERING"] == "RING"
    with fits.open(io.BytesIO(file("matches.moc.fits"))) as hdus:
        assert hdus[1].header["MOCVERS"]
    moc = served.client.get(f"api/query/{answer['query']}/moc").json()
    assert all(order.isdecimal() for order in moc)


@pytest.mark.slow
def test_the_picture_of_the_answer_is_drawn(served, answer):
    found = served.client.get(f"api/query/{answer['query']}/download/map.png")
    assert Image.open(io.BytesIO(found.content)).size[0] > 1000


def test_the_same_question_has_the_same_id_and_another_criterion_the_same_scores():
    one = Question.from_dict(ASKED)
    assert Question.from_dict(one.to_dict()) == one
    other = Question.from_dict(ASKED | {"criterion": {"kind": "q", "value": 0.1}})
    assert one.id != other.id
    assert one.scored.id == other.scored.id
    with pytest.raises(UsageError, match="the part of a criterion kind is 'p', but it must be top_fraction"):
        Criterion(kind="p", value=0.1)
    with pytest.raises(UsageError, match="there is no field called 'refernces'; did you mean references"):
        body_of(Question, {"refernces": [ORION]})
