"""All products of a map, written into one folder that appears whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from skykin.core.progress import SilentProgress
from skykin.core.protocols import Progress
from skykin.products.credits import write_credits
from skykin.products.figures import FIGURES, draw_figures
from skykin.products.folder import output_folder
from skykin.products.mapped import MappedTiles
from skykin.products.matches import write_coverage_map, write_regions
from skykin.products.multi_order_map import write_multi_order_map
from skykin.products.preview import write_preview
from skykin.products.rejected import REJECTED, write_rejected
from skykin.products.report import write_report
from skykin.products.score_map import write_score_map
from skykin.products.summarised import write_summary
from skykin.products.target_files import write_target_ecsv, write_target_regions, write_target_votable
from skykin.products.target_list import TargetList, target_list
from skykin.products.tile_table import write_ecsv, write_votable


def _of_targets(write: Callable[[TargetList, Path], None]) -> Callable[[MappedTiles, Path], None]:
    """Write the targets of a map."""
    return lambda result, path: write(target_list(result), path)


#: File name, what it is, and how it is written.
PRODUCTS: tuple[tuple[str, str, Callable[[MappedTiles, Path], None]], ...] = (
    ("targets.ecsv", "the targets, with what is known there, for Python", _of_targets(write_target_ecsv)),
    ("targets.vot", "the same table as VOTable", _of_targets(write_target_votable)),
    ("targets.reg", "a circle and a name for each target, for DS9", _of_targets(write_target_regions)),
    ("score.fits", "HEALPix map of the scores, each layer's cosine and the coverage", write_score_map),
    (
        "score.multiorder.fits",
        "the same as cells of many orders (UNIQ, equatorial), for mocpy, ligo.skymap and Aladin",
        write_multi_order_map,
    ),
    ("tiles.ecsv", "catalogue of all tiles, for Python", write_ecsv),
    ("tiles.vot", "the same catalogue as VOTable, for TOPCAT and Aladin", write_votable),
    (
        "matches.reg",
        "outlines of the best non-overlapping matches and of the reference, for DS9",
        write_regions,
    ),
    ("matches.moc.fits", "coverage map (MOC) of the matching part of the sky", write_coverage_map),
    ("preview.png", "picture of the survey as the network saw it", write_preview),
    ("credits.txt", "what to cite and acknowledge, ready to paste into a paper", write_credits),
    ("summary.json", "the numbers of this page, for programs", write_summary),
)
REPORT = "report.html"


def write_products(
    result: MappedTiles, path: Path, *, overwrite: bool = False, progress: Progress | None = None
) -> dict[str, Path]:
    """Write every product of a map.

    Parameters
    ----------
    result : MappedTiles
    path : Path
        Folder to come; it appears only when all products are complete.
    overwrite : bool
        Whether a folder that Skykin made before may be replaced.
    progress : Progress, optional

    Returns
    -------
    dict of str to Path
        File name to place, for every file; figures are there as PNG and PDF.

    Raises
    ------
    UsageError, ResourceError
        As `skykin.products.folder.output_folder`.
    """
    progress = progress or SilentProgress()
    steps = len(PRODUCTS) + len(FIGURES) + 1
    with (
        progress.stage("Writing products", steps, "products") as counter,
        output_folder(path, overwrite=overwrite) as folder,
    ):
        for name, _, write in PRODUCTS:
            write(result, folder / name)
            counter.advance()
        write_rejected(result, folder / REJECTED)
        figures = draw_figures(result, folder, counter)
        write_report(result, figures, [(name, text) for name, text, _ in PRODUCTS], folder / REPORT)
        counter.advance()
        names = [REPORT, *(name for name, _, _ in PRODUCTS)]
        names += [file.name for figure in figures for file in (figure.png, figure.pdf)]
    return {name: Path(path).expanduser() / name for name in names}
