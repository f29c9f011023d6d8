"""One opened index, and the questions that were asked of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

from skykin.catalogue.known import known_at
from skykin.catalogue.query import Example
from skykin.catalogue.target_choice import TargetChoice
from skykin.core.criterion import MatchCriterion
from skykin.core.errors import UnknownNameError, UsageError, shown
from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.progress import SilentProgress
from skykin.core.protocols import ColouredSky, Survey
from skykin.core.shapes import Numbers
from skykin.core.sphere import separation_deg
from skykin.jobs.finish import with_criterion
from skykin.jobs.search import search
from skykin.jobs.sky_index import SkyIndex
from skykin.jobs.stored import StoredSurvey, meter_of, sky_of
from skykin.products.explanation import Explanation
from skykin.products.hips.geometry import HipsFrame, tiles_of
from skykin.products.hips.number_tiles import NearestRows, NumberTiles, order_of_spacing
from skykin.products.hips.suited import hips_frame
from skykin.products.result import numbers
from skykin.products.sky_map import SkyMap
from skykin.products.targets import Targets
from skykin.products.wording import percent
from skykin.survey.render import RenderedSurvey
from skykin.tiling.grid import cut
from skykin.viewing.answers import (
    Answer,
    Corner,
    ExampleText,
    Heat,
    IndexFacts,
    Known,
    Matches,
    Named,
    Outline,
    Position,
    RecipeFacts,
    Target,
    ViewFacts,
)
from skykin.viewing.decisions import Decisions, Judged
from skykin.viewing.hips import Rendered, heat_hips
from skykin.viewing.questions import Question, Verdict
from skykin.viewing.shapes import placed, reference_of
from skykin.viewing.work import Remembered

#: Maps that stay in memory: one of 50 000 tiles takes some 10 MB.
MOST_MAPS = 12
#: Questions that can be answered again without being asked again.
MOST_QUESTIONS = 2_000
MOST_EXPLAINED = 50
#: What a page of the whole sky begins with, where the survey covers it.
EXAMPLE = "orion"
#: Sizes of tile whose places are kept.
MOST_SIZES = 6
#: The largest q that a map of q distinguishes: 10 to the power of minus this.
LARGEST_LOG_Q = 6.0


@dataclass(frozen=True, eq=False)
class Asked:
    """A question that was answered, whatever the criterion.

    Parameters
    ----------
    question : Question
        Without criterion.
    found : SkyMap
        With the criterion of the recipe.
    notes : tuple of str
        What was said while it was answered.
    """

    question: Question
    found: SkyMap
    notes: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Name of the question."""
        return self.question.id

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {str(name): row for row, name in enumerate(self.found.tiles["name"])}

    def row(self, tile: str) -> int:
        """Find the row of a tile by its name.

        Raises
        ------
        UnknownNameError
            If there is none of that name.
        """
        if tile not in self._rows:
            raise UnknownNameError(f"the query has no tile {shown(tile)}; use an address of an answer")
        return self._rows[tile]

    def footprint(self, tile: str) -> Footprint:
        """Find where a tile lies, by its name."""
        return self.found.footprints[self.row(tile)]

    @property
    def log_q(self) -> Numbers:
        """Minus the logarithm of q; NaN where there is none."""
        q = numbers(self.found.tiles["q"])
        return np.asarray(-np.log10(np.clip(q, 10**-LARGEST_LOG_Q, None)))


