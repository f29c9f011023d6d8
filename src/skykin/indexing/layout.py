"""The layout of an index on disk: names, versions and records; docs/explain/index-format.md describes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: Counts changes of the layout; a reader knows exactly one.
FORMAT = 4
#: Marks the manifest among SQLite files: ``SKYI``.
APPLICATION_ID = 0x534B5949
MANIFEST, SHARDS, LOCK = "manifest.sqlite", "shards", "writer.lock"
#: In the copy of an index that is in a bucket: its address.
COPY_OF = "bucket.json"
#: Standing queries and the journal of what they found, beside the index itself.
STANDING = "standing.sqlite"

#: One cell: its place in the facet's lattice of cells, its middle, the share of good data, the smallest and
#: the largest colours in it (NaN where nothing is covered), and whether it belongs to this facet, not to a
#: neighbour whose margin shows it too.
CELL = np.dtype(
    [
        ("row", "<i4"),
        ("column", "<i4"),
        ("lon", "<f8"),
        ("lat", "<f8"),
        ("coverage", "<f4"),
        ("lowest", "<f4", (3,)),
        ("highest", "<f4", (3,)),
        ("own", "?"),
    ]
)


def tile_record(layers: Sequence[str]) -> np.dtype:
    """One standard tile: its place in the facet's lattice of tiles, its footprint, and what was measured."""
    numbers = (
        "lon",
        "lat",
        "width",
        "height",
        "turn",
        "coverage",
        "blank",
        "brightness",
        "mean_intensity",
        "area",
    )
    return np.dtype(
        [
            ("row", "<i4"),
            ("column", "<i4"),
            *((name, "<f8") for name in numbers),
            ("norms", "<f4", (len(layers),)),
        ]
    )
