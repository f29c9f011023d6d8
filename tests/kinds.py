"""A small made-up map, with every part known by formula, for tests of the products."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.table import QTable
from astropy_healpix import HEALPix

from skykin.catalogue.query import Example, Query
from skykin.core.criterion import ScoreCut
from skykin.core.footprint import Footprint
from skykin.core.picture import Picture
from skykin.core.provenance import Provenance
from skykin.products.mapped import SurveyFacts
from skykin.products.sky_map import SkyMap
from skykin.products.summary import MapSummary
from skykin.significance.tile_scores import TileScores, place_columns, ranks

#: Bright places of the made-up sky: name, Galactic longitude and latitude, radius, all degrees.
BLOBS = (
    ("Orion", 209.0, -19.0, 9.0),
    ("Cygnus X", 80.0, 0.0, 7.0),
    ("Gum Nebula", 258.0, -5.0, 12.0),
    ("Carina", 287.5, -0.6, 5.0),
    ("Polar cloud", 30.0, 88.0, 6.0),
)
HOLE = (120.0, -60.0, 8.0)
LAYERS = ("block1_conv1", "block2_conv1")
CREDITS = (
    "The survey of the made-up Hα sky was funded by nobody (−1 award).",
    "Test pictures: the authors.",
)


def separation_deg(lon, lat, lon0, lat0):
    """Angle on the sky by the cosine rule, written out so that tests do not lean on what they test."""
    lon, lat, lon0, lat0 = (np.radians(np.asarray(x, dtype=float)) for x in (lon, lat, lon0, lat0))
    cosine = np.sin(lat) * np.sin(lat0) + np.cos(lat) * np.cos(lat0) * np.cos(lon - lon0)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


@dataclass(frozen=True)
class BlobSky:
    """Red blobs, green half a radius off, a blue Galactic plane, and one hole without data."""

    def colours(self, lon_deg, lat_deg):
        lon, lat = np.broadcast_arrays(np.asarray(lon_deg, float), np.asarray(lat_deg, float))
        rgb = np.zeros((*lon.shape, 3))
        for _, lon0, lat0, radius in BLOBS:
            rgb[..., 0] += np.exp(-0.5 * (separation_deg(lon, lat, lon0, lat0) / radius) ** 2)
            rgb[..., 1] += np.exp(-0.5 * (separation_deg(lon, lat, lon0, lat0 - radius / 2) / radius) ** 2)
        rgb[..., 2] = np.exp(-np.abs(lat) / 12.0)
        coverage = (separation_deg(lon, lat, HOLE[0], HOLE[1]) > HOLE[2]).astype(np.float32)
        return np.clip(rgb, 0, 1).astype(np.float32), coverage


def likeness(lon_deg, lat_deg):
    """Made-up score: near 1 on a blob, 0.5 far from all."""
    closeness = [
        np.exp(-0.5 * (separation_deg(lon_deg, lat_deg, lon0, lat0) / (1.5 * radius)) ** 2)
        for _, lon0, lat0, radius in BLOBS
    ]
    return 0.5 + 0.5 * np.max(closeness, axis=0)


def picture_of(footprint, sky=None, pixels=32):
    """Sample a footprint's picture from the sky."""
    rgb, coverage = (sky or BlobSky()).colours(*footprint.pixel_positions((pixels, pixels)))
    return Picture(rgb, coverage, footprint)


def provenance(**changes):
    """Provenance with every kind of value that a stage may write."""
    settings = {
        "survey": {"name": "blobs", "title": "Made-up Hα sky", "file": "blobs.fits", "sha256": "ab" * 32},
        "rendering": {"stretch": "asinh", "bands_km_s": [[-60, -20], [-20, 20], [20, 60]], "limit": 12.5},
        "grid": {"kind": "healpix", "nside": 4, "width_deg": 15.0},
        "query": query().to_dict(),
        "recipe": {"name": "poster", "layers": list(LAYERS), "threshold": 0.9},
        "encoder": "vgg19 sha256:0123",
        "credits": CREDITS,
    }
    return Provenance(**{**settings, **changes})


def regions():
    """Annotated regions: the blobs, and some dark places."""
    rows = [(name, lon, lat, 2 * radius) for name, lon, lat, radius in BLOBS]
    rows += [("Dark cloud", 330.0, 45.0, 6.0), ("Far field", 150.0, 60.0, 4.0)]
    name, lon, lat, diameter = zip(*rows, strict=True)
    score = likeness(np.array(lon), np.array(lat))
    return QTable({
        "name": list(name),
        "lon_deg": np.array(lon),
        "lat_deg": np.array(lat),
        "diameter_deg": np.array(diameter),
        "score": score,
        "recovered": score >= 0.9,
        "counted": np.array(name) != "Orion",
        "why_not_counted": np.where(np.array(name) == "Orion", "near the reference", ""),
        "score_sky_share": np.linspace(0.01, 0.8, len(rows)),
    })  # fmt: skip