class Notes(SilentProgress):
    """Remarks, to be told with the answer."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        """Keep a remark."""
        self.said.append(sentence)


class Sky:
    """An opened index, with what is made of it once.

    Parameters
    ----------
    name : str
        What the page calls it.
    index : SkyIndex
    base : str
        Path of the page, before every address in an answer.
    survey : Survey, optional
        Of the index; the one that it names is opened if left out.
    """

    def __init__(self, name: str, index: SkyIndex, base: str, survey: Survey | None = None) -> None:
        self.name, self.index, self.base, self.survey = name, index, base, survey
        self.decisions = Decisions.beside(index.path)
        self._lock, self._opening = threading.Lock(), threading.Lock()
        self._rows: Remembered[NearestRows] = Remembered(MOST_SIZES)
        self._asked: Remembered[Asked] = Remembered(MOST_MAPS)
        self._questions: Remembered[Question] = Remembered(MOST_QUESTIONS)
        #: Explanations, by question and number of the tile.
        self.explained: Remembered[Explanation] = Remembered(MOST_EXPLAINED)

    # What it is.

    def warm(self) -> None:
        """Open the survey and load the network, and whatever else the first question would wait for."""
        _ = self.pictured
        with self._opening:
            meter_of(self.index)
        rows = self.rows_of(self.index.tile_deg, lambda: self.index.footprints)
        for npix in tiles_of(self.index.extent, 0, self.frame):
            rows.tile(0, npix)

    @property
    def pictured(self) -> ColouredSky:
        """The survey rendered; opened once, whoever asks first."""
        with self._opening:
            return sky_of(self.index) if self.survey is None else self._own

    @property
    def whole(self) -> bool:
        """Whether it covers the whole sky."""
        return self.index.extent.is_all_sky

    @cached_property
    def _own(self) -> RenderedSurvey:
        return self.index.sky(self.survey)

    def rows_of(self, tile_deg: float, footprints: Callable[[], Sequence[Footprint]]) -> NearestRows:
        """Tell which tile of a size each pixel of a heat map shows."""
        return self._rows.of(tile_deg, lambda: NearestRows(footprints(), self.frame))

    @cached_property
    def frame(self) -> HipsFrame:
        """Frame in which it is shown: that of its survey."""
        return hips_frame(self.index.extent, self.index.provenance.survey)

    @cached_property
    def facts(self) -> IndexFacts:
        """What the page is told of it."""
        index, extent = self.index, self.index.extent
        ra, dec = _icrs(extent.lon_deg, extent.lat_deg)
        recipe = RecipeFacts(
            name=index.recipe.name,
            title=index.recipe.title,
            tile_sizes_deg=tuple(float(size) for size in index.sizes_deg),
            views=len(index.recipe.views.each),
            default=True,
        )
        return IndexFacts(
            id=self.name,
            title=index.survey_title,
            sky="whole" if self.whole else "field",
            frame="galactic" if self.frame == "galactic" else "equatorial",
            centre=Position(ra=ra, dec=dec),
            fov_deg=360.0 if self.whole else 2 * extent.radius_deg,
            tiles=len(index),
            recipes=(recipe,),
            background=self.name,
            example=self._example(),
        )

    def _example(self) -> ExampleText:
        """Orion where it is covered, else the tile in the middle."""
        tiles, extent = self.index.tiles, self.index.extent
        lon, lat = (tiles[name].to_value(u.deg) for name in ("lon", "lat"))
        orion = self.place(EXAMPLE)
        if separation_deg(lon, lat, orion.l, orion.b).min() <= self.index.tile_deg / 2:
            return ExampleText(text=EXAMPLE, ra=orion.ra, dec=orion.dec)
        middle = int(np.argmin(separation_deg(lon, lat, extent.lon_deg, extent.lat_deg)))
        name = str(tiles["name"][middle])
        return ExampleText(
            text=name, ra=float(tiles["ra"][middle].value), dec=float(tiles["dec"][middle].value)
        )

    def place(self, text: str) -> Named:
        """Find what a text means: a name, a position, a tile."""
        found = placed(text, self.index)
        ra, dec = _icrs(found.lon_deg, found.lat_deg)
        return Named(name=found.name, ra=ra, dec=dec, l=found.lon_deg, b=found.lat_deg)

    # What is asked.

    def ask(self, question: Question) -> Answer:
        """Answer a question.

        Raises
        ------
        SkykinError
            If it cannot be answered.
        """
        start = time.perf_counter()
        asked = self.asked(question)
        found, targets = self.found(question)
        return Answer(
            query=self.remember(question),
            seconds=time.perf_counter() - start,
            summary=(*_sentences(found, targets), *asked.notes),
            heat=self._heat(asked, found),
            heat_q=self._heat_q(asked, found),
            criterion=_matches(question, found),
            references=tuple(_outline(each) for each in found.query.references),
            unlike=tuple(_outline(each) for each in found.query.unlike),
            views=self._views(asked),
            targets=self._targets(question, asked, targets),
        )

    def remember(self, question: Question) -> str:
        """Keep a question under its id, to be answered again."""
        self._questions.put(question.id, question)
        return question.id

    def question(self, name: str) -> Question:
        """Find a question by its id.

        Raises
        ------
        UnknownNameError
            If it was not asked here, or long ago.
        """
        found = self._questions.get(name)
        if found is None:
            raise UnknownNameError(f"no query is called {shown(name)}; ask it again")
        return found

    def knows(self, name: str) -> bool:
        """Whether a question of that id was asked here."""
        return self._questions.get(name) is not None

    def asked(self, question: Question) -> Asked:
        """Score the tiles for a question, once."""
        scored = question.scored
        found = self._asked.get(scored.id)
        if found is not None:
            return found
        with self._lock:
            self.remember(scored)
            return self._asked.of(scored.id, lambda: self._search(scored))

    def found(self, question: Question) -> tuple[SkyMap, Targets]:
        """Give the map and the targets of a question, its criterion met."""
        found = self.asked(question).found
        criterion = MatchCriterion() if question.criterion is None else question.criterion.of_map
        if question.criterion is not None:
            found = with_criterion(found, self.index.recipe, criterion)
        found = replace(found, choice=TargetChoice(targets=question.targets))
        return found, Targets.of(found)

    def _search(self, question: Question) -> Asked:
        if question.recipe not in (None, self.index.recipe.name):
            raise UsageError(
                f"the index {shown(self.name)} was made with the recipe {self.index.recipe.name}, not "
                f"{shown(question.recipe)}; choose another index"
            )
        with self._opening:  # What is being opened need not be opened again.
            pass
        notes = Notes()
        found = search(
            self.index,
            [reference_of(each, self.index) for each in question.references],
            unlike=[reference_of(each, self.index) for each in question.unlike],
            combine=question.combine,
            turns=question.turns,
            mirror=question.mirror,
            scales=question.scales,
            views=question.views,
            tile_size=question.tile_size_deg,
            survey=self.survey,
            progress=notes,
        )
        return Asked(question, found, tuple(notes.said))

    # How it is told.

    def heat(self, question: Question, kind: str) -> Rendered:
        """Give similarity (``heat``) or minus the logarithm of q (``heat-q``) on the sky as a HiPS."""
        asked = self.asked(question)
        values = asked.found.scores if kind == "heat" else asked.log_q
        title = "similarity to " if kind == "heat" else "−log10 q of "
        scored = asked.found.scored
        rows = self.rows_of(scored.tile_deg, lambda: scored.footprints)
        return heat_hips(
            NumberTiles(rows, values), f"{kind}-{asked.id}", title + asked.found.query.name,
            order_of_spacing(scored.spacing_deg), self.index.extent,
        )  # fmt: skip

    def picture(self, question: Question, tile: str) -> Picture:
        """Look at a tile of an answer, by its name."""
        return cut(self.pictured, self.asked(question).footprint(tile), self.index.pixels)

    def view(self, question: Question, number: str) -> Picture:
        """Look at the first reference in one of its views, by the number of the view."""
        found = self.asked(question).found
        views = found.query.views.each
        if not number.isdecimal() or int(number[:4]) >= len(views):
            raise UnknownNameError(f"the query has no view {shown(number)}; it has {len(views)}")
        source = found.source
        assert isinstance(source, StoredSurvey)  # noqa: S101 - it was searched in an index
        return source.reference_picture(found.query.references[0], views[int(number[:4])])

    def _heat(self, asked: Asked, found: SkyMap) -> Heat:
        return self._layer("heat", asked, found.scores, found.cut.threshold, "similarity")

    def _heat_q(self, asked: Asked, found: SkyMap) -> Heat | None:
        values = asked.log_q
        if not np.isfinite(values).any():
            return None
        q = found.cut.value if found.cut.column == "q" else None
        return self._layer("heat-q", asked, values, None if not q else float(-np.log10(q)), "−log10 q")

    def _layer(self, kind: str, asked: Asked, values: Numbers, threshold: float | None, units: str) -> Heat:
        known = values[np.isfinite(values)]
        return Heat(
            url=f"{self.base}{kind}/{asked.id}",
            order=order_of_spacing(asked.found.scored.spacing_deg),
            min=float(known.min()) if len(known) else 0.0,
            max=float(known.max()) if len(known) else 1.0,
            threshold=threshold,
            units=units,
        )

    def _views(self, asked: Asked) -> tuple[ViewFacts, ...]:
        views = asked.found.query.views.each
        return tuple(
            ViewFacts(
                angle_deg=each.angle_deg,
                scale=each.scale,
                mirrored=each.mirrored,
                thumbnail=f"{self.base}api/query/{asked.id}/views/{number}.png",
            )
            for number, each in enumerate(views)
        )

    def _targets(self, question: Question, asked: Asked, targets: Targets) -> tuple[Target, ...]:
        table, prints = targets.table, targets.footprints
        outlines, decided = corners(prints), self.decisions.of(asked.id)
        many = "view_scale" in table.colnames
        found = []
        for row, where, outline in zip(table, prints, outlines, strict=True):
            verdict = decided.get(str(row["tile"]), Verdict())
            found.append(
                Target(
                    name=str(row["name"]),
                    ra=float(row["ra"].value),
                    dec=float(row["dec"].value),
                    l=where.lon_deg,
                    b=where.lat_deg,
                    constellation=str(row["constellation"]),
                    size_deg=float(row["size"].value),
                    score=float(row["score"]),
                    p=known_number(row["p"]),
                    q=known_number(row["q"]),
                    view_angle_deg=float(row["view_angle_deg"].value) if many else None,
                    view_scale=float(row["view_scale"]) if many else None,
                    known=tuple(
                        Known(name=each.name, kind=each.kind, separation_deg=each.separation_deg)
                        for each in known_at(where.lon_deg, where.lat_deg, targets.known_within_deg)
                        if not each.around
                    ),
                    corners=outline,
                    thumbnail=f"{self.base}api/query/{question.id}/tiles/{row['tile']}.png",
                    decision=verdict.decision,
                    note=verdict.note,
                )
            )
        return tuple(found)

    def decide(self, question: Question, name: str, verdict: Verdict) -> Verdict:
        """Keep what a person decided on a target of a question.

        Raises
        ------
        UnknownNameError
            If the question has no such target.
        """
        _, targets = self.found(question)
        rows = np.flatnonzero(np.asarray(targets.table["name"]) == name)
        if not len(rows):
            raise UnknownNameError(f"the query has no target {shown(name)}; ask it again")
        row = targets.table[int(rows[0])]
        place = Judged(
            question.scored.id, name, str(row["tile"]), float(row["ra"].value), float(row["dec"].value)
        )
        return self.decisions.decide(place, verdict)


def corners(footprints: Sequence[Footprint]) -> list[tuple[Corner, ...]]:
    """Corners of footprints, ICRS."""
    if not footprints:
        return []
    outlines = [each.outline_deg() for each in footprints]
    lon, lat = (np.concatenate(part) for part in zip(*outlines, strict=True))
    # All change their frame at once: each change takes milliseconds.
    icrs = SkyCoord(lon, lat, unit="deg", frame="galactic").icrs
    pairs = [(ra, dec) for ra, dec in zip(icrs.ra.deg.tolist(), icrs.dec.deg.tolist(), strict=True)]
    return [tuple(pairs[start : start + 4]) for start in range(0, len(pairs), 4)]


def _icrs(lon_deg: float, lat_deg: float) -> tuple[float, float]:
    place = SkyCoord(lon_deg, lat_deg, unit="deg", frame="galactic").icrs
    return float(place.ra.deg), float(place.dec.deg)


def _outline(example: Example) -> Outline:
    where = example.footprint
    if where is None:
        return Outline(name=example.name, ra=None, dec=None, corners=())
    ra, dec = _icrs(where.lon_deg, where.lat_deg)
    return Outline(name=example.name, ra=ra, dec=dec, corners=corners([where])[0])


def known_number(value: float) -> float | None:
    """Give a number, None where it is not finite."""
    return float(value) if np.isfinite(value) else None


def _matches(question: Question, found: SkyMap) -> Matches:
    asked, match = question.criterion, np.asarray(found.tiles["match"])
    return Matches(
        kind=found.cut.column if asked is None else asked.kind,
        value=known_number(found.cut.value if asked is None else asked.value),
        count=found.n_matches,
        sky_fraction=float(np.asarray(found.tiles["area"])[match].sum()),
        words=found.cut.words,
    )


def _sentences(found: SkyMap, targets: Targets) -> tuple[str, ...]:
    share = float(np.asarray(found.tiles["area"])[np.asarray(found.tiles["match"])].sum())
    first = (
        f"{found.n_matches:,} of {len(found.tiles):,} tiles match ({found.cut.words}), {percent(share)} of "
        "the sky."
    )
    return (first, *targets.sentences())
