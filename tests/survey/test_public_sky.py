"""Public surveys by their IVOA identifier: a server here plays the MOC server, others the nodes of HiPS."""

import json
import os
import shutil
import socket
import threading
import time

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import Angle, Latitude, Longitude
from astropy_healpix import HEALPix
from mocpy import MOC
from typer.testing import CliRunner

import skykin
from skykin.cli.main import app
from skykin.core.errors import InputRefusedError, RemoteError, UnknownNameError, UsageError
from skykin.core.footprint import Footprint
from skykin.core.progress import SilentCounter, SilentProgress
from skykin.core.sphere import separation_deg
from skykin.jobs.index import default_name
from skykin.survey import download, web_address
from skykin.survey.hips import ahead as hips_ahead
from skykin.survey.hips import registry as hips_registry
from skykin.survey.hips import store as hips_store
from skykin.survey.hips.ahead import fetch_ahead, fetch_overview
from skykin.survey.hips.identifier import is_identifier
from skykin.survey.hips.registry import open_registry
from skykin.survey.named import named_surveys
from skykin.survey.named.public import HIPS
from skykin.survey.open import open_recorded, open_survey
from tests.hostile.healpix_files import smooth_value
from tests.hostile.hips_tiles import tile_values, write_hips, write_tile
from tests.survey.test_hips import LAT, LON, TILE, Handler, Server, release

NAME = "CDS/P/TEST/a"


class Listener(SilentProgress):
    """Keeps what is said, and the stages with their totals and counts."""

    def __init__(self):
        self.said, self.stages, self.counts = [], [], []

    def say(self, sentence):
        self.said.append(sentence)

    def stage(self, title, total, unit=""):
        self.stages.append((title, total, unit))
        outer = self

        class Counter(SilentCounter):
            def advance(self, items=1):
                outer.counts.append(items)

        class Stage:
            def __enter__(self):
                return Counter()

            def __exit__(self, *_):
                pass

        return Stage()


class MocHandler(Handler):
    def do_GET(self):
        if self.path.startswith("/MocServer/query?"):
            self.server.asked.append("query")
            special = self.server.answer.get("query")
            if special is None:
                self.give(json.dumps(self.server.records).encode(), kind="application/json")
            else:
                special(self)
            return
        super().do_GET()


def served(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}"
    return thread


