"""Which HDU of a FITS file holds the picture."""

from __future__ import annotations

from collections.abc import Sequence

from skykin.core.errors import HeaderInvalidError, UsageError, shown
from skykin.survey.fits.check import IMPOSSIBLE_BYTES, Hdu

MOST_AXES = 9
#: Name of the extension that is the image where others tell about it, and names of its weight.
SCIENCE, WEIGHTS = "SCI", ("WHT", "WGT", "WEIGHT")


def is_compressed(hdu: Hdu) -> bool:
    """Whether a table is an image in disguise (FITS tile compression)."""
    return hdu.is_table and hdu.cards.get("ZIMAGE") == "T"


def image_shape(hdu: Hdu) -> tuple[int, ...]:
    """Lengths of the axes in FITS order; nothing if the HDU holds no image.

    Raises
    ------
    HeaderInvalidError
        ``IN-DIM`` if an axis cannot be.
    """
    prefix = "Z" if is_compressed(hdu) else ""
    if (hdu.is_table and not prefix) or hdu.cards.get("XTENSION", "IMAGE") not in ("IMAGE", "BINTABLE"):
        return ()
    axes = hdu.integer(f"{prefix}NAXIS", 0, MOST_AXES)
    return tuple(hdu.integer(f"{prefix}NAXIS{i + 1}", 0, IMPOSSIBLE_BYTES) for i in range(axes))


def image_hdus(hdus: Sequence[Hdu]) -> list[Hdu]:
    """HDUs with an image of at least two axes."""
    return [hdu for hdu in hdus if len(image_shape(hdu)) >= 2]


def name_of(hdu: Hdu) -> str:
    """Name of an extension, in capitals."""
    return hdu.cards.get("EXTNAME", "").strip().upper()


def main_images(hdus: Sequence[Hdu]) -> list[Hdu]:
    """HDUs with an image that may be meant: the only one called SCI, or all."""
    images = image_hdus(hdus)
    science = [hdu for hdu in images if name_of(hdu) == SCIENCE]
    return science if len(science) == 1 else images


def is_cube(hdu: Hdu) -> bool:
    """Whether an image has more than two axes longer than one pixel, the Stokes axis apart."""
    lengths = [
        length
        for i, length in enumerate(image_shape(hdu), start=1)
        if hdu.cards.get(f"CTYPE{i}", "").upper() != "STOKES"
    ]
    return sum(length > 1 for length in lengths) > 2


def chosen_hdu(hdus: Sequence[Hdu], wanted: int | str | None) -> list[Hdu]:
    """Return the HDU that was requested by number or name, or all of them.

    Raises
    ------
    UsageError
        If there is none; the sentence lists those there are.
    """
    if wanted is None:
        return list(hdus)
    for hdu in hdus:
        if wanted in (hdu.number, hdu.cards.get("EXTNAME", "").strip()):
            return [hdu]
    raise UsageError(
        f"{shown(hdus[0].file)} has no HDU {shown(wanted)}; it has {names_of(hdus)}", code="IN-KEY"
    )


def only_image(hdus: Sequence[Hdu]) -> Hdu:
    """Return the one image.

    Raises
    ------
    HeaderInvalidError
        If there are several, or one that is smaller than 2 × 2 pixels.
    """
    images = main_images(hdus)
    if len(images) != 1:
        raise HeaderInvalidError(
            f"{shown(hdus[0].file)} has {len(images)} image HDUs: {names_of(images)}; choose one with "
            "--survey-option hdu=NUMBER"
        )
    shape = image_shape(images[0])
    if sum(length > 1 for length in shape) < 2 or 0 in shape:
        told = " × ".join(map(str, shape))
        raise HeaderInvalidError(
            f"the image in {images[0]} has {told} pixels, which is smaller than any tile; give a larger one",
            code="IN-DIM",
        )
    return images[0]


def names_of(hdus: Sequence[Hdu]) -> str:
    """List HDUs by number and name."""
    return ", ".join(
        f"{hdu.number} ({shown(hdu.cards['EXTNAME'])})" if "EXTNAME" in hdu.cards else str(hdu.number)
        for hdu in hdus
    )
