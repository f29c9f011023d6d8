"""The addresses of the page: what is asked at each, and which work answers it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from skykin import __version__
from skykin.core.errors import UnknownNameError, UsageError, shown
from skykin.viewing.answers import BackgroundFacts, Judgement, Sent, State
from skykin.viewing.catalogues import catalogue, catalogue_facts
from skykin.viewing.downloads import DOWNLOADS, download, matches_moc
from skykin.viewing.explaining import explanation_of, figure_png, where_png
from skykin.viewing.files import PAGE, PackageFolder
from skykin.viewing.guard import App, Receive, Scope, Send
from skykin.viewing.hips import Background, Served, file_of
from skykin.viewing.png import picture_png
from skykin.viewing.problems import answer
from skykin.viewing.questions import Question, Sending, Verdict, body_of
from skykin.viewing.reading import read_json
from skykin.viewing.samp import send_table
from skykin.viewing.schema import schema
from skykin.viewing.sky import Sky
from skykin.viewing.work import Remembered, Work

#: Bytes of tiles and small pictures that stay in memory.
KEPT_BYTES = 128 << 20
#: What has an id in its address does not change.
FOREVER = {"cache-control": "private, max-age=86400, immutable"}
PICTURE = re.compile(r"([^/]{1,60})\.png")

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, eq=False)
class Page:
    """Everything that one page can ask for.

    Parameters
    ----------
    skies : sequence of Sky
        The indexes.
    backgrounds : sequence of Background
    base : str
        Path of the page.
    samp : bool
        Whether the page may send targets to other programs.
    """

    skies: Sequence[Sky]
    backgrounds: Sequence[Background]
    base: str
    samp: bool = False
    #: One question at a time: a question uses all cores itself.
    asking: Work = field(default_factory=lambda: Work("answers", 1, 32))
    drawing: Work = field(default_factory=lambda: Work("tiles", 2, 512))
    #: What takes seconds, and draws with Matplotlib, which knows one drawing at a time.
    slow: Work = field(default_factory=lambda: Work("explanations and files", 1, 16))
    #: Apart from the files, because a program fetches one before it answers.
    telling: Work = field(default_factory=lambda: Work("answers of other programs", 1, 4))
    kept: Remembered[Served] = field(
        default_factory=lambda: Remembered(KEPT_BYTES, lambda served: len(served.content))
    )

    # What is where.

    @cached_property
    def app(self) -> App:
        """The application, for paths without the token."""
        routes: list[tuple[str, Handler, str]] = [
            ("/", self.page, "GET"),
            ("/client/{name:path}", self.client, "GET"),
            ("/aladin/{name:path}", self.aladin, "GET"),
            ("/hips/{name}/{file:path}", self.background, "GET"),
            ("/heat/{query}/{file:path}", self.heat, "GET"),
            ("/heat-q/{query}/{file:path}", self.heat_q, "GET"),
            ("/api/state", self.state, "GET"),
            ("/api/resolve", self.resolve, "GET"),
            ("/api/query", self.query, "POST"),
            ("/api/query/{query}/why", self.why, "GET"),
            ("/api/query/{query}/why/{picture}", self.why_picture, "GET"),
            ("/api/query/{query}/targets/{name:path}", self.decide, "PUT"),
            ("/api/query/{query}/tiles/{picture}", self.tile, "GET"),
            ("/api/query/{query}/views/{picture}", self.view, "GET"),
            ("/api/query/{query}/moc", self.moc, "GET"),
            ("/api/query/{query}/download/{file}", self.download, "GET"),
            ("/api/catalogue/{name}", self.catalogue, "GET"),
            ("/api/schema", self.schema, "GET"),
            ("/api/samp", self.send, "POST"),
        ]
        router = Router(
            [Route(path, handler, methods=[method]) for path, handler, method in routes],
            redirect_slashes=False,
        )

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope["app"] = router  # It raises what it refuses, and does not answer in its own words.
            await router(scope, receive, send)

        return app

    def close(self) -> None:
        """End all work."""
        for work in (self.asking, self.drawing, self.slow, self.telling):
            work.close()

    # The page itself.

    async def page(self, _: Request) -> Response:
        """Give the page."""
        return _own("client", PAGE)

    async def client(self, request: Request) -> Response:
        """Give a file of the page."""
        return _own("client", request.path_params["name"])

    async def aladin(self, request: Request) -> Response:
        """Give a file of Aladin Lite."""
        return _own("aladin", request.path_params["name"])

    # What there is.

    async def state(self, _: Request) -> Response:
        """Tell what the server has."""
        return answer(asdict(await self.slow.do("state", self._state)))

    def _state(self) -> State:
        return State(
            version=__version__,
            samp=self.samp,
            indexes=tuple(sky.facts for sky in self.skies),
            backgrounds=self._backgrounds,
            catalogues=catalogue_facts(),
        )

    @cached_property
    def _backgrounds(self) -> tuple[BackgroundFacts, ...]:
        return tuple(each.facts(self.base) for each in self.backgrounds)

    async def schema(self, _: Request) -> Response:
        """Describe every address, body and answer."""
        return answer(schema())

    async def resolve(self, request: Request) -> Response:
        """Tell where a text points to."""
        sky = self._sky(request.query_params.get("index", ""))
        text = request.query_params.get("text", "")
        return answer(asdict(await self.drawing.do(("place", sky.name, text), lambda: sky.place(text))))

    async def catalogue(self, request: Request) -> Response:
        """Give the objects of a list."""
        name = request.path_params["name"]
        return answer(asdict(await self.drawing.do(("catalogue", name), lambda: catalogue(name))))

    # What is asked.

    async def query(self, request: Request) -> Response:
        """Answer a question."""
        question: Question = body_of(Question, read_json(await request.body()))
        sky = self._sky(question.index)
        return answer(asdict(await self.asking.do(question.id, lambda: sky.ask(question))))

    def _sky(self, name: str) -> Sky:
        for sky in self.skies:
            if sky.name == name:
                return sky
        names = ", ".join(sky.name for sky in self.skies)
        raise UnknownNameError(f"no index is called {shown(name)}; use one of {names}")

    def _asked(self, request: Request) -> tuple[Sky, Question]:
        """Find a question by its id, and the index that it was asked of."""
        return self._known(request.path_params["query"])

    def _known(self, name: str) -> tuple[Sky, Question]:
        for sky in self.skies:
            if sky.knows(name):
                return sky, sky.question(name)
        raise UnknownNameError(f"no query is called {shown(name)}; ask it again")

    async def decide(self, request: Request) -> Response:
        """Keep a decision on a target."""
        sky, question = self._asked(request)
        name = request.path_params["name"]
        verdict: Verdict = body_of(Verdict, read_json(await request.body()))
        # Each is written: the key is like no other.
        kept = await self.asking.do(object(), lambda: sky.decide(question, name, verdict))
        return answer(asdict(Judgement(name=name, decision=kept.decision, note=kept.note)))

    # What is seen.

    async def background(self, request: Request) -> Response:
        """Give a file of a background."""
        name, file = request.path_params["name"], request.path_params["file"]
        found = next((each for each in self.backgrounds if each.name == name), None)
        if found is None:
            raise UnknownNameError(f"no background is called {shown(name)}; look at the state")
        return await self._served(("hips", name, file), lambda: file_of(found.hips, file))

    async def heat(self, request: Request) -> Response:
        """Give a file of the HiPS of similarity."""
        return await self._heat(request, "heat")

    async def heat_q(self, request: Request) -> Response:
        """Give a file of the HiPS of minus the logarithm of q."""
        return await self._heat(request, "heat-q")

    async def _heat(self, request: Request, kind: str) -> Response:
        sky, question = self._asked(request)
        file = request.path_params["file"]
        return await self._served((kind, question.id, file), lambda: file_of(sky.heat(question, kind), file))

    async def tile(self, request: Request) -> Response:
        """Draw a tile."""
        sky, question = self._asked(request)
        name = _picture(request)
        return await self._drawn(("tile", sky.name, name), lambda: picture_png(sky.picture(question, name)))

    async def view(self, request: Request) -> Response:
        """Draw a view of the reference."""
        sky, question = self._asked(request)
        number = _picture(request)
        return await self._drawn(
            ("view", question.scored.id, number), lambda: picture_png(sky.view(question, number))
        )

    async def _drawn(self, key: tuple[str, ...], make: Callable[[], bytes]) -> Response:
        return await self._served(key, lambda: Served(make(), "image/png"))

    async def _served(self, key: tuple[str, ...], make: Callable[[], Served]) -> Response:
        found = self.kept.get(key)
        if found is None:
            found = await self.drawing.do(key, make)
            self.kept.put(key, found)
        status = 200 if found.content else 204
        return Response(found.content, status, headers=FOREVER, media_type=found.type)

    # What is told and taken away.

    async def why(self, request: Request) -> Response:
        """Explain a score."""
        sky, question = self._asked(request)
        ra, dec = (_degrees(request, name) for name in ("ra", "dec"))
        key = ("why", question.scored.id, ra, dec)
        return answer(asdict(await self.slow.do(key, lambda: explanation_of(sky, question, ra, dec))))

    async def why_picture(self, request: Request) -> Response:
        """Draw where a score comes from."""
        sky, question = self._asked(request)
        name = _picture(request)
        kind, _, tile = name.partition("-")
        draw = {"where": where_png, "figure": figure_png}.get(kind)
        if draw is None:
            raise UnknownNameError(f"there is no picture {shown(name)}; use an address of an answer")
        key = ("why", question.scored.id, name)
        made = self.kept.get(key)
        if made is None:
            made = await self.slow.do(key, lambda: Served(draw(sky, question, tile), "image/png"))
            self.kept.put(key, made)
        return Response(made.content, headers=FOREVER, media_type=made.type)

    async def moc(self, request: Request) -> Response:
        """Give the matches as a coverage map."""
        sky, question = self._asked(request)
        return answer(await self.slow.do(("moc", question.id), lambda: matches_moc(sky, question)))

    async def download(self, request: Request) -> Response:
        """Give a file to keep."""
        sky, question = self._asked(request)
        name = request.path_params["file"]
        if name not in DOWNLOADS:
            raise UnknownNameError(f"there is no file {shown(name)}; choose {', '.join(DOWNLOADS)}")
        content = await self.slow.do(object(), lambda: download(sky, question, name))
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return Response(content, headers=headers, media_type=DOWNLOADS[name])

    async def send(self, request: Request) -> Response:
        """Send the targets of a query to other programs by SAMP."""
        if not self.samp:
            raise UsageError("nothing is sent to other programs; start `skykin view` with --samp")
        sending: Sending = body_of(Sending, read_json(await request.body()))
        sky, question = self._known(sending.query)
        address = f"http://{request.headers['host']}{self.base}api/query/{question.id}/download/targets.vot"

        def send() -> Sent:
            _, targets = sky.found(question)
            return send_table(address, targets.heading, question.id)

        return answer(asdict(await self.telling.do(("samp", question.id), send)))


def _own(folder: str, name: str) -> Response:
    content, kind = FOLDERS[folder].read(name)
    return Response(content, headers={"cache-control": "no-cache"}, media_type=kind)


FOLDERS: Mapping[str, PackageFolder] = {name: PackageFolder(name) for name in ("client", "aladin")}


def _picture(request: Request) -> str:
    """Name of a picture without its ending."""
    name = request.path_params["picture"]
    found = PICTURE.fullmatch(name)
    if found is None:
        raise UnknownNameError(f"there is no picture {shown(name)}; use an address of an answer")
    return found[1]


def _degrees(request: Request, name: str) -> float:
    text = request.query_params.get(name, "")
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) <= 360:
        raise UsageError(f"{name} is {shown(text)}; give degrees (ICRS)")
    return value