@pytest.fixture
def web(tmp_path, monkeypatch):
    """A MOC server, and two nodes with the same HiPS."""
    monkeypatch.setenv("SKYKIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(hips_store, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(hips_store, "READ_TIMEOUT_S", 0.3)
    monkeypatch.setattr(hips_registry, "READ_TIMEOUT_S", 0.3)
    first = Server(write_hips(tmp_path / "first", orders=(0,)))
    second = Server(shutil.copytree(tmp_path / "first", tmp_path / "second"))
    with (second.folder / "properties").open("a") as stream:
        stream.write("hips_status = public mirror clonableOnce\n")
    registry = Server(tmp_path)
    registry.RequestHandlerClass = MocHandler
    servers = (registry, first, second)
    threads = [served(each) for each in servers]
    registry.records = [
        {
            "ID": NAME,
            "obs_title": "A formula",
            "obs_regime": "Infrared",
            "moc_sky_fraction": "0.99",
            "hips_order": "0",
            "hips_tile_width": "32",
            "hips_service_url": first.url,
            "hips_status": "public master clonableOnce",
            "hips_service_url_1": second.url + "/",
            "hips_status_1": "public mirror unclonable",
        },
        {"ID": "CDS/P/TEST/b", "obs_title": ["Another", "name"], "hips_service_url": [second.url]},
        {"ID": "CDS/P/TEST/cube", "dataproduct_type": "cube", "hips_service_url": second.url},
        {"ID": "CDS/nothing"},
        "no record",
    ]
    monkeypatch.setenv("SKYKIN_REGISTRY", f"{registry.url}/MocServer/query")
    registry.first, registry.second = first, second
    yield registry
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        thread.join()
        server.server_close()


def fails(handler):
    handler.send_error(503)


@pytest.mark.parametrize("name", [NAME, f"ivo://{NAME}", NAME.lower().replace("/p/", "/P/")])
def test_a_hips_is_opened_by_its_identifier(web, name):
    survey = open_survey(name)
    values, coverage = survey.sample(LON, LAT)
    np.testing.assert_allclose(values[:, 0], smooth_value(LON, LAT), atol=0.02)
    assert coverage.min() > 0.99
    assert (survey.name, survey.title) == (NAME, "A formula")
    assert web.asked == ["query"]
    assert web.second.asked == []


def test_texts_that_are_identifiers_and_texts_that_are_none():
    for text in (
        NAME,
        f"ivo://{NAME}",
        "simg.de/P/NSNS/DR0_2/halpha",
        "ov-gso/P/GASS+EBHIS",
        "CDS/C/HI4PI/HI",
    ):
        assert is_identifier(text)
    for text in ("CDS/P", "data/x.fits", "P/DSS2/red", "a/P/b c", "https://x/P/y", "CDS/P/../x/", "x"):
        assert not is_identifier(text)


def test_an_index_is_named_after_the_whole_identifier():
    assert default_name("ivo://CDS/P/IRIS/color") == default_name("CDS/P/IRIS/color") == "CDS-P-IRIS-color"
    assert default_name("plates/") == "plates"


def test_to_list_the_names_makes_no_connection(web):
    assert len(skykin.surveys()) > len(HIPS)
    assert web.asked == []


def test_a_folder_of_this_name_is_opened_before_the_web(web, tmp_path, monkeypatch):
    write_hips(tmp_path / NAME, orders=(0,), obs_title="Mine")
    monkeypatch.chdir(tmp_path)
    assert open_survey(NAME).title == "Mine"
    assert web.asked == []


def test_every_ready_made_name_has_an_identifier_of_its_own():
    names = named_surveys()
    assert len({identifier for _, identifier, _ in HIPS}) == len(HIPS)
    for name, identifier, description in HIPS:
        assert is_identifier(identifier)
        assert names[name].identifier == identifier
        assert names[name].find() is None
        assert description
    listed = {row["name"]: row for row in skykin.surveys()}
    assert listed["finkbeiner"]["identifier"] == "CDS/P/Finkbeiner"
    assert (listed["finkbeiner"]["kind"], listed["finkbeiner"]["here"]) == ("public", False)


def test_a_ready_made_name_opens_its_identifier(web):
    web.records[0]["ID"] = "CDS/P/Finkbeiner"
    assert open_survey("Finkbeiner").name == "CDS/P/Finkbeiner"


def test_the_next_server_is_asked_where_the_first_is_down(web):
    web.first.answer["properties"] = fails
    values = open_survey(NAME).sample(LON, LAT)[0]
    np.testing.assert_allclose(values[:, 0], smooth_value(LON, LAT), atol=0.02)
    assert web.first.asked == ["properties"]


def test_a_server_that_fails_meanwhile_is_replaced_by_one_with_the_same_release(web):
    survey = open_survey(NAME)
    survey.sample(90.0, 0.0)
    web.first.answer = dict.fromkeys([TILE, "properties"], fails)
    assert survey.sample(0.0, 0.0)[1] == pytest.approx(1)
    assert web.first.asked.count(TILE) == 1
    assert web.second.asked[:2] == ["properties", TILE]


def test_a_slow_server_is_replaced_too(web):
    web.first.answer[TILE] = lambda handler: time.sleep(0.6)
    survey = open_survey(NAME)
    assert survey.sample(0.0, 0.0)[1] == pytest.approx(1)


def test_a_hole_of_the_sky_is_no_reason_to_ask_another_server(web):
    (web.first.folder / TILE).unlink()
    survey = open_survey(NAME)
    assert survey.sample(0.0, 0.0)[1] == 0
    assert TILE not in web.second.asked


def test_a_server_that_gave_the_hips_up_is_passed_over(web):
    shutil.rmtree(web.first.folder)
    assert open_survey(NAME).title == "A formula"
    assert web.second.asked == ["properties"]


def test_a_server_with_another_release_is_not_mixed_with_the_first(web):
    release(web.second, "2027-01-01")
    survey = open_survey(NAME)
    survey.sample(90.0, 0.0)
    web.first.answer = dict.fromkeys([TILE, "properties"], fails)
    with pytest.raises(
        RemoteError, match=f"none of the 2 servers of '{NAME}' gives it; the last one: .* answers 503"
    ) as caught:
        survey.sample(0.0, 0.0)
    assert caught.value.code == "RM-STATUS"
    assert TILE not in web.second.asked
    values = open_survey(NAME).sample(LON, LAT)[0]  # the same command again reads the other release alone
    np.testing.assert_allclose(values[:, 0], smooth_value(LON, LAT) + 100, atol=0.02)


def test_a_release_that_changes_meanwhile_ends_the_work(web):
    survey = open_survey(NAME)
    survey.sample(0.0, 0.0)
    release(web.first, "2027-01-01")
    with pytest.raises(RemoteError, match=f"has another release of '{NAME}' now") as caught:
        survey.sample(LON, LAT)
    assert caught.value.code == "RM-CHANGED"


def test_the_same_survey_is_the_same_source_whichever_server_gives_it(web):
    first = open_survey(NAME).to_dict()
    web.first.answer["properties"] = fails
    assert open_survey(NAME).to_dict() == first


def test_offline_what_was_read_before_is_read_from_its_copies(web):
    values = open_survey(NAME).sample(LON, LAT)[0]
    for server in (web.first, web.second):
        server.answer["properties"] = fails
    (copy,) = (web.folder / "cache" / "registry").iterdir()
    os.utime(copy, (time.time() - 90_000,) * 2)
    web.answer["query"] = fails
    np.testing.assert_array_equal(open_survey(NAME).sample(LON, LAT)[0], values)


def test_threads_that_look_at_a_hips_are_no_more_requests_than_four(web, monkeypatch):
    under_way, most, give = [], [], Handler.do_GET

    def counted(handler):
        under_way.append(1)
        most.append(len(under_way))
        time.sleep(0.02)
        under_way.pop()
        give(handler)

    survey = open_survey(NAME)
    monkeypatch.setattr(Handler, "do_GET", counted)
    threads = [
        threading.Thread(target=survey.cells.store.read, args=(f"Norder0/Dir0/Npix{number}.fits",))
        for number in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 2 <= max(most) <= hips_store.AT_ONCE


def test_servers_that_have_only_a_part_are_not_asked(web):
    web.records[0]["hips_status"] = "public mirror partial"
    open_survey(NAME)
    assert web.first.asked == []
    del web.records[0]["hips_service_url_1"]
    os.utime(next((web.folder / "cache" / "registry").iterdir()), (0, 0))
    with pytest.raises(UnknownNameError, match=f"no HiPS of images with the identifier '{NAME}'"):
        open_survey(NAME)


def test_the_list_is_kept_for_a_day_and_used_for_longer_without_an_answer(web):
    copies = web.folder / "cache" / "registry"
    open_registry()
    open_registry()
    assert web.asked == ["query"]
    (copy,) = copies.iterdir()
    os.utime(copy, (time.time() - 90_000,) * 2)
    open_registry()
    assert web.asked == ["query"] * 2
    web.answer["query"] = fails
    os.utime(copy, (time.time() - 172_800,) * 2)
    progress = Listener()
    assert open_survey(NAME, progress=progress).title == "A formula"
    assert progress.said == [
        "note: the registry at '127.0.0.1' does not answer; its list as of 2.0 days ago is used"
    ]


def test_an_identifier_that_is_new_is_looked_for_again_after_some_minutes(web):
    open_registry()
    web.records[1]["ID"] = "CDS/P/TEST/new"
    with pytest.raises(UnknownNameError):
        open_survey("CDS/P/TEST/new")
    (copy,) = (web.folder / "cache" / "registry").iterdir()
    os.utime(copy, (time.time() - 700,) * 2)
    assert open_survey("CDS/P/TEST/new").name == "CDS/P/TEST/new"


@pytest.mark.parametrize(
    ("special", "code", "sentence"),
    [
        (fails, "RM-STATUS", "'127.0.0.1' answers 503"),
        (lambda h: time.sleep(0.6), "RM-TIMEOUT", "'127.0.0.1' is too slow"),
        (lambda h: h.give(b"<!DOCTYPE html>sign in"), "RM-HTML", "lists no HiPS .it begins with '<!DOCTYPE"),
        (lambda h: h.give(b"[{]"), "RM-HTML", "is no valid JSON"),
        (lambda h: h.give(b"[]"), "RM-HTML", "lists no HiPS"),
    ],
)
def test_without_the_registry_and_a_copy_the_error_says_what_to_do(web, special, code, sentence):
    web.answer["query"] = special
    with pytest.raises(
        RemoteError,
        match=f"does not answer .*{sentence}.* name a registry file in SKYKIN_REGISTRY, or give the",
    ) as caught:
        open_survey(NAME)
    assert caught.value.code == code
    assert not (web.folder / "cache" / "registry").exists()


def test_the_mirror_of_the_moc_server_is_asked_where_it_is_down(web, monkeypatch):
    monkeypatch.delenv("SKYKIN_REGISTRY")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{unused.getsockname()[1]}/MocServer/query"
    monkeypatch.setattr(hips_registry, "MOC_SERVERS", (down, f"{web.url}/MocServer/query"))
    assert open_survey(NAME).title == "A formula"


def test_an_identifier_that_nobody_has_is_told_with_the_nearest(web):
    with pytest.raises(
        UnknownNameError,
        match="lists no HiPS of images with the identifier 'CDS/P/TEST/c'; nearest are CDS/P/",
    ):
        open_survey("CDS/P/TEST/c")


HIPSLIST = """# a list as servers have it
creator_did = ivo://{name}
hips_status = public master
hips_service_url = {url}
obs_title = From a list

creator_did = ivo://CDS/P/other
hips_service_url = http://127.0.0.1:1/x
"""


@pytest.mark.parametrize("form", ["json", "hipslist"])
def test_a_registry_may_be_a_file(web, tmp_path, monkeypatch, form):
    text = HIPSLIST.format(name=NAME, url=web.first.url) if form == "hipslist" else json.dumps(web.records)
    (tmp_path / "registry.txt").write_text(text)
    monkeypatch.setenv("SKYKIN_REGISTRY", str(tmp_path / "registry.txt"))
    assert open_survey(NAME).title == "A formula"
    assert web.asked == []
    (tmp_path / "registry.txt").write_text("hello")
    with pytest.raises(InputRefusedError, match="'registry.txt' lists no HiPS .it begins with 'hello'"):
        open_survey(NAME)
    (tmp_path / "registry.txt").unlink()
    with pytest.raises(UnknownNameError, match="registry.txt' cannot be read: No such file"):
        open_survey(NAME)


def test_a_public_registry_does_not_lead_to_private_addresses(web, monkeypatch):
    resolve = socket.getaddrinfo

    def public(host, *rest, **named):
        """Let the name localhost look public where it is judged, and lead here where it is opened."""
        judged = host == "localhost" and "type" in named
        return [(2, 1, 6, "", ("8.8.8.8", 0))] if judged else resolve(host, *rest, **named)

    port = web.server_port
    monkeypatch.setenv("SKYKIN_REGISTRY", f"http://localhost:{port}/MocServer/query")
    assert open_survey(NAME).title == "A formula"  # a registry of one's own may
    shutil.rmtree(web.folder / "cache")
    monkeypatch.setattr(web_address.socket, "getaddrinfo", public)
    asked = list(web.first.asked)
    with pytest.raises(
        RemoteError, match="'localhost' leads to the private address '127.0.0.1', which is refused"
    ) as caught:
        open_survey(NAME)
    assert caught.value.code == "RM-BLOCKED"
    assert web.first.asked == asked


def test_what_a_map_or_index_names_is_followed_only_where_the_user_went_before(web):
    for name in (NAME, f"ivo://{NAME}"):
        with pytest.raises(RemoteError, match="from which nothing was read on this computer yet"):
            open_recorded(name)
    assert web.asked == []
    open_survey(NAME)
    for name in (NAME, f"ivo://{NAME}"):
        assert open_recorded(name).title == "A formula"


@pytest.fixture(scope="module")
def deep_sky(tmp_path_factory):
    """A HiPS of order 3 about Orion, with the reduced image of all tiles of that order."""
    folder = write_hips(tmp_path_factory.mktemp("deep") / "sky", orders=(0,), hips_order=3)
    (folder / "Norder3" / "Dir0").mkdir(parents=True)
    for number in HEALPix(8, order="nested").cone_search_lonlat(209 * u.deg, -19 * u.deg, 55 * u.deg):
        write_tile(folder / "Norder3" / "Dir0" / f"Npix{number}.fits", tile_values(3, number))
    picture = np.zeros((29 * 8, 27 * 8))
    for number in range(768):
        row, column = divmod(number, 27)
        picture[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8] = tile_values(3, number, 8)
    write_tile(folder / "Norder3" / "Allsky.fits", picture)
    return folder


@pytest.fixture
def deep(web, deep_sky):
    """The same on one node."""
    web.first.folder = deep_sky
    del web.records[0]["hips_service_url_1"]
    return web


def test_only_the_tiles_that_are_asked_for_are_fetched_and_a_stopped_fetch_goes_on(deep):
    survey = open_survey(NAME, scale_deg=0.25)
    assert survey.cells.order == 3
    deep.first.asked.clear()

    class Stop(Listener):
        def stage(self, title, total, unit=""):
            stage = super().stage(title, total, unit)
            counter = stage.__enter__()
            advance, seen = counter.advance, []

            def stopping(items=1):
                advance(items)
                seen.append(items)
                if len(seen) == 20:
                    raise KeyboardInterrupt

            counter.advance = stopping
            stage.__class__.__enter__ = lambda self: counter
            return stage

    wide = Footprint(209.0, -19.0, 40.0)
    with pytest.raises(KeyboardInterrupt):
        fetch_ahead(survey, [wide], Stop())
    came = {file for file in deep.first.asked if file.startswith("Norder3/Dir")}
    assert 16 <= len(came) <= 40
    progress, again = Listener(), open_survey(NAME, scale_deg=0.25)
    deep.first.asked.clear()
    fetch_ahead(again, [wide], progress)
    (stage,) = progress.stages
    assert stage[0] == f"Fetch {NAME}"
    assert stage[2] == "tiles"
    assert progress.counts[0] >= 16  # what came before
    assert sum(progress.counts) == stage[1] < 120
    fresh = [file for file in deep.first.asked if file.startswith("Norder3/Dir")]
    assert len(fresh) == stage[1] - progress.counts[0]
    deep.first.asked.clear()
    values, coverage = again.sample(*wide.pixel_positions((40, 40)))
    assert coverage.min() == pytest.approx(1)
    np.testing.assert_allclose(values[..., 0], smooth_value(*wide.pixel_positions((40, 40))), atol=0.01)
    assert [file for file in deep.first.asked if file != "properties"] == []


def test_few_files_are_requested_at_the_same_time(deep, monkeypatch):
    under_way, most = [], []
    give = Handler.do_GET

    def counted(handler):
        under_way.append(1)
        most.append(len(under_way))
        time.sleep(0.005)
        under_way.pop()  # what follows the answer may come before the end of this call
        give(handler)

    survey = open_survey(NAME, scale_deg=0.25)
    monkeypatch.setattr(Handler, "do_GET", counted)
    fetch_ahead(survey, [Footprint(209.0, -19.0, 30.0)], SilentProgress())
    assert 2 <= max(most) <= hips_store.AT_ONCE


def test_tiles_where_the_moc_of_a_hips_has_no_data_are_not_requested(deep, tmp_path):
    text = (deep.first.folder / "properties").read_text()
    cone = MOC.from_cone(  # Orion in ICRS
        Longitude(83.8, u.deg), Latitude(-5.4, u.deg), radius=Angle(3, u.deg), max_depth=6
    )
    cone.save(str(tmp_path / "Moc.fits"), format="fits")
    deep.first.answer["properties"] = lambda h: h.give(f"{text}\nmoc_sky_fraction = 0.001\n".encode())
    deep.first.answer["Moc.fits"] = lambda h: h.give((tmp_path / "Moc.fits").read_bytes())
    survey = open_survey(NAME, scale_deg=0.25)
    assert survey.extent.radius_deg < 7
    deep.first.asked.clear()
    fetch_ahead(survey, [Footprint(209.0, -19.0, 40.0)], SilentProgress())
    tiles = {file for file in deep.first.asked if file.startswith("Norder3")}
    assert 1 <= len(tiles) <= 9
    wide = Footprint(209.0, -19.0, 40.0).pixel_positions((80, 80))
    values, coverage = survey.sample(*wide)
    assert {file for file in deep.first.asked if file.startswith("Norder3")} == tiles
    near = separation_deg(*wide, 209.0, -19.4) < 2.5
    assert coverage[near].min() == pytest.approx(1)
    np.testing.assert_allclose(values[near][:, 0], smooth_value(*wide)[near], atol=0.01)
    assert (coverage == 0).mean() > 0.5


def test_a_name_that_is_public_where_it_is_judged_does_not_lead_to_a_private_address(web, monkeypatch):
    resolve = socket.getaddrinfo

    def public(host, *rest, **named):
        judged = host == "localhost" and "type" in named and rest == (None,)
        return [(2, 1, 6, "", ("8.8.8.8", 0))] if judged else resolve(host, *rest, **named)

    monkeypatch.setattr(web_address.socket, "getaddrinfo", public)
    download._was_private.cache_clear()
    monkeypatch.setenv("SKYKIN_REGISTRY", f"http://localhost:{web.server_port}/MocServer/query")
    for number in ("", "_1"):
        web.records[0][f"hips_service_url{number}"] = web.first.url.replace("127.0.0.1", "localhost")
    asked = list(web.first.asked)
    with pytest.raises(
        RemoteError, match=r"'localhost' leads to the private address '(127.0.0.1|::1)', which is refused"
    ):
        open_survey(NAME)
    assert web.first.asked == asked
    download._was_private.cache_clear()


def test_what_is_fetched_ahead_fits_into_the_cache(deep, monkeypatch):
    monkeypatch.setattr(hips_ahead, "MOST_BYTES", 20_000)
    progress = Listener()
    survey = open_survey(NAME, scale_deg=0.25)
    deep.first.asked.clear()
    fetch_ahead(survey, [Footprint(209.0, -19.0, 40.0)], progress)
    assert progress.said == [
        f"note: the tiles of {NAME} take more room than the cache has; "
        "the others are fetched as they are needed"
    ]
    assert len(deep.first.asked) <= 2 * hips_store.MOST_UNCONFIRMED


def test_of_the_whole_sky_one_reduced_image_is_fetched_in_place_of_its_tiles(deep):
    survey, progress = open_survey(NAME, scale_deg=0.25), Listener()
    fetch_overview(survey, progress)
    assert progress.stages == []
    assert survey.overview.to_dict()["projection"] == "HiPS, Norder3/Allsky.fits, NSIDE 64"
    deep.first.asked.clear()
    values, coverage = survey.overview.sample(LON, LAT)
    np.testing.assert_allclose(values[:, 0], smooth_value(LON, LAT), atol=0.02)
    assert coverage.min() == pytest.approx(1)
    assert deep.first.asked == []
    for special in (lambda h: h.send_error(404), lambda h: h.give(b"nonsense")):  # then its tiles
        deep.first.answer["Norder3/Allsky.fits"] = special
        shutil.rmtree(deep.folder / "cache")
        survey = open_survey(NAME, scale_deg=0.25)
        assert survey.overview.cells.level == 8
        progress = Listener()
        fetch_overview(survey, progress)
        assert progress.stages == [(f"Fetch {NAME}", 768, "tiles")]


def test_surveys_finds_by_words_and_prints_a_table_json_and_csv(web):
    found = skykin.surveys("test FORMULA")
    assert list(found["identifier"]) == [NAME]
    assert found["sky_fraction"][0] == 0.99
    assert found["resolution"][0].to_value("deg") == pytest.approx(1.832, abs=0.001)
    assert list(skykin.surveys("")["identifier"]) == [NAME, "CDS/P/TEST/b"]
    run = CliRunner().invoke
    rows = json.loads(run(app, ["surveys", "--find", "test", "--json"]).stdout)
    assert [row["title"] for row in rows] == ["A formula", "Another"]
    assert rows[1]["sky_fraction"] is None
    lines = run(app, ["surveys", "--find", "formula", "--csv"]).stdout.splitlines()
    assert lines[0] == "identifier,name,title,regime,sky_fraction,resolution,address"
    assert lines[1].startswith(f"{NAME},,A formula,Infrared,0.99,6596.")
    table = run(app, ["surveys", "--find", "formula"]).stdout
    assert f"│ {NAME} │ A formula │ Infrared │ 99 % │" in table
    assert "1 public survey found for 'formula'; --survey takes the identifier." in table
    with pytest.raises(UsageError, match="a registry is searched with --find"):
        skykin.surveys(registry="x")


@pytest.mark.slow
def test_an_index_of_an_area_fetches_its_tiles_and_no_others(deep, tmp_path, monkeypatch):
    monkeypatch.setattr("skykin.jobs.streamed.STANDARD_TILES_IN_CONTEXT", 6)
    progress = Listener()
    index = skykin.index(
        NAME, tmp_path / "i", area="200,215,-25,-15", tile_size=8, spacing=4, pixels=32, recipe="mean-std",
        jobs=1, progress=progress,
    )  # fmt: skip
    assert len(index) == 8
    assert progress.stages[0][0] == f"Fetch {NAME}"
    asked = [file for file in deep.first.asked if file.startswith("Norder3/Dir")]
    assert len(asked) == len(set(asked))
    assert 0.9 * len(asked) <= progress.stages[0][1] < 100  # with the context that the network sees
