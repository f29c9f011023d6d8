"""HiPS as the page reads them: surveys in colours, similarity as numbers, and folders on this computer."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Protocol

import numpy as np

from skykin.core.atomic import read_sealed, write_sealed
from skykin.core.errors import InputRefusedError, ResourceError, UnknownNameError, shown
from skykin.core.extent import ALL_SKY, Extent
from skykin.core.progress import SILENT
from skykin.core.protocols import ColouredSky
from skykin.core.shapes import Numbers
from skykin.core.survey_options import SurveyOptions
from skykin.products.hips.encoding import fits_tile_bytes, png_bytes
from skykin.products.hips.geometry import WIDTH, HipsFrame, recommended_order
from skykin.products.hips.number_tiles import NumberTiles
from skykin.products.hips.picture_tiles import PictureTiles
from skykin.products.hips.properties import HipsFacts, HipsFormat, properties_text
from skykin.products.thumbnails import OWN_COLOURS
from skykin.survey.hips.properties import LARGEST_BYTES, HipsProperties
from skykin.survey.named import named_surveys
from skykin.survey.named.milkyway import PICTURES
from skykin.survey.render import RenderedSurvey, measure_stretch
from skykin.viewing.answers import BackgroundFacts

#: Files that are served of a HiPS; of any other name none.
TILE = re.compile(r"Norder(\d{1,2})/Dir(\d{1,10})/Npix(\d{1,13})\.(png|jpg|fits)", re.ASCII)
ALLSKY = re.compile(r"Norder3/Allsky\.(png|jpg|fits)")
PROPERTIES, MOC = "properties", "Moc.fits"
TYPES = {
    "png": "image/png", "jpg": "image/jpeg", "fits": "application/fits", PROPERTIES: "text/plain",
}  # fmt: skip
#: Tiles in a folder of a HiPS, and the largest file that is served.
DIRECTORY, LARGEST_FILE = 10_000, 32 << 20
#: Pixels of a picture to a beam of its survey.
PER_BEAM = 3.0
#: Order of the overview, and the side of a tile in it.
OVERVIEW_ORDER, SMALL = 3, 64
#: Resolution of the pictures of the whole sky that come with the extra `milkyway`.
PICTURE_BEAM_DEG = 0.2


@dataclass(frozen=True)
class Served:
    """A file of a HiPS; empty where it holds nothing."""

    content: bytes
    type: str


class Hips(Protocol):
    """What files a HiPS has."""

    def file(self, path: str) -> Served:
        """Give a file by its path.

        Raises
        ------
        UnknownNameError
            If there is none of that name.
        """


def file_of(hips: Hips, path: str) -> Served:
    """Give a file of a HiPS; an overview or area that it lacks is empty.

    Aladin Lite asks for both whatever the properties say, and a browser logs each refusal as an error.
    """
    try:
        return hips.file(path)
    except UnknownNameError:
        if path == MOC or ALLSKY.fullmatch(path):
            return Served(b"", TYPES["fits"])
        raise


def no_file(path: str) -> UnknownNameError:
    """Say that a HiPS has no such file."""
    return UnknownNameError(f"the HiPS has no file {shown(path)}; look at its properties")


@dataclass(frozen=True)
class Rendered:
    """A HiPS whose tiles are made when they are requested.

    Parameters
    ----------
    facts : HipsFacts
        With one format.
    tile : callable
        From order and number to pixels (512, 512, ...).
    """

    facts: HipsFacts
    tile: Callable[[int, int], Numbers]

    def file(self, path: str) -> Served:
        """Give a file by its path."""
        if path == PROPERTIES:
            return Served(properties_text(self.facts).encode("utf-8"), TYPES[PROPERTIES])
        found = TILE.fullmatch(path)
        if found is not None and found[4] == self.facts.formats[0]:
            order, directory, npix = (int(number) for number in found.groups()[:3])
            exists = order <= self.facts.order and npix < 12 << 2 * order
            if exists and directory == npix // DIRECTORY * DIRECTORY:
                return self._encoded(self.tile(order, npix), order, npix)
        found = ALLSKY.fullmatch(path)
        if found is not None and found[1] == self.facts.formats[0] and self._has_overview:
            return self._encoded(self._overview(), OVERVIEW_ORDER, 0)
        raise no_file(path)

    @property
    def _has_overview(self) -> bool:
        """Aladin Lite asks for it always, and stops drawing when FITS is empty."""
        return self.facts.order >= OVERVIEW_ORDER or self.facts.formats[0] == "fits"

    def _encoded(self, pixels: Numbers, order: int, npix: int) -> Served:
        form = self.facts.formats[0]
        if form == "png" and not (pixels[..., 3] > 0).any():
            return Served(b"", TYPES[form])
        content = png_bytes(pixels) if form == "png" else fits_tile_bytes(pixels, order, npix)
        return Served(content, TYPES[form])

    def _overview(self) -> Numbers:
        """All tiles of order 3, small, side by side in rows of 27.

        A tile of order 0 has as many pixels as its 64 tiles of order 3 have when they are small.
        """
        side = WIDTH // SMALL
        rows = [_even_bits(number) for number in range(side**2)]
        columns = [_even_bits(number >> 1) for number in range(side**2)]
        across = int(np.sqrt(12 * side**2))
        down = -(-12 * side**2 // across)
        first = self.tile(0, 0)
        blank = np.full((down * SMALL, across * SMALL, *first.shape[2:]), _blank(first), first.dtype)
        for base in range(12):
            pixels = first if base == 0 else self.tile(0, base)
            for number, (row, column) in enumerate(zip(rows, columns, strict=True)):
                part = pixels[row * SMALL :, column * SMALL :][:SMALL, :SMALL]
                below, beside = divmod(base * side**2 + number, across)
                blank[below * SMALL :, beside * SMALL :][:SMALL, :SMALL] = part
        return blank


def _even_bits(number: int) -> int:
    """Take every other bit of a number, from the first on."""
    return sum((number >> 2 * bit & 1) << bit for bit in range(8))


def _blank(pixels: Numbers) -> float:
    return 0 if pixels.dtype == np.uint8 else np.nan


@dataclass(frozen=True)
class KeptOnDisk:
    """A HiPS whose coarsest tiles are kept on disk: what a page shows first is there at once the next time.

    Parameters
    ----------
    hips : Hips
    folder : Path
        Of this HiPS alone; a file there that is not as it was written is made anew.
    """

    hips: Hips
    folder: Path

    def file(self, path: str) -> Served:
        """Give a file by its path."""
        tile = TILE.fullmatch(path)
        if tile is None or int(tile[1]) or int(tile[2]):
            return self.hips.file(path)
        place = self.folder / path.rpartition("/")[2]
        content = read_sealed(place)
        if content is not None:
            return Served(content, TYPES[tile[4]])
        made = self.hips.file(path)
        with suppress(OSError):  # It is made again the next time.
            self.folder.mkdir(parents=True, exist_ok=True)
            write_sealed(place, made.content)
        return made


def heat_hips(tiles: NumberTiles, name: str, title: str, order: int, extent: Extent) -> Rendered:
    """Numbers of tiles as a HiPS of FITS tiles."""
    known = tiles.values[np.isfinite(tiles.values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    facts = HipsFacts(
        name=name, title=title, frame=tiles.rows.frame, order=order, formats=("fits",), extent=extent,
        cut=(low, high) if high > low else (low, low + 1),
    )  # fmt: skip
    return Rendered(facts, tiles.tile)


@dataclass(frozen=True)
class SurveyPicture:
    """What a survey shows as a picture.

    Parameters
    ----------
    title : str
    credits : tuple of str
    beam_deg : float
        Its resolution.
    frame : {"galactic", "icrs"}
    extent : Extent
    """

    title: str
    credits: tuple[str, ...]
    beam_deg: float
    frame: HipsFrame = "galactic"
    extent: Extent = ALL_SKY


@dataclass(frozen=True)
class Background:
    """A picture of the sky behind the heat map.

    Parameters
    ----------
    name : str
        What the page calls it.
    title, credit : str
    order : int
        The finest.
    format : str
        Of its tiles.
    frame : {"galactic", "icrs"}
    open : callable
        Gives the HiPS, which takes a while the first time.
    """

    name: str
    title: str
    credit: str
    order: int
    format: HipsFormat
    frame: HipsFrame
    open: Callable[[], Hips]

    @cached_property
    def hips(self) -> Hips:
        """The HiPS, opened once."""
        return self.open()

    def facts(self, base: str) -> BackgroundFacts:
        """Say what the page is told of it."""
        return BackgroundFacts(
            id=self.name,
            title=self.title,
            credit=self.credit,
            url=f"{base}hips/{self.name}",
            order=self.order,
            format=self.format,
            frame="galactic" if self.frame == "galactic" else "equatorial",
        )


def survey_background(
    name: str, about: SurveyPicture, sky: Callable[[], ColouredSky], kept: Path | None = None
) -> Background:
    """Give a survey as a background.

    Parameters
    ----------
    name : str
        What the page calls it.
    about : SurveyPicture
    sky : callable
        Opens the survey, rendered; it is opened when its first tile is drawn.
    kept : Path, optional
        Folder where its coarsest tiles are kept for the next time.
    """
    extent, frame = about.extent, about.frame
    order = recommended_order(about.beam_deg / PER_BEAM)
    facts = HipsFacts(
        name=name, title=about.title, frame=frame, order=order, formats=("png",), extent=extent,
        credits=about.credits,
    )  # fmt: skip
    hips: Hips = Rendered(facts, lambda order, npix: PictureTiles(sky(), frame, extent).tile(order, npix))
    if kept is not None:
        hips = KeptOnDisk(hips, kept)
    return Background(name, about.title, "; ".join(about.credits), order, "png", frame, lambda: hips)


def milky_way_backgrounds(taken: Collection[str]) -> list[Background]:
    """Give the pictures of the whole sky that are on this computer and whose names are not taken."""
    return [
        survey_background(name, SurveyPicture(title, (credit,), PICTURE_BEAM_DEG), partial(_rendered, name))
        for name, title, _, credit in PICTURES
        if name not in taken and named_surveys()[name].find() is not None
    ]


@cache
def _rendered(name: str) -> ColouredSky:
    survey = named_surveys()[name].open(SurveyOptions(), False, SILENT)
    return RenderedSurvey(survey, measure_stretch(survey) if survey.unit else OWN_COLOURS)


@dataclass(frozen=True)
class HipsFolder:
    """A HiPS in a folder on this computer; nothing outside the folder is ever read.

    Parameters
    ----------
    folder : Path
        Resolved.
    """

    folder: Path

    def file(self, path: str) -> Served:
        """Give a file by its path."""
        tile = TILE.fullmatch(path) or ALLSKY.fullmatch(path)
        if tile is None and path not in (PROPERTIES, MOC):
            raise no_file(path)
        try:
            found = (self.folder / path).resolve(strict=True)
            # A link in the folder may lead elsewhere.
            if not (found.is_relative_to(self.folder) and found.is_file()):
                raise no_file(path)
            if found.stat().st_size > LARGEST_FILE:
                raise ResourceError(f"the file {shown(path)} of the HiPS is too large; make smaller tiles")
            content = found.read_bytes()
        except (OSError, RuntimeError) as error:
            if isinstance(error, ResourceError):
                raise
            raise no_file(path) from error
        return Served(content, TYPES[PROPERTIES if path == PROPERTIES else path.rpartition(".")[2]])


def folder_background(path: str | Path, name: str) -> Background:
    """Give a HiPS folder as a background.

    Raises
    ------
    InputRefusedError
        If it is none, or its tiles are no pictures of 512 pixels.
    """
    folder = Path(path).expanduser()
    try:
        folder = folder.resolve(strict=True)
        with (folder / PROPERTIES).open("rb") as stream:
            text = stream.read(LARGEST_BYTES).decode("utf-8", "replace")
    except OSError as error:
        raise InputRefusedError(
            f"the background {shown(folder.name)} is no HiPS: its file properties cannot be read; give the "
            "folder of a HiPS, such as `skykin hips` writes"
        ) from error
    said = HipsProperties.parse(text, folder.name)
    forms: dict[str, HipsFormat] = {"png": "png", "jpg": "jpeg"}
    form = next((form for ending, form in forms.items() if ending in said.endings), None)
    if form is None or said.width != WIDTH or said.order_min != 0 or said.frame == "ecliptic":
        raise InputRefusedError(
            f"the background {shown(folder.name)} has tiles of {said.width} pixels as {said.format} from "
            f"order {said.order_min} on in the frame {said.frame}; give a galactic or equatorial HiPS of PNG "
            f"or JPEG tiles of {WIDTH} pixels with order 0"
        )
    return Background(
        name, said.title, "; ".join(said.credits), said.order, form, said.frame,
        lambda: HipsFolder(folder),
    )  # fmt: skip