def summary(**changes):
    """A summary with every field, in the worst case for the method."""
    facts = {
        "survey": "Made-up Hα sky", "recipe": "poster", "reference": "orion",
        "cut": ScoreCut("score", 0.9), "n_independent": 181.2, "calibrated": True,
        "n_tiles": 190, "n_left_out": 2, "n_matches": 12,
        "sky_fraction_matching": 0.0625, "sky_fraction_in_matching_tiles": 0.0701,
        "regions": {
            "counted": 7, "at_sky_fraction": 0.0625,
            "recovered": {"score": 5, "brightness": 5, "latitude": 3},
        },
        "recall_at": {
            "score": {"0.05": 0.5714, "0.10": 0.7143, "0.20": 0.7143},
            "brightness": {"0.05": 0.5714, "0.10": 0.7143, "0.20": 0.8571},
            "latitude": {"0.05": 0.2857, "0.10": 0.4286, "0.20": 0.4286},
        },
        "spearman": {"mean_intensity": 0.953, "abs_latitude": -0.41, "coverage": 0.02},
        "controls": {"black": 0.935, "white": 0.7, "noise": float("nan")},
    }  # fmt: skip
    return MapSummary(**{**facts, **changes})


def healpix_footprints(nside=4, width_deg=15.0):
    """Gnomonic tiles on the pixel centres of a HEALPix grid, without those in the hole."""
    healpix = HEALPix(nside=nside, order="ring")
    lon, lat = healpix.healpix_to_lonlat(np.arange(healpix.npix))
    positions = zip(lon.deg, lat.deg, strict=True)
    return tuple(
        Footprint(a, b, width_deg) for a, b in positions if separation_deg(a, b, HOLE[0], HOLE[1]) > HOLE[2]
    )


def plate_carree_footprints(step_deg=15.0, width_deg=30.0):
    """Overlapping rectangles of the plate carrée, from pole to pole."""
    lat = np.arange(-75.0, 75.1, step_deg)
    lon = np.arange(0.0, 360.0, step_deg)
    return tuple(Footprint(a, b, width_deg, projection="CAR") for b in lat for a in lon)


@dataclass(frozen=True, eq=False)
class MadeUpSource:
    """The made-up sky as what a map looks at again; its controls have scores of their own."""

    sky: BlobSky
    controls: dict

    @property
    def query_style(self):
        raise AssertionError("a made-up map has no network")

    def picture(self, footprint):
        return picture_of(footprint, self.sky, 16)

    def reference_picture(self, example):
        return picture_of(example.footprint, self.sky)

    def control_styles(self):
        raise AssertionError("a made-up map has no network")


def query(*places):
    """References by name and footprint; Orion alone by default."""
    chosen = places or (("Orion", Footprint(209.0, -19.0, 15.0)),)
    return Query(tuple(Example(name, where) for name, where in chosen))


def made_up_result(footprints=None, tile_nside=4, threshold=0.9, **changes):
    """The whole map by formula; keyword arguments replace its parts.

    ``summary`` and ``regions``, which a map makes when they are requested, are made up too.
    """
    footprints = healpix_footprints() if footprints is None else footprints
    lon, lat = (np.array([getattr(f, name) for f in footprints]) for name in ("lon_deg", "lat_deg"))
    sky = changes.pop("sky", BlobSky())
    pictures = [picture_of(f, sky, 16) for f in footprints]
    score = likeness(lon, lat)
    tiles = QTable({
        "rank": ranks(score),
        "name": [f"G{a:05.1f}{b:+05.1f}" for a, b in zip(lon, lat, strict=True)],
        **place_columns(lon, lat),
        "width": np.array([f.width_deg for f in footprints]) * u.deg,
        "height": np.array([f.height_deg for f in footprints]) * u.deg,
        "score": score,
        "match": score >= threshold,
        "standardised": 10 * (score - 0.5) - 1,
        "p": 1 - score,
        "q": np.minimum(1, 2 * (1 - score)),
        "coverage": np.array([p.covered for p in pictures]),
        "brightness": np.array([p.brightness for p in pictures]),
        "mean_intensity": np.array([p.brightness * 10 for p in pictures]) * u.R,
        "area": np.full(len(lon), 1 / 192),
        **{f"cosine_{layer}": score ** (i + 1) for i, layer in enumerate(LAYERS)},
    })  # fmt: skip
    tiles = changes.pop("tiles", tiles)
    made = {name: changes.pop(name) for name in ("pictures", "regions", "summary") if name in changes}
    facts = {
        "title": "Made-up Hα sky",
        "bands": ("−60 to −20 km/s", "−20 to +20 km/s", "+20 to +60 km/s"),
        **{name: changes.pop(name) for name in ("title", "bands", "extent") if name in changes},
    }
    parts = {
        "scored": TileScores(tiles, footprints, LAYERS, 15.0, 15.0, tile_nside, 2),
        "query": query(),
        "cut": ScoreCut("score", threshold),
        "survey": SurveyFacts(**facts),
        "provenance": provenance(),
        "n_independent": 181.2,
        "surrogates": None,
        "noise": None,
        "source": MadeUpSource(sky, {}),
    }
    result = SkyMap(**{**parts, **changes})
    # What a map makes when it is requested is there already.
    result.__dict__.update({"regions": regions(), "summary": summary(), **made})
    return result
