"""HiPS: a survey as tiles of ever finer order, in a folder or on the web."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy_healpix.core import healpix_to_lonlat, lonlat_to_healpix

from skykin.core.area import MocArea
from skykin.core.errors import HeaderInvalidError, InputRefusedError, RemoteError, shown
from skykin.core.extent import ALL_SKY, Extent
from skykin.core.frames import from_galactic, to_galactic
from skykin.core.protocols import Progress, Survey
from skykin.core.provenance import Source
from skykin.core.scratch import TemporaryFolder
from skykin.core.survey_options import SurveyOptions
from skykin.survey.base import About
from skykin.survey.formats import Glance, SurveyFormat
from skykin.survey.healpix.cell_map import NEARLY_ALL
from skykin.survey.healpix.cells import CellSurvey, cell_side_deg, level_for
from skykin.survey.hips.allsky import FINEST_ORDER, cells_of_allsky
from skykin.survey.hips.cells import HipsCells, tile_file
from skykin.survey.hips.properties import LARGEST_BYTES, HipsProperties
from skykin.survey.hips.store import FolderStore, HipsStore, WebStore, release_hash
from skykin.survey.sky_mask import read_sky_mask

#: Default without the option scale_deg: pixels of 0.014° (for tiles of 512²); 768 tiles are the whole sky.
DEFAULT_ORDER = 3
#: What covers more of the sky has hardly a tile without data.
WHOLE = 0.98
#: The reduced image is no need: an answer that is none of these is an error.
ALLSKY_DOES_WITHOUT = ("RM-TOOBIG", "RM-HTML")
#: So many tiles of a folder show which formats there are.
LOOKED_AT = 64


def claims(glance: Glance) -> bool:
    """Whether it is a folder with the file ``properties``."""
    return glance.is_folder and (glance.path / "properties").exists()


def _open(path: Path, options: SurveyOptions, progress: Progress) -> Survey:
    return open_hips(FolderStore(path), options, progress)


def open_hips(store: HipsStore, options: SurveyOptions, progress: Progress) -> CellSurvey:
    """Open a HiPS at the order whose pixels are not larger than the option ``scale_deg``.

    Raises
    ------
    InputRefusedError
        If its properties are missing or impossible.
    RemoteError
        If it is on the web and does not come.
    """
    content = store.properties(progress)
    if content is None:
        raise HeaderInvalidError(
            f"{shown(store.name)} has no file properties, so it is not a HiPS; give the folder or address of "
            "one, and download other files yourself"
        )
    if len(content) > LARGEST_BYTES:
        raise HeaderInvalidError(
            f"the properties of {shown(store.name)} have {len(content)} bytes; choose another HiPS",
            code="IN-TOOBIG",
        )
    known = HipsProperties.parse(content.decode("utf-8", "replace"), store.name)
    allsky = None
    if isinstance(store, FolderStore):
        known, allsky = _as_it_is(store, known, progress)
    elif isinstance(store, WebStore) and len(known.endings) > 1:
        known = _as_it_is_served(store, known)
    columns = ("value",) if known.format.startswith("fits") else ("red", "green", "blue")
    of_web = isinstance(store, WebStore)  # where each server says some words about itself
    sha256 = release_hash(content) if of_web else hashlib.sha256(content).hexdigest()
    source = Source(f"{known.name}/properties", sha256)
    unit = options.unit or known.unit
    about = About.of_columns(
        columns, name=known.name, title=known.title, unit=unit, source=source, credits=known.credits
    )
    if allsky is not None:
        return _of_allsky(allsky, store.read(allsky) or b"", known, about, options)
    order = _order(known, options, progress)
    covered = None if isinstance(store, FolderStore) else _moc(store, known)
    extent = _extent(store, known, order, covered)

    def at(order: int, coarse: CellSurvey | None) -> CellSurvey:
        cells = HipsCells(store, known, order, None if covered is None else covered.moc)
        beam_deg = options.beam_deg or cell_side_deg(cells.level)
        stored = f"HiPS of {known.format} tiles, order {order} of {known.order}, NSIDE {2**cells.level}"
        return CellSurvey(cells, known.frame, beam_deg, about, stored, extent, coarse)

    default = _default_order(known)
    reduced = _served_allsky(store, known) if default <= order and isinstance(store, WebStore) else None
    if reduced is not None:
        with suppress(InputRefusedError):  # an image that cannot be decoded
            return at(order, _of_allsky(*reduced, known, about, options))
    return at(order, at(default, None) if default < order else None)


def _served_allsky(store: WebStore, known: HipsProperties) -> tuple[str, bytes] | None:
    """Fetch the reduced image of all tiles of the default order: one file in place of 768."""
    file = f"Norder{DEFAULT_ORDER}/Allsky.{known.format}"
    if _default_order(known) != DEFAULT_ORDER:
        return None
    try:
        content = store.read(file)
        store.confirm()
        return None if content is None else (file, content)
    except RemoteError as error:
        if error.code in ALLSKY_DOES_WITHOUT:
            return None
        raise


def _as_it_is(
    store: FolderStore, known: HipsProperties, progress: Progress
) -> tuple[HipsProperties, str | None]:
    """Properties of what is in the folder: the first format with tiles; else its file Allsky."""
    some = list(islice(store.folder.glob("Norder*/Dir*/Npix*.*"), LOOKED_AT))
    for ending in known.endings:
        if any(path.with_name(f"{path.name.partition('.')[0]}.{ending}").is_file() for path in some):
            return replace(known, format=ending), None
    for ending in known.endings:
        for order in range(FINEST_ORDER + 1):
            file = f"Norder{order}/Allsky.{ending}"
            if (store.folder / file).is_file():
                progress.say(f"{shown(known.name)} has no tiles; its reduced image {file} is read")
                return replace(known, format=ending), file
    return known, None


def _as_it_is_served(store: WebStore, known: HipsProperties) -> HipsProperties:
    """Properties with the first format in which a server has a tile in the middle of the survey."""
    order = min(DEFAULT_ORDER, known.order)
    extent = _extent_by(_moc(store, known), known)
    lon, lat = from_galactic(np.array(extent.lon_deg), np.array(extent.lat_deg), known.frame)
    tile = int(lonlat_to_healpix(lon * u.deg, lat * u.deg, 2**order, order="nested"))
    served = (ending for ending in known.endings if store.has(tile_file(order, tile, ending)))
    return replace(known, format=next(served, known.format))


def _of_allsky(
    file: str, content: bytes, known: HipsProperties, about: About, options: SurveyOptions
) -> CellSurvey:
    cells = cells_of_allsky(content, file, int(file.removeprefix("Norder").partition("/")[0]))
    cells = cells.at(level_for(options.scale_deg, cells.level))
    beam_deg = options.beam_deg or cell_side_deg(cells.level)
    stored = f"HiPS, {file}, NSIDE {2**cells.level}"
    return CellSurvey(cells, known.frame, beam_deg, about, stored, cells.extent(known.frame))


def _order(known: HipsProperties, options: SurveyOptions, progress: Progress) -> int:
    if options.scale_deg is not None:
        level = level_for(options.scale_deg, known.order + known.shift, known.order_min + known.shift)
        return level - known.shift
    order = _default_order(known)
    if order < known.order:
        progress.say(
            f"{shown(known.name)} is read at order {order} of {known.order}, with pixels of "
            f"{cell_side_deg(order + known.shift):.2g}°; give --survey-option scale_deg=DEGREES for finer "
            "ones"
        )
    return order


def _default_order(known: HipsProperties) -> int:
    return min(known.order, max(DEFAULT_ORDER, known.order_min))


def _extent(store: HipsStore, known: HipsProperties, order: int, covered: MocArea | None) -> Extent:
    """Cap that holds all tiles of a folder; on the web, what the HiPS's own MOC covers."""
    if not isinstance(store, FolderStore):
        return _extent_by(covered, known)
    matches = (
        re.fullmatch(r"Npix(\d{1,18})", path.name.partition(".")[0])
        for path in (store.folder / f"Norder{order}").glob(f"Dir*/Npix*.{known.format}")
    )
    tiles = np.array([int(match[1]) for match in matches if match], np.int64)
    tiles = tiles[tiles < 12 * 4**order]
    if not len(tiles):
        raise HeaderInvalidError(
            f"the HiPS {shown(known.name)} has no {known.format} tiles of order {order}; get those that are "
            "missing, or give another --survey-option scale_deg=DEGREES"
        )
    if len(tiles) > NEARLY_ALL * 12 * 4**order:
        return ALL_SKY
    lon, lat = healpix_to_lonlat(tiles, 2**order, order="nested")
    return Extent.around(*to_galactic(lon.deg, lat.deg, known.frame), cell_side_deg(order))


def _extent_by(covered: MocArea | None, known: HipsProperties) -> Extent:
    return covered.extent() if covered is not None and known.sky_fraction < NEARLY_ALL else ALL_SKY


def _moc(store: HipsStore, known: HipsProperties) -> MocArea | None:
    """Where a HiPS on the web has data; None where that is nearly everywhere, or it does not say."""
    content = store.read("Moc.fits") if known.sky_fraction < WHOLE else None
    if content is None:
        return None
    with TemporaryFolder() as folder:
        path = folder / "Moc.fits"
        path.write_bytes(content)
        return read_sky_mask(path)


FORMAT = SurveyFormat(
    "hips", "HiPS of images: a folder or an https address; FITS, PNG or JPEG tiles", claims, _open
)
