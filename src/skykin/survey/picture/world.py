"""Where the pixels of a picture lie on the sky."""

from __future__ import annotations

from pathlib import Path

from astropy.io import fits

from skykin.core.errors import SkyError, TooLargeError, shown
from skykin.core.protocols import Progress
from skykin.core.survey_options import SurveyOptions
from skykin.survey.fits.check import CARD, Hdu, add_card, read_headers
from skykin.survey.fits.header_wcs import header_of
from skykin.survey.fits.world import World, read_world
from skykin.survey.guard import guarded
from skykin.survey.picture.file import PictureFile

#: FITS codes of the projections of the whole sky, and the widths of the pictures in degrees of their plane.
WHOLE_SKY = {"plate-carree": ("CAR", 360.0), "mollweide": ("MOL", 324.0585), "aitoff": ("AIT", 324.0585)}
AXES = {"galactic": ("GLON", "GLAT"), "icrs": ("RA--", "DEC-"), "ecliptic": ("ELON", "ELAT")}
#: A picture of the whole sky is twice as wide as high; margins would move everything.
SHAPE_TOLERANCE = 0.01
SIDECARS = (".wcs", ".hdr", ".header")
LARGEST_SIDECAR = 1 << 20


def world_of(
    path: Path, picture: PictureFile, options: SurveyOptions, progress: Progress
) -> tuple[World, bool]:
    """Find the world coordinates: by option, in a file beside the picture, or in its AVM tags.

    Returns
    -------
    world : World
    from_top : bool
        Whether its first row is the topmost of the picture, not the lowest as in FITS.

    Raises
    ------
    SkyError
        ``SKY-NOWCS`` if there are none; others if they contradict the picture.
    """
    rows, columns = picture.values.shape[:2]
    if options.projection is not None:
        header, name = _whole_sky(path, (rows, columns), options, progress), path.name
    elif (beside := next((p for p in _sidecars(path) if p.is_file()), None)) is not None:
        header, name = _read_sidecar(beside), beside.name
    elif picture.avm is not None:
        header, name = fits.Header(picture.avm), path.name
    else:
        raise SkyError(
            f"{shown(path.name)} does not say where on the sky it lies: it has no AVM tags and no "
            f"{path.stem}.wcs beside it; give the options projection (plate-carree, mollweide or aitoff) "
            "and frame if it shows the whole sky",
            code="SKY-NOWCS",
        )
    from_top = _is_of_astrometry_net(header)
    _set_size(header, name, rows, columns)
    return read_world(header, f"HDU 0 of {shown(name)}", progress), from_top


def _is_of_astrometry_net(header: fits.Header) -> bool:
    """Whether solve-field wrote it, which counts the rows of a picture from the top."""
    lines = [*header.get("HISTORY", ()), *header.get("COMMENT", ())]
    return "IMAGEH" in header or any("astrometry.net" in str(line).lower() for line in lines)


def _whole_sky(path: Path, shape: tuple[int, int], options: SurveyOptions, progress: Progress) -> fits.Header:
    rows, columns = shape
    code, width_deg = WHOLE_SKY[str(options.projection)]
    if abs(columns / (2 * rows) - 1) > SHAPE_TOLERANCE:
        raise SkyError(
            f"{shown(path.name)} has {columns} × {rows} pixels, but a picture of the whole sky in "
            f"{options.projection} is twice as wide as high; cut its margins off",
            code="SKY-PROJ",
        )
    if options.frame is None:
        progress.say(
            f"{shown(path.name)} is read as Galactic; give --survey-option frame=icrs or frame=ecliptic if "
            "it is not"
        )
    if options.projection == "aitoff":
        progress.say(
            "aitoff is read as Hammer-Aitoff, the equal-area projection that FITS calls AIT, not as "
            "Aitoff's own"
        )
    lon, lat = AXES[options.frame or "galactic"]
    return fits.Header(
        {
            "CTYPE1": f"{lon}-{code}",
            "CTYPE2": f"{lat}-{code}",
            "CRVAL1": (options.center_deg or 0.0) % 360,
            "CRVAL2": 0.0,
            "CRPIX1": (columns + 1) / 2,
            "CRPIX2": (rows + 1) / 2,
            "CDELT1": -width_deg / columns,
            "CDELT2": width_deg / 2 / rows,
            "CUNIT1": "deg",
            "CUNIT2": "deg",
        }
    )


def _set_size(header: fits.Header, name: str, rows: int, columns: int) -> None:
    """Add the size of the picture, or check that it is the one the header is about."""
    for keyword, size in (("NAXIS1", columns), ("NAXIS2", rows), ("IMAGEW", columns), ("IMAGEH", rows)):
        said = header.get(keyword)
        if said is not None and said != size:
            raise SkyError(
                f"{shown(name)} says {keyword} = {shown(said)}, but the picture has {columns} × "
                f"{rows} pixels; its world coordinates belong to another size",
                code="SKY-PROJ",
            )
    header["NAXIS"], header["NAXIS1"], header["NAXIS2"] = 2, columns, rows


def _sidecars(path: Path) -> list[Path]:
    return [path.with_suffix(end) for end in SIDECARS] + [path.with_name(path.name + ".wcs")]


def _read_sidecar(path: Path) -> fits.Header:
    """Read a FITS header, in a file of its own or as plain text with one card a line."""
    if path.stat().st_size > LARGEST_SIDECAR:
        raise TooLargeError(
            f"{shown(path.name)} has {path.stat().st_size} bytes, but a header has at most {LARGEST_SIDECAR}"
        )
    with path.open("rb") as stream:
        content = stream.read()
        if b"\n" not in content and content.startswith(b"SIMPLE"):
            content = content[: read_headers(stream, path.name)[0].data_offset]
            cards = [content[start : start + CARD] for start in range(0, len(content), CARD)]
        else:
            cards = [line.rstrip(b"\r").ljust(CARD)[:CARD] for line in content.split(b"\n")]
    text = ""
    hdu = Hdu(0, {}, path.name)
    for row, card in enumerate(cards, 1):
        if card.rstrip() == b"END":
            break
        add_card(hdu, card, row)
        text += card.decode("ascii")
    with guarded("skykin.survey.fits.child:read_header", path, {"header": text}) as parsed:
        header = header_of(parsed.facts["header"])
    if header.get("NAXIS") == 0:  # it says itself that it is no image
        for key in [key for key in header if key.startswith("NAXIS")]:
            del header[key]
    return header
