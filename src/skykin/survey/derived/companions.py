"""Files beside images that tell about them: weights, uncertainties, masks and the like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from skykin.core.protocols import Survey
from skykin.survey.fits.pixels import WeightedPixels
from skykin.survey.fits.sky_image import SkyImage

#: Words in names of weights, 0 where nothing was observed: of Montage, SWarp, HST, Pan-STARRS, WISE, VISTA.
WEIGHTS = re.compile(
    r"area|weights?(map)?|wt|wht|wgt|exp(o|wt|map|osure|osuremap|time)?|texp|mex|cov(map|erage|eragemap)?|"
    r"conf(map|idence)?|ivar|invvar|nexp|nobs|num|n?hits|hit(map|count)|rrhr"
)
#: Words in names of what is neither an image nor its weight.
OTHERS = re.compile(
    r"unc(ert|ertainty)?|err(map|ors?)?|rms(map)?|sig(ma)?|std(dev|ev)?|expcube|noise(map)?|"
    r"var(iance|map)?|snr|masks?|msk|maskbits|flags?|dq|qual(ity)?|ctx|context|psf(size)?|(blob)?model|"
    r"resid(uals?)?|chi2|(bkg?d?|back(ground)?|bg)(map|\d)?|skybg|segm?|segmentation|check|obj(ects)?|"
    r"aper(tures?)?|pb|sumwt|(gal)?depth|sens(itivity)?|badpix|satmask|foot(print)?|cnt|counts?"
)
#: Words that stand for the image itself where a companion has its own.
IMAGES = re.compile(
    r"im\d?|img|image|images|int|intensity|sci|science|data|signal|c?map|mosaic|coadd|flux|i2d|drz|drc|stk"
)
#: What may stand before a word without a separator, as in munc and mcov of Spitzer or refcov of ZTF.
JOINED = re.compile(r"(m|b|cb|cbc|ref|sci)?(unc|cov|msk|std|rms|wht|err|var)(img)?")
#: What may follow a word as a word of its own, as in noise_map.
FOLLOWING = ("map", "image", "img")
ENDING = re.compile(r"(\.(fits|fit|fts|fz|gz|bz2|xz))+$", re.IGNORECASE)
#: Extents of one image and its weight may differ by so much, in pixels.
SAME_PLACE = 1.0


#: Words of an image's name between those that it has in common with its companion.
MOST_BETWEEN = 2
#: The folder of a companion, and the words of its name before and after the one that says what it is.
_Around: TypeAlias = tuple[Path, tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Companion:
    """A file that tells about an image beside it.

    Parameters
    ----------
    path : Path
    image : Path
        What it is about.
    is_weight : bool
        Whether it is 0 where the image has no data.
    """

    path: Path
    image: Path
    is_weight: bool


def companions(paths: Sequence[Path]) -> list[Companion]:
    """Find, by their names, files that belong to another file.

    A name is a companion's if one of its words says so (``m31_area``, ``coadd.weight``, ``w1-unc-3``), and
    another file has the words before and after it, with at most one other word in between.
    """
    words = {path: _words(path) for path in paths}
    kinds = {path: _kind(parts) for path, parts in words.items()}
    around = {
        path: (path.parent, tuple(words[path][: kind[0].start]), tuple(words[path][kind[0].stop :]))
        for path, kind in kinds.items()
        if kind is not None
    }
    near: dict[_Around, list[Path]] = {key: [] for key in around.values()}
    for path in paths:
        if kinds[path] is None:
            for key in _all_around(path.parent, words[path]) & near.keys():
                near[key].append(path)
    is_weight = {path: kind[1] for path, kind in kinds.items() if kind is not None}
    found = []
    for path, key in around.items():
        images = [image for image in near[key] if _belongs(words[image], *map(list, key[1:]))]
        if images:
            nearest = min(images, key=lambda image: len(words[image]))
            found.append(Companion(path, nearest, is_weight[path]))
    return found


def _all_around(folder: Path, words: list[str]) -> set[_Around]:
    """All that a name may have before and after a word that makes it a companion's, and one more."""
    return {
        (folder, tuple(words[:start]), tuple(words[start + between :]))
        for between in range(MOST_BETWEEN + 1)
        for start in range(len(words) - between + 1)
    }


def _words(path: Path) -> list[str]:
    return [word for word in re.split(r"[._\-\s]+", ENDING.sub("", path.name).lower()) if word]


def _kind(words: list[str]) -> tuple[slice, bool] | None:
    """Where the last word is that makes a name a companion's, and whether it is a weight's."""
    for place in range(len(words) - 1, -1, -1):
        joined = JOINED.fullmatch(words[place])
        word = joined[2] if joined else words[place]
        if WEIGHTS.fullmatch(word) or OTHERS.fullmatch(word):
            more = 1 if words[place + 1 : place + 2] in ([each] for each in FOLLOWING) else 0
            return slice(place, place + 1 + more), bool(WEIGHTS.fullmatch(word))
    return None


def _belongs(image: list[str], before: list[str], after: list[str]) -> bool:
    between = len(image) - len(before) - len(after)
    if (
        not 0 <= between <= MOST_BETWEEN
        or image[: len(before)] != before
        or image[len(image) - len(after) :] != after
    ):
        return False
    middle = image[len(before) : len(image) - len(after)]
    if not before and after and not middle:  # unc_m31.fits beside m31.fits
        return True
    if not before:  # weight.fits beside image.fits
        return bool(middle) and all(map(IMAGES.fullmatch, middle))
    return between < 2 or any(map(IMAGES.fullmatch, middle))


def weighted(image: Survey, weight: Survey) -> SkyImage | None:
    """Blank the pixels of an image where its weight is not positive; None if the two do not fit together."""
    if not (isinstance(image, SkyImage) and isinstance(weight, SkyImage)) or image.shape != weight.shape:
        return None
    apart = float(image.extent.distance_deg(np.array(weight.extent.lon_deg), np.array(weight.extent.lat_deg)))
    wider = abs(image.extent.radius_deg - weight.extent.radius_deg)
    if max(apart, wider) > SAME_PLACE * image.pixel_deg:
        return None
    told = {"file": weight.source.name, "sha256": weight.source.sha256}
    planes = tuple(WeightedPixels(plane, weight.planes[0]) for plane in image.planes)
    return replace(image, planes=planes, facts={**image.facts, "weight": told})
