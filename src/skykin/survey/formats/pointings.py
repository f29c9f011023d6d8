"""Tables of pointings: a position, and a value or a spectrum, in every row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from skykin.core.atomic import sha256_of
from skykin.core.errors import DataQualityError, HeaderInvalidError, SkyError, UsageError, shown
from skykin.core.extent import Extent
from skykin.core.frames import to_galactic
from skykin.core.protocols import Progress, Survey
from skykin.core.provenance import Source
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import directions
from skykin.core.survey_options import DEFAULT_BANDS, SurveyOptions
from skykin.survey.base import About, three_bands
from skykin.survey.fits.check import Hdu, read_headers
from skykin.survey.fits.image_hdus import image_hdus
from skykin.survey.formats import Glance, SurveyFormat
from skykin.survey.healpix.checks import mask_unseen
from skykin.survey.healpix.file import is_healpix
from skykin.survey.table.columns import Chosen, choose, km_s
from skykin.survey.table.file import (
    Column,
    form_of,
    holds_positions_of_astropy,
    read_columns,
    read_fits_columns,
)
from skykin.survey.table.gridded import GriddedPointings
from skykin.survey.table.pointings import Pointings
from skykin.survey.table.stated import in_present_frame, with_frames
from skykin.survey.velocity_bands import integrate_bands

#: Neighbours are looked for among so many pointings.
MOST_FOR_SPACING = 100_000


def claims(glance: Glance) -> bool:
    """Whether it is a table, and neither an image nor a HEALPix map."""
    if not glance.is_fits:
        return form_of(glance.first) is not None
    return bool(_tables(glance.hdus)) and not image_hdus(glance.hdus)


def _tables(hdus: tuple[Hdu, ...] | list[Hdu]) -> list[Hdu]:
    special = ("ZTABLE", "ZIMAGE")
    tables = [hdu for hdu in hdus if hdu.is_table and not any(word in hdu.cards for word in special)]
    return [] if any(is_healpix(hdu) for hdu in tables) else tables


def _open(path: Path, options: SurveyOptions, progress: Progress) -> Survey:
    columns = with_frames(_columns(path, options), path, options.hdu)
    if not any(column.values is not None and len(column.values) for column in columns):
        listed = shown(", ".join(column.name for column in columns)) if columns else "none"
        raise DataQualityError(
            f"{shown(path.name)} has no rows of numbers (its columns: {listed}); give a table of pointings",
            code="DQ-FEWVALID",
        )
    chosen = choose(columns, options.columns or (), options.frame, path.name, progress)
    lon, lat = _on_sky(chosen, path.name, progress)
    values, weight, unit, bands = _values(chosen, options)
    beam = options.beam_deg or _spacing(lon, lat, path.name, progress)
    source = Source(path.name, sha256_of(path))
    about = About.of_columns(bands, name=path.stem, title=path.name, unit=options.unit or unit, source=source)
    pointings = Pointings(lon, lat, values, weight, beam)
    return GriddedPointings(pointings, about, Extent.around(lon, lat, beam), chosen.frame)


def _columns(path: Path, options: SurveyOptions) -> list[Column]:
    with path.open("rb") as stream:
        first = stream.read(2880)
        form = form_of(first)
        if form is not None:
            return read_columns(path, form, options.hdu)
        tables = _tables(read_headers(stream, path.name))
    wanted = [h for h in tables if options.hdu in (None, h.number, h.cards.get("EXTNAME"))]
    if len(wanted) != 1:
        raise HeaderInvalidError(
            f"{shown(path.name)} has {len(wanted)} tables to choose from, the HDUs "
            f"{', '.join(str(h.number) for h in tables)}; name one with --survey-option hdu=NUMBER"
        )
    if holds_positions_of_astropy(wanted[0]):
        return read_columns(path, "fits", wanted[0].number)
    return read_fits_columns(path, wanted[0])


def _on_sky(chosen: Chosen, file: str, progress: Progress) -> tuple[Degrees, Degrees]:
    """Galactic positions, each row checked."""
    lon, lat = chosen.lon_deg, chosen.lat_deg
    good = np.isfinite(lon) & (np.abs(lat) <= 90)
    if not good.all():
        row = int(np.argmin(good))
        raise SkyError(
            f"row {row + 1} of {shown(file)} lies at longitude {lon[row]:g}°, latitude {lat[row]:g}°, "
            "which is not on the sky; correct or remove it"
        )
    wrapped = int(((lon < -180) | (lon > 360)).sum())
    if wrapped:
        progress.say(f"{wrapped} longitudes of {shown(file)} are beyond 360°: they are wrapped")
    twice = len(lon) - len(np.unique(np.column_stack([lon % 360, lat]), axis=0))
    if twice:
        progress.say(f"DQ-DUP: {twice} rows of {shown(file)} repeat a position: they are averaged")
    if chosen.stated is not None:
        lon, lat = in_present_frame(lon, lat, chosen.frame, chosen.stated, file, progress=progress)
    return to_galactic(lon, lat, chosen.frame)


def _values(chosen: Chosen, options: SurveyOptions) -> tuple[Numbers, Numbers, str, tuple[str, ...]]:
    """Values and weights ``(rows, 3)``, their unit, and what the bands are."""
    if chosen.is_spectral:
        bands = options.bands or DEFAULT_BANDS
        intensity = _blanked(chosen.values[1], options)
        values, weight = integrate_bands(km_s(chosen.values[0]), intensity, bands)
        if not weight.any():
            raise UsageError(
                f"no spectrum covers one of the bands {bands} km/s; choose others with --bands",
                code="SKY-SPEC",
            )
        unit = chosen.values[1].unit
        names = tuple(f"{low:+g} to {high:+g} km/s".replace("-", "−") for low, high in bands)
        return values, weight, f"{unit} km/s" if unit else "", names
    stacked = three_bands(np.column_stack([_blanked(column, options) for column in chosen.values]))
    seen = np.isfinite(stacked)
    units = {column.unit for column in chosen.values}
    names = tuple(column.name for column in chosen.values)
    return np.where(seen, stacked, 0), seen.astype(float), units.pop() if len(units) == 1 else "", names


def _blanked(column: Column, options: SurveyOptions) -> Numbers:
    values = np.array(column.values, np.float64)
    mask_unseen(values, None)
    if options.blank is not None:
        values[values == options.blank] = np.nan
    return values


def _spacing(lon_deg: Degrees, lat_deg: Degrees, file: str, progress: Progress) -> float:
    """Typical distance between neighbours, taken for the beam."""
    vectors = np.unique(directions(lon_deg, lat_deg), axis=0)
    if len(vectors) < 2:
        raise UsageError(
            f"{shown(file)} does not say its beam and has one position only; give --survey-option "
            "beam_deg=DEGREES"
        )
    some = vectors[:: max(1, len(vectors) // MOST_FOR_SPACING)]
    nearest = cKDTree(vectors).query(some, 2)[0][:, 1]
    spacing = float(np.degrees(2 * np.arcsin(np.median(nearest) / 2)))
    progress.say(
        f"{shown(file)} does not say its beam: {spacing:.3g}°, the distance between neighbouring "
        "pointings, is taken; give --survey-option beam_deg=DEGREES if it is another"
    )
    return spacing


FORMAT = SurveyFormat(
    "pointings",
    "table of positions with a value or spectrum each: FITS, ECSV, VOTable, Parquet",
    claims,
    _open,
)
