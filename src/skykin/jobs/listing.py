"""What there is: surveys, regions, catalogues, and what a survey, an index or this machine is like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import QTable, Table

from skykin.catalogue.object_lists import object_list, object_lists, write_object_table
from skykin.catalogue.regions import known_regions
from skykin.catalogue.user_catalogue import read_catalogue
from skykin.core.errors import UnknownNameError, UsageError
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress, Survey
from skykin.core.settings import DEFAULTS
from skykin.core.survey_options import BandsLike, SurveyOptions
from skykin.indexing.dots import how_compared
from skykin.indexing.remote import is_index
from skykin.jobs.opening import recipe_for
from skykin.jobs.query import Reference, read_query
from skykin.jobs.sizing import covered_deg2, reference_facts, size_facts, sized, suited, tile_about
from skykin.jobs.sky_index import SkyIndex, open_index
from skykin.products.folder import check_output_file
from skykin.products.info import Info
from skykin.products.survey_facts import survey_facts, survey_picture, write_survey_preview
from skykin.scale.machine import this_machine
from skykin.significance.tile_scores import place_columns
from skykin.style.network.devices import device_words
from skykin.style.network.fast_runtime import has_openvino
from skykin.survey.formats import survey_formats
from skykin.survey.hips.registry import Registry, open_registry
from skykin.survey.memory import SurveyLike
from skykin.survey.named import named_surveys
from skykin.survey.open import open_survey
from skykin.survey.render import RenderedSurvey, measure_stretch_on, positions_over


def info(
    survey: SurveyLike | SkyIndex,
    *,
    survey_option: SurveyOptions | None = None,
    bands: BandsLike | None = None,
    object_size: str | float | u.Quantity | None = None,
    reference: Reference | Sequence[Reference] = (),
    preview: str | Path | None = None,
    overwrite: bool = False,
    download: bool = False,
    progress: Progress | None = None,
) -> Info:
    """Tell what a survey holds: frame, projection, resolution, unit, coverage, values, and a picture.

    Of an index it tells what is in it, and checks every file against its hash.

    Parameters
    ----------
    survey : str, Path, Survey, image in memory, or SkyIndex
        What `open_survey` opens, or an index or its folder.
    survey_option : SurveyOptions, optional
        What the survey's file does not say itself.
    bands : three pairs of float or Quantity, or str, optional
        Velocities (km/s) shown as red, green and blue, where the survey has spectra.
    object_size : str, float or Quantity, optional
        Size of an object that is to be looked for, such as ``30"``: how large a tile about it is.
    reference : as for `map`, optional
        How large it is in beams, pixels and tiles, and what to change.
    preview : path, optional
        Where to write a picture of a survey (PNG).
    overwrite : bool
        Whether a picture that is there may be replaced.
    download : bool
        Whether a survey with a name may be fetched from its public address.
    progress : Progress, optional

    Returns
    -------
    Info
        ``facts`` are names with texts; `Info.plot` draws the survey, or the tiles of the index.

    Raises
    ------
    SkykinError
        If it cannot be opened, or a file of an index is not as it was written.

    Examples
    --------
    >>> told = skykin.info(survey)
    >>> told.facts["survey"], told.facts["frame"]
    ('blobs: Survey of blobs', 'galactic')
    """
    progress = progress or SilentProgress()
    check_output_file(preview, overwrite=overwrite)
    if isinstance(survey, SkyIndex):
        return _about_index(survey, progress)
    if isinstance(survey, str | Path) and is_index(survey):
        return _about_index(open_index(survey, progress=progress), progress)
    opened = open_survey(survey, options=survey_option, bands=bands, download=download, progress=progress)
    seen = opened.overview if opened.extent.is_all_sky else opened
    values, coverage = seen.sample(*positions_over(seen.extent))
    facts = survey_facts(opened, values, coverage)
    if not opened.extent.is_all_sky or object_size is not None or reference:
        facts |= _tiles(opened, object_size, reference)
    sky = RenderedSurvey(seen, measure_stretch_on(values, coverage))
    found = Info(
        opened.title,
        facts,
        draw=partial(survey_picture, seen, sky),
        save=partial(write_survey_preview, seen, sky),
        name=opened.name,
        drawn="The survey in its colours",
    )
    if preview is not None:
        found.write_preview(preview, overwrite=overwrite)
    return found


def _tiles(survey: Survey, object_size: Any, reference: Reference | Sequence[Reference]) -> dict[str, str]:
    """Tell how large the tiles of a map and the references would be, and what to change."""
    chosen = recipe_for(DEFAULTS, survey)
    settings = suited(replace(DEFAULTS, tile_size=tile_about(object_size, None)), chosen)
    settings = sized(settings, survey, chosen, SilentProgress())
    tile_deg, covered = settings.tile_size_deg, covered_deg2(survey)
    facts = {"tiles": "; ".join(size_facts(tile_deg, survey, covered))}
    if reference:
        told = [reference_facts(each, survey, tile_deg, covered) for each in read_query(reference).references]
        facts["reference"] = "; ".join(told)
    return facts


def _about_index(index: SkyIndex, progress: Progress) -> Info:
    checked = f"{index.verify(progress) / 1e6:.1f} MB, every file as it was written"
    return Info(index.heading, index.describe() | {"checked": checked}, draw=index.plot, drawn=index.shows)


def surveys(
    find: str | None = None, *, registry: str | Path | None = None, progress: Progress | None = None
) -> Table:
    """List the surveys with a name, and the formats of files and folders; or find public surveys.

    Parameters
    ----------
    find : str, optional
        Words that the identifier, title or collection of a public HiPS holds, such as ``akari``; ``""``
        finds all of them.  The list is fetched from the CDS MOC server, and kept for a day.
    registry : str or path, optional
        Another MOC server, or a file with such a list.
    progress : Progress, optional

    Returns
    -------
    Table
        ``name``, ``kind`` (``survey``, ``public`` or ``format``), ``description``, ``here`` (whether it can
        be opened on this computer now), ``install`` (what brings it here, or from where it is read; empty
        where nothing is needed) and ``identifier`` of a public one.  Of what was found: ``identifier``,
        ``name`` (by which Skykin knows it, too, or empty), ``title``, ``regime``, ``sky_fraction``,
        ``resolution`` (side of the finest pixels, arcsec) and ``address``.

    Raises
    ------
    RemoteError
        If the list does not come, and no copy of it is kept.
    InputRefusedError
        If a file is no such list.

    Examples
    --------
    >>> listed = skykin.surveys()
    >>> print(listed["kind"][list(listed["name"]).index("wham")])
    survey
    """
    if find is not None:
        return _found(find, open_registry(registry, progress=progress or SilentProgress()))
    if registry is not None:
        raise UsageError("a registry is searched with --find; say what is looked for")
    rows = []
    for one in named_surveys().values():
        here = one.find() is not None
        if one.identifier:
            way = "read from the web"
            rows.append((one.name, "public", one.description, False, way, one.identifier))
            continue
        install = "" if here else f'pip install "skykin[{one.extra}]"'
        rows.append((one.name, "survey", one.description, here, install, ""))
    rows += [(each.name, "format", each.description, True, "", "") for each in survey_formats().values()]
    return Table(rows=rows, names=("name", "kind", "description", "here", "install", "identifier"))


def _found(text: str, registry: Registry) -> QTable:
    names = {one.identifier: one.name for one in named_surveys().values() if one.identifier}
    records = registry.find(text)
    return QTable({
        "identifier": [record.identifier for record in records],
        "name": [names.get(record.identifier, "") for record in records],
        "title": [record.title for record in records],
        "regime": [record.regime for record in records],
        "sky_fraction": np.array([record.sky_fraction for record in records], dtype=float),
        "resolution": np.array([record.pixel_deg for record in records], dtype=float) * 3600 * u.arcsec,
        "address": [record.addresses[0] for record in records],
    })  # fmt: skip


def regions() -> QTable:
    """List the regions that can be named as a reference; `reference_sets` lists the named sets of them.

    Returns
    -------
    QTable
        The columns of `known_regions`, and ``lon``, ``lat`` (Galactic), ``ra``, ``dec`` (ICRS).

    Examples
    --------
    >>> table = skykin.regions()
    >>> row = table[list(table["name"]).index("Carina Nebula")]
    >>> print(row["lon"], row["lat"])
    287.6 deg -0.7 deg
    """
    return _placed(known_regions())


def catalogues(
    catalogue: str | Path | None = None,
    *,
    output: str | Path | None = None,
    frame: str | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Table:
    """List the catalogues that ship with Skykin, give one, or show how a file of yours is understood.

    Parameters
    ----------
    catalogue : str or path, optional
        One of the lists, or a file: FITS, VOTable, ECSV, Parquet, CSV; all lists if left out.
    output : path, optional
        Write it here: .ecsv, .csv or .xml (VOTable).
    frame : str, optional
        Frame of a file's columns lon and lat: galactic, icrs or ecliptic.
    overwrite : bool
        Whether a file that is there may be replaced.
    progress : Progress, optional

    Returns
    -------
    Table
        Of one catalogue a row per object, with ``lon``, ``lat``, ``ra`` and ``dec``; of all a row each:
        ``name``, ``objects``, ``star_forming`` and ``summary``.

    Raises
    ------
    SkykinError
        If there is no such list or file, or it cannot be read or written.

    Examples
    --------
    >>> skykin.catalogues()["name", "objects"][:2]
    <Table length=2>
       name   objects
      str12    int64
    --------- -------
      regions     111
    sharpless     313
    """
    if catalogue is None:
        if output is not None:
            raise UsageError(
                "say which of the catalogues is to be written, such as `skykin catalogues sharpless`"
            )
        return _lists()
    table = _catalogue(catalogue, frame, progress or SilentProgress())
    if output is not None:
        write_object_table(table, Path(output), overwrite=overwrite)
    return _placed(table)


def _lists() -> Table:
    tables = {one: object_list(one.name) for one in object_lists()}
    return Table(
        rows=[
            (one.name, len(table), int(table["star_forming"].sum()), one.summary)
            for one, table in tables.items()
        ],
        names=("name", "objects", "star_forming", "summary"),
    )


def _catalogue(catalogue: str | Path, frame: str | None, progress: Progress) -> QTable:
    if str(catalogue) in {one.name for one in object_lists()}:
        return object_list(str(catalogue))
    if Path(catalogue).exists():
        return read_catalogue(catalogue, frame=frame, progress=progress)
    try:
        return object_list(str(catalogue))
    except UnknownNameError as error:
        raise UnknownNameError(f"{error}; and there is no such file") from error


def _placed(table: QTable) -> QTable:
    """Add positions in both frames."""
    placed = table.copy()
    lon, lat = (np.asarray(table[name].to_value("deg")) for name in ("lon_deg", "lat_deg"))
    for name, values in place_columns(lon, lat).items():
        placed[name] = values
    return placed


def doctor() -> Info:
    """Say which processor, libraries and devices compute here, and what would make them faster.

    Examples
    --------
    >>> "cores" in skykin.doctor().facts
    True
    """
    machine = this_machine()
    facts = {"cores": str(machine.cores), "instructions": ", ".join(machine.instructions)}
    for each in machine.blas:
        threads = f"{each.threads} thread{'s' * (each.threads != 1)}"
        facts[each.package] = f"{each.name} {each.version}, kernels for {each.kernels}, {threads}"
    facts["network"] = f"ONNX Runtime on the processor, {version('onnxruntime')}"
    facts["graphics card"] = device_words()
    facts["comparing signatures"] = how_compared()
    fast = "OpenVINO in bfloat16" if has_openvino() else 'not installed; run `pip install "skykin[fast]"`'
    notes = tuple(f"{sentence}." for sentence in machine.advice()) or ("Nothing to change.",)
    return Info("This machine", facts | {"--fast": fast}, notes)
