"""The targets of a map in files: a table for Python, a VOTable, regions for DS9."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from astropy import units as u
from astropy.table import QTable
from regions import CircleSkyRegion, RegionMeta, RegionVisual

from skykin.catalogue.target_choice import TargetChoice
from skykin.core.clean_table import cleaned
from skykin.core.extent import Extent
from skykin.core.provenance import Provenance
from skykin.evaluation.visibility import DARK_SUN_DEG, LOWEST_DEG
from skykin.products.designation import SMALLEST_GALACTIC_DEG
from skykin.products.map_folder import read_stamped_table, reading
from skykin.products.matches import write_ds9
from skykin.products.result import coordinates_of
from skykin.products.stamp import ascii_text
from skykin.products.target_list import TargetList
from skykin.products.tile_table import COLUMNS, described, save_votable

ECSV = "targets.ecsv"
#: Colours of the regions: something is catalogued there, or nothing.
KNOWN_COLOUR, UNKNOWN_COLOUR = "orange", "magenta"
#: Radius of a region, in sides of a tile: the core, which many recipes compare.
REGION_SHARE = 1 / 8
TARGET_COLUMNS = COLUMNS | {
    "rank": ("Place in the list, 1 is the best", "stat.rank"),
    "name": ("Designation of the target", "meta.id;meta.main"),
    "tile": ("Tile of the map that it is, in tiles.ecsv", "meta.id.part"),
    "constellation": ("Constellation (boundaries of Delporte 1930)", "meta.id.parent"),
    "size": ("Side of the tile", "phys.angSize"),
    "group": ("Overlapping matches of which the target is the best, itself among them", "meta.number"),
    "view_angle_deg": ("Angle by which the reference was rotated to fit best", "pos.posAng"),
    "view_scale": ("Factor by which the reference was scaled to fit best", "arith.factor"),
    "known": ("What is catalogued there: name, kind, separation, the nearest first", "meta.note"),
    "inside": ("Much larger objects in which it lies", "meta.note"),
    "known_objects": ("Catalogued objects there", "meta.number"),
    "known_name": ("Name of the nearest", "meta.id.assoc"),
    "known_kind": ("Its kind", "src.class"),
    "known_list": ("The list of Skykin that has it", "meta.ref"),
    "known_separation": ("Distance of its centre", "pos.angDistance"),
    "transit_altitude": ("Altitude at transit, as seen from the site", "pos.az.alt"),
    "hours_high": (
        f"Hours of the night above {LOWEST_DEG:g} deg with the Sun below {DARK_SUN_DEG:g} deg",
        "time.duration",
    ),
}


def target_table(targets: TargetList) -> QTable:
    """Table of the targets with descriptions, UCDs and the stamp; `read_targets` reads it back."""
    return described(
        cleaned(targets.table),
        TARGET_COLUMNS,
        targets.provenance,
        reference=targets.reference_name,
        survey=targets.survey_title,
        match=targets.matched,
        choice=targets.choice.to_dict(),
        groups=targets.groups,
        separation_deg=targets.separation_deg,
        known_within_deg=targets.known_within_deg,
        extent=asdict(targets.extent),
    )


def write_target_ecsv(targets: TargetList, path: Path) -> None:
    """Write the table as ECSV, which keeps units, descriptions and the stamp in Python."""
    target_table(targets).write(path, format="ascii.ecsv", overwrite=True)


def write_target_votable(targets: TargetList, path: Path) -> None:
    """Write the table as VOTable for the tools of the Virtual Observatory."""
    what = (
        f"Targets in {targets.survey_title} by similarity to {targets.reference_name}: the best tile of each "
        f"group of overlapping matches ({targets.matched})."
    )
    save_votable(target_table(targets), what, targets.provenance, path)


def write_target_regions(targets: TargetList, path: Path) -> None:
    """Write one small circle for each target, with its name, as DS9 regions.

    They are Galactic; those of tiles smaller than 1°, whose names are equatorial, are ICRS.
    """
    places = coordinates_of(targets.table)
    sizes = targets.table["size"].to_value(u.deg)
    if len(targets) and sizes.max() < SMALLEST_GALACTIC_DEG:
        places = places.icrs
    circles = [
        CircleSkyRegion(
            place,
            radius=REGION_SHARE * size * u.deg,
            meta=RegionMeta({"text": ascii_text(name)}),
            visual=RegionVisual({"color": UNKNOWN_COLOUR if unknown else KNOWN_COLOUR, "linewidth": 2}),
        )
        for place, size, name, unknown in zip(
            places, sizes, targets.table["name"], targets.uncatalogued, strict=True
        )
    ]
    write_ds9(circles, targets, path)


def read_targets(folder: Path) -> dict[str, Any]:
    """Read the parts of a `TargetList` that was written: alone, or with a map.

    Raises
    ------
    InputRefusedError, CorruptFileError
        If the folder has no list of targets, or it cannot be read.
    """
    with reading(folder, (ECSV,), "map", again="skykin map --overwrite"):
        table = read_stamped_table(folder / ECSV)
        facts, table.meta = table.meta, {}
        return {
            "table": table,
            "choice": TargetChoice.from_dict(facts["choice"]),
            "groups": facts["groups"],
            "separation_deg": facts["separation_deg"],
            "known_within_deg": facts["known_within_deg"],
            "reference_name": facts["reference"],
            "survey_title": facts["survey"],
            "matched": facts["match"],
            "extent": Extent(**facts["extent"]),
            "provenance": Provenance(**facts["provenance"], credits=tuple(facts["acknowledgements"])),
        }
