"""The whole job in one function: from a survey and references to a map of kin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from skykin.catalogue.references import resolve_references
from skykin.core.area import Areas, SkyBox
from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.core.provenance import Provenance
from skykin.core.settings import MapSettings
from skykin.evaluation.confounders import control_pictures
from skykin.evaluation.honesty import honest_summary
from skykin.evaluation.recovery import recovery
from skykin.jobs.anchors import hubness_of_references
from skykin.jobs.bench import Bench
from skykin.jobs.concerns import Seen, concerns
from skykin.jobs.gallery import gallery
from skykin.jobs.kept import CONTROL_SEED
from skykin.jobs.opening import check_resolution, sized, suited, survey_of
from skykin.jobs.second_look import SecondLook
from skykin.jobs.tiles import line_of, name_nearest, scored, share_inside
from skykin.jobs.trust import calibrated
from skykin.products.folder import check_output_folder
from skykin.products.result import KinMap
from skykin.products.write import write_products
from skykin.scale.store import WorkStore
from skykin.style.recipe import recipe
from skykin.survey.download import cache_folder
from skykin.tiling.grid import TileGrid

#: A place farther from every centre than so many spacings lies outside the grid.
FARTHEST_TILE = 1.1

#: Credit that every product carries besides the survey's own.
METHOD_CREDITS = (
    "Style by Gram matrices: Gatys, L. A., Ecker, A. S., & Bethge, M. 2016, CVPR, 2414",
    "VGG19: Simonyan, K., & Zisserman, A. 2015, ICLR (weights by the Visual Geometry Group, CC BY 4.0)",
)


def map_kin(
    settings: MapSettings | None = None,
    *,
    output: str | Path | None = None,
    overwrite: bool = False,
    download: bool = False,
    progress: Progress | None = None,
    **changes: Any,
) -> KinMap:
    """Map the kin of a region: compare the style of every tile of a survey with the reference's.

    Parameters
    ----------
    settings : MapSettings, optional
        What to map and how; Orion in WHAM by the default recipe if left out.
    output : path, optional
        Folder for the products; nothing is written if left out.
    overwrite : bool
        Whether a folder that Skykin made before may be replaced.
    download : bool
        Whether the survey may be fetched from its public address.
    progress : Progress, optional
        Told how far the work is; silent if left out.
    **changes
        Any field of `MapSettings`, such as ``reference="carina"``, ``reference=("carina", "rosette")`` or
        ``tile_size=10 * u.deg``.

    Returns
    -------
    KinMap
        Tiles, scores, matches, regions, pictures and the honest summary; shows itself in a notebook.

    Raises
    ------
    SkykinError
        With one sentence that says what is wrong, the value found and the way out.

    Examples
    --------
    >>> import skykin
    >>> kin = skykin.map_kin(reference="carina", recipe="mean-std")  # doctest: +SKIP
    >>> kin.tiles[kin.tiles["match"]]  # doctest: +SKIP
    """
    settings = replace(settings or MapSettings(), **changes)
    progress = progress or SilentProgress()
    if output is not None:
        check_output_folder(Path(output), overwrite=overwrite)
    kin = _map(settings, download, progress)
    if output is not None:
        write_products(kin, Path(output), overwrite=overwrite, progress=progress)
    store_of(kin.provenance).clear()
    return kin


def _map(settings: MapSettings, download: bool, progress: Progress) -> KinMap:
    """Walk the stages; what costs nothing and can go wrong comes first."""
    chosen = recipe(settings.recipe)
    settings = suited(settings, chosen)
    references = resolve_references(settings.reference, settings.combine)
    survey = survey_of(settings, download, progress)
    settings = sized(settings, survey, chosen, progress)
    check_resolution(settings, survey, progress)
    bench = Bench.set_up(settings, survey, references)
    stretch, own = bench.sky.stretch, bench.own
    provenance = Provenance(
        survey=survey.as_dict(),
        rendering={**stretch.as_dict(), "per_tile": settings.stretch_per_tile},
        grid=grid_facts(bench.grid, settings),
        reference=references.as_dict(),
        recipe={**chosen.as_dict(), "key": chosen.key()},
        encoder=bench.encoder,
        calibration={
            "csls": settings.csls,
            "surrogates": settings.surrogates,
            "noise_draws": settings.noise_draws,
            "seed": settings.seed,
        },
        credits=(*survey.credits, *METHOD_CREDITS),
    )
    store = store_of(provenance)
    bench = bench.standardised(store, progress)
    sought, anchors = bench.sought(), bench.anchors(progress)
    judge = bench.judge(sought, anchors)
    tiles, grid = bench.tiles(judge, store, progress)
    hubness = None if anchors is None else hubness_of_references(anchors, sought, own, tiles)
    calibration = calibrated(tiles, own, hubness)
    name_nearest(tiles, references)
    again = SecondLook(judge, grid.footprints, own, settings, stretch)
    surrogates, noise = again.with_surrogates(tiles, progress), again.with_noise(tiles, progress)
    line = line_of(tiles, chosen, settings, calibration.beside)
    tiles["match"] = line.matches(tiles[line.column])
    side = settings.side_pixels + 2 * bench.meter.halo
    controls = {
        name: judge.score(picture) for name, picture in control_pictures((side, side), CONTROL_SEED).items()
    }
    regions = recovery(
        scored(tiles), references.places, match=tiles["match"], farthest_deg=FARTHEST_TILE * grid.spacing_deg
    )
    return KinMap(
        tiles=tiles,
        footprints=grid.footprints,
        tile_nside=grid.nside,
        reference=own[0],
        reference_name=references.name,
        more_references=own[1:],
        line=line,
        layers=chosen.layers,
        survey_title=survey.title,
        bands=survey.bands,
        sky=bench.sky,
        pictures=gallery(bench.pictures, tiles, grid.footprints, bench.cutter),
        regions=regions,
        summary=honest_summary(
            tiles,
            regions,
            controls,
            reference_score=float(np.max([judge.score(bench.look(each)) for each in own])),
            sky_fraction_in_matching_tiles=share_inside(tiles, grid),
            n_left_out=tiles.meta["n_left_out"],
            line=line.as_dict(),
            threshold=line.threshold,
            n_matches_beside=int(np.sum(calibration.beside & np.asarray(tiles["match"]))),
            n_independent=calibration.independent,
            calibrated=calibration.known,
            surrogates=surrogates,
            noise=noise,
            recipe=chosen.name,
            survey=survey.title,
            reference=references.name,
            references=[
                {**place.as_dict(), **Seen.of(picture, chosen).as_dict()}
                for place, picture in zip(references.places, bench.pictures, strict=True)
            ],
            combine=references.combine if len(own) > 1 else None,
            concerns=concerns(references, bench.pictures, chosen, bench.sky),
        ),
        provenance=provenance,
        extent=survey.extent,
    )


def store_of(provenance: Provenance) -> WorkStore:
    """Where the finished facets of this very job are kept until it is done."""
    return WorkStore.of(cache_folder(), provenance.as_dict())


def grid_facts(grid: TileGrid, settings: MapSettings) -> dict[str, object]:
    """Gather the settings of the grid for provenance."""
    return {
        "kind": grid.kind,
        "nside": grid.nside,
        "projection": grid.footprints[0].projection,
        "tile_size_deg": settings.tile_size_deg,
        "spacing_deg": round(grid.spacing_deg, 4),
        "pixels": settings.side_pixels,
        "area": settings.area.to_dict() if isinstance(settings.area, SkyBox | Areas) else None,
        "min_coverage": settings.min_coverage,
    }
