"""Who may ask, what is refused, and that nothing stops the server."""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import threading
import time

import httpx
import psutil
import pytest

from skykin.core.errors import ResourceError, UsageError
from skykin.viewing.guard import Door, Guard, frame_ancestors
from skykin.viewing.reading import LONGEST_BODY, read_json
from skykin.viewing.serving import listen
from skykin.viewing.work import BusyError, Remembered, Work
from tests.viewing.conftest import ASKED

HERE = "/api/state"


def raw(served, path, headers=(), method="GET", body=b""):
    """Send a request as it is written, which a client would put in order; give status and body."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    if not any(name.lower() == "host" for name, _ in headers):
        lines.append(f"Host: 127.0.0.1:{served.door.port}")
    lines += [f"Content-Length: {len(body)}"] if body else []
    text = "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")
    with socket.create_connection(("127.0.0.1", served.door.port), timeout=10) as connection:
        connection.sendall(text + body)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    head, _, rest = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), head, rest


@pytest.mark.parametrize(
    "path",
    [
        "../secret.png", "%2e%2e/secret.png", "..%2fsecret.png", "%252e%252e%252fsecret.png",
        "..\\secret.png", "..%5csecret.png", "....//secret.png", "Norder0/../../secret.png",
        "/etc/passwd", "%2fetc%2fpasswd", "//etc/passwd", "file:///etc/passwd", "secret.txt",
        "properties%00.png", "Norder0/Dir0/Npix0.png%00", "Norder0/Dir0/Npix1.png",
        "Norder0/Dir0/Npix0.png/", "Norder0//Dir0/Npix0.png", "%c0%ae%c0%ae/secret.png",
        "Norder٠/Dir0/Npix0.png", "NORDER0/Dir0/Npix0.png", ".", "", "Norder0/Dir0/Npix0.PNG",
        "Norder0/Dir0", "properties ", "Norder0/Dir0/Npix-1.png", "Norder99/Dir0/Npix0.png",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_served_files(served, path):
    quoted = path.encode("utf-8").decode("latin-1")
    for place in ("hips/folder", "client", "aladin", "heat/0", "api/query/0/tiles"):
        status, _, body = raw(served, f"/{served.door.token}/{place}/{quoted}")
        assert status in (400, 404), f"{place}/{path}: {status}"
        assert b"SECRET" not in body
        assert b"root:" not in body
        assert str(served.index.path.parent).encode() not in body


@pytest.mark.parametrize(
    "host", [
        "evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}",
        "127.0.0.1.evil.example:{port}", "", "192.168.1.4:{port}", "127.0.0.1:{port}@evil.example",
    ],
)  # fmt: skip
def test_a_name_that_another_can_point_at_this_computer_is_refused(served, host):
    # DNS rebinding: the name of a page elsewhere leads here, and its scripts would count as ours.
    status, _, body = raw(
        served, f"/{served.door.token}{HERE}", [("Host", host.format(port=served.door.port))]
    )
    assert status in (400, 421)
    assert b"indexes" not in body


def test_this_computer_is_known_by_its_three_names_only(served):
    port = served.door.port
    for name in ("127.0.0.1", "localhost", "[::1]", "LOCALHOST"):
        assert raw(served, f"/{served.door.token}{HERE}", [("Host", f"{name}:{port}")])[0] == 200
    for headers in ([("Host", f"localhost:{port}"), ("Host", f"localhost:{port}")],):
        assert raw(served, f"/{served.door.token}{HERE}", headers)[0] == 400
    far = Door("0.0.0.0", port)  # noqa: S104 - not listened at
    assert far.knows(f"192.168.1.4:{port}")
    assert not far.knows(f"evil.example:{port}")
    assert not far.is_local


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
    ],
)
def test_what_another_page_asks_is_refused(served, headers, status):
    found = served.client.get("api/state", headers=headers)
    assert found.status_code == status
    if status == 403:
        assert "comes from another page" in found.json()["what"]
    same = {"origin": f"http://127.0.0.1:{served.door.port}"}
    assert served.client.get("api/state", headers=same).status_code == 200


def test_a_link_opens_the_page_and_nothing_else(served):
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert served.client.get("", headers=headers).status_code == 200
    assert served.client.get("api/catalogue/sharpless", headers=headers).status_code == 403


def test_without_the_token_there_is_nothing(served):
    token = served.door.token
    assert len(token) == 32
    for path in ("/", "/api/state", f"/{token[:-1]}/api/state", f"/{token}x/", f"/{token.swapcase()}/", "//"):
        status, _, body = raw(served, path)
        assert (status, json.loads(body)["what"]) == (404, "there is no such page")
    assert Door("127.0.0.1", 1).token != Door("127.0.0.1", 1).token


def test_every_answer_has_the_headers_that_keep_a_page_to_itself(served, answer):
    paths = ["", "api/state", "api/nothing", "hips/folder/properties", f"api/query/{answer['query']}/moc"]
    for path in paths:
        headers = served.client.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; ")
        assert "http" not in policy
        assert "'unsafe-eval'" not in policy
        assert policy.endswith("frame-ancestors 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


def test_frames_are_allowed_by_name_only():
    assert frame_ancestors("'self'  http://localhost:8888") == "'self' http://localhost:8888"
    assert frame_ancestors("vscode-webview: https://*.example.org:*")
    for text in (
        "",
        "*",
        "'none'; script-src *",
        "http://a\r\nx: y",
        "javascript:alert(1)",
        "'unsafe-inline'",
    ):
        with pytest.raises(UsageError, match="the frame ancestors are"):
            frame_ancestors(text)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "the body is no JSON"),
        (b"{", "the body is no JSON"),
        (b"\xff\xfe", "the body is no UTF-8 from byte 0 on"),
        (b"[]", "send a JSON object"),
        (b"[" * 100_000, "the JSON is more than 16 levels deep"),
        (b'{"index": ' + b"[" * 17 + b"]" * 17 + b"}", "more than 16 levels deep"),
        (b'{"index": "blobs", "index": "x"}', "the name 'index' twice"),
        (b'{"targets": NaN}', "the JSON has the number NaN"),
        (b'{"targets": -Infinity}', "the JSON has the number -Infinity"),
        (b'{"targets": 1e400}', "the number '1e400', which is too large"),
        (b'{"targets": ' + b"9" * 5_000 + b"}", "a number of 5000 digits"),
        (json.dumps(ASKED | {"references": []}).encode(), "there is no reference"),
        (json.dumps(ASKED | {"references": [{"kind": "x"}]}).encode(), "a shape has the kind 'x'"),
        (json.dumps(ASKED | {"references": [{"kind": "point", "ra": 1}]}).encode(), "dec is missing"),
        (json.dumps(ASKED | {"references": [{"kind": "point", "ra": 1, "dec": 91}]}).encode(),
         "the part of a point dec is '91', but it must be a declination"),
        (json.dumps(ASKED | {"references": [{"kind": "point", "ra": True, "dec": 1}]}).encode(),
         "ra is 'True'"),
        (json.dumps(ASKED | {"targets": 10**6}).encode(), "the field targets is '1000000'"),
        (json.dumps(ASKED | {"turns": 7}).encode(), "the field turns is '7', but it must be 1, 4, 8 or 16"),
        (json.dumps(ASKED | {"index": "../blobs"}).encode(), "no index is called '../blobs'"),
        (json.dumps(ASKED | {"recipe": "poster"}).encode(), "was made with the recipe mean-std"),
        (json.dumps(ASKED | {"references": [{"kind": "point", "ra": 1.0, "dec": 1.0}] * 10_000})[:10**7]
         .encode()[:LONGEST_BODY + 1], "the body is too long"),
        (json.dumps(ASKED | {"references": [{"kind": "place", "text": "a"}] * 5_000}).encode(),
         "5000 references were sent, but at most 100"),
        (json.dumps(ASKED | {"references": [{"kind": "polygon", "vertices": [[1, 1]] * 20_000}]}).encode(),
         "20000 vertices were sent, but at most 1000"),
        (json.dumps(ASKED | {"references": [{"kind": "polygon", "vertices": [[1, 1]] * 10**6}]}).encode(),
         "the body is too long"),
        (json.dumps(ASKED | {"references": [{"kind": "polygon", "vertices": [[1, 1], [2, 2], [1, 1]]}]})
         .encode(), "3 to 1000 different pairs"),
    ],
)  # fmt: skip
def test_bad_json_is_refused_in_one_sentence(served, body, sentence):
    found = served.client.post("api/query", content=body, headers={"content-type": "application/json"})
    told = found.json()
    assert 400 <= found.status_code < 500
    assert sentence in f"{told['what']}; {told['way_out']}"
    assert set(told) == {"what", "way_out", "code"}
    assert "\n" not in told["what"]
    assert "Traceback" not in found.text


def test_bodies_of_other_kinds_and_methods_are_refused(served):
    body = json.dumps(ASKED).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        found = served.client.post("api/query", content=body, headers={"content-type": kind})
        assert (found.status_code, found.json()["way_out"]) == (415, "send application/json")
    for method in ("DELETE", "PATCH", "OPTIONS", "TRACE"):
        assert served.client.request(method, "api/query").status_code == 405
    assert served.client.get("api/query").status_code == 405
    assert served.client.head("api/state").status_code == 200


def test_json_is_read_as_others_read_it():
    told = {"a": [1, -2.5, '\u202e😀 \\" ]}', None, True], "b": {"c": []}}
    assert read_json(json.dumps(told).encode()) == told


HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "x" * 1_900,
    "a\u202eb\x1b[31m",
    "=1+1",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_kept_as_text(served, answer, text):
    name = answer["targets"][0]["name"]
    stored = served.client.put(
        f"api/query/{answer['query']}/targets/{name}", json={"decision": "keep", "note": text}
    )
    assert stored.headers["content-type"] == "application/json"
    note = stored.json()["note"]
    assert note == text.replace("\u202e", "").replace("\x1b", "")
    again = served.client.post("api/query", json=ASKED).json()["targets"][0]
    assert (again["decision"], again["note"]) == ("keep", note)
    table = served.client.get(f"api/query/{answer['query']}/download/targets.csv").text
    assert "\x1b" not in table
    assert "\n=1" not in table
    assert ",=1" not in table
    problem = served.client.get("api/resolve", params={"index": "blobs", "text": text[:150]})
    assert problem.headers["content-type"] == "application/json"


@pytest.mark.slow
def test_two_hundred_slow_connections_leave_the_others_answered(served, monkeypatch):
    monkeypatch.setattr("skykin.viewing.serving.HEAD_S", 1.0)
    slow = []
    try:
        for _ in range(200):
            connection = socket.create_connection(("127.0.0.1", served.door.port), timeout=10)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: ")
            slow.append(connection)
        assert served.client.get("api/state").status_code == 200
        time.sleep(1.3)
        for connection in slow:
            connection.settimeout(5)
            assert connection.recv(100) == b""  # It was closed.
    finally:
        for connection in slow:
            connection.close()


def test_a_body_that_comes_too_slowly_is_refused(served, monkeypatch):
    monkeypatch.setattr("skykin.viewing.guard.BODY_S", 0.3)
    path = f"/{served.door.token}/api/query"
    head = [
        f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{served.door.port}", "Content-Type: application/json",
        "Content-Length: 100", "Connection: close", "", "{",
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", served.door.port), timeout=10) as connection:
        connection.sendall("\r\n".join(head).encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"the body did not come within 0.3 s" in answer


def test_a_mistake_of_the_program_is_told_in_one_sentence_and_stops_nothing(served, monkeypatch, caplog):
    def wrong(_):
        raise ZeroDivisionError("/secret/path")

    monkeypatch.setattr(served.sky, "place", wrong)
    found = served.client.get("api/resolve", params={"index": "blobs", "text": "orion"})
    assert (found.status_code, found.json()["code"]) == (500, "BUG")
    assert "secret" not in found.text
    assert "/secret/path" in caplog.text
    assert served.client.get("api/state").status_code == 200


def random_request(draw):
    """A request that is nearly right: method, path, headers, body."""
    paths = [
        "api/state", "api/query", "api/resolve", "api/query/0/why", "api/samp", "api/catalogue/x", "client/x",
        "hips/blobs/properties", "heat/0/Norder0/Dir0/Npix0.fits", "api/query/0/targets/x", "api/schema",
        "api/query/0/download/targets.vot", "aladin/x", "",
    ]  # fmt: skip
    values = [
        None, True, 0, -1, 1e308, "", "orion", "x" * 300, "\u202e\x00", [], {}, [[]], [1, 2], "209,-19", -0.0,
        {"kind": "place", "text": "orion"}, {"kind": "point", "ra": 83.0, "dec": -5.0}, 10**19, "NaN",
        {"kind": "circle", "ra": 0, "dec": 90, "radius_deg": 45},
        {"kind": "polygon", "vertices": [[0, 0]] * 9},
    ]  # fmt: skip
    fields = [
        "index", "references", "unlike", "recipe", "tile_size_deg", "combine", "turns", "mirror", "scales",
        "views", "criterion", "targets", "decision", "note", "query", "kind",
    ]  # fmt: skip
    body = {name: draw.choice(values) for name in draw.sample(fields, draw.randint(0, 5))}
    if draw.random() < 0.5:
        body = ASKED | body
    content = json.dumps(body).encode()
    if draw.random() < 0.3:
        content = bytearray(content)
        for _ in range(draw.randint(1, 8)):
            content[draw.randrange(len(content))] = draw.randrange(256)
    query = "&".join(f"{draw.choice(['index', 'text', 'ra', 'dec'])}={draw.choice(values)}" for _ in range(2))
    path = draw.choice(paths) + draw.choice(["", "?" + query, "/", "%00", "/..", "%"])
    headers = {"content-type": draw.choice(["application/json", "application/json; x", "text/html", ""])}
    headers[draw.choice(["range", "accept", "origin", "te", "x"])] = draw.choice(
        ["", "bytes=0-", "\xff", "*"]
    )
    return draw.choice(["GET", "POST", "PUT", "HEAD", "POST", "POST"]), path, headers, bytes(content)


@pytest.mark.slow
def test_a_thousand_random_requests_end_in_answers_and_leave_memory_flat(served):
    draw, process, used, statuses = random.Random(15), psutil.Process(), [], set()
    for number in range(1_000):
        method, path, headers, content = random_request(draw)
        try:
            found = served.client.request(
                method, served.view.url + path, content=content if method in ("POST", "PUT") else None,
                headers={name: value.encode("latin-1") for name, value in headers.items()},
            )  # fmt: skip
        except httpx.InvalidURL:
            continue
        statuses.add(found.status_code)
        assert found.status_code != 500, (method, path, content, found.text)
        if found.status_code >= 400 and method != "HEAD" and found.headers.get("content-type"):
            assert found.headers["content-type"].startswith(("application/json", "text/plain"))
        if number in (300, 999):
            used.append(process.memory_info().rss)
    assert {200, 400, 404, 405} <= statuses
    assert used[1] - used[0] < 40e6
    assert served.client.post("api/query", json=ASKED).status_code == 200


def test_what_runs_already_is_not_begun_again_and_too_much_is_refused():
    begun, go = [], threading.Event()

    def make():
        begun.append(1)
        go.wait(5)
        return "made"

    async def ask():
        work = Work("answers", 1, 2)
        same = [asyncio.create_task(work.do("one", make)) for _ in range(1_000)]
        others = [asyncio.create_task(work.do(number, make)) for number in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="3 requests for answers are waiting; ask again in a moment"):
            await work.do("more", make)
        go.set()
        found = await asyncio.gather(*same, *others)
        work.close()
        return found

    assert set(asyncio.run(ask())) == {"made"}
    assert len(begun) == 3


def test_what_is_remembered_is_bounded():
    kept = Remembered(10, len)
    for number in range(100):
        kept.put(number, "x" * 3)
    assert [number for number in range(100) if kept.get(number)] == [97, 98, 99]
    assert kept.of(99, lambda: "y") == "xxx"
    assert kept.of(5, lambda: "yy") == "yy"


def test_a_port_in_use_and_an_address_elsewhere_are_told():
    with listen("127.0.0.1", None) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ResourceError, match=f"cannot listen at '127.0.0.1', port {port}: .* --port"):
            listen("127.0.0.1", port)
    with pytest.raises(ResourceError, match="cannot listen at '192.0.2.1', port any"):
        listen("192.0.2.1", None)


def test_the_guard_answers_whatever_the_application_raises():
    async def wrong(*_):
        raise RuntimeError

    sent = []

    async def send(message):
        sent.append(message)

    door = Door("127.0.0.1", 80)
    scope = {
        "type": "http", "method": "GET", "path": f"/{door.token}/", "headers": [(b"host", b"127.0.0.1:80")],
    }  # fmt: skip
    asyncio.run(Guard(wrong, door)(scope, send, send))
    assert sent[0]["status"] == 500
    assert os.fsencode("RuntimeError") not in sent[1]["body"]


def test_who_hangs_up_in_the_middle_leaves_no_word(served, caplog):
    head = [
        f"POST /{served.door.token}/api/query HTTP/1.1", f"Host: 127.0.0.1:{served.door.port}",
        "Content-Type: application/json", "Content-Length: 100", "", "{",
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", served.door.port), timeout=10) as connection:
        connection.sendall("\r\n".join(head).encode())
        time.sleep(0.05)
    for _ in range(3):
        assert served.client.get("api/schema").status_code == 200
    assert caplog.text == ""
