"""A spectral cube opened as a survey of three bands, channels or moments."""

from __future__ import annotations

from pathlib import Path

from skykin.core.atomic import sha256_of
from skykin.core.errors import SkyError, UsageError, shown
from skykin.core.protocols import Progress
from skykin.core.provenance import Source
from skykin.core.survey_options import Bands, SurveyOptions
from skykin.survey.base import About
from skykin.survey.fits.check import Hdu
from skykin.survey.fits.cube_planes import BandPixels, MomentPixels, noise_of
from skykin.survey.fits.header_wcs import HeaderWcs
from skykin.survey.fits.image import (
    beam_of,
    checked_image,
    cube_of,
    doubt_scale,
    look_at,
    read_image,
    tell_beside,
    told,
    without_faults,
)
from skykin.survey.fits.image_hdus import image_shape
from skykin.survey.fits.pixels import ChannelPixels, Cube, Pixels
from skykin.survey.fits.sky_image import SkyImage
from skykin.survey.fits.spectral_axis import SpectralAxis, read_spectral_axis, spectral_axis_number
from skykin.survey.fits.world import World
from skykin.survey.units import known_unit
from skykin.survey.velocity_bands import LEAST_COVERED

Planes = tuple[Pixels, Pixels, Pixels]


def open_cube(path: Path, options: SurveyOptions, progress: Progress) -> SkyImage:
    """Open the one cube of a FITS file; its channels are read where the sky is looked at.

    Raises
    ------
    InputRefusedError
        In one of its kinds, naming the HDU and the keyword.
    UsageError
        If bands, channels or the rest value do not fit the cube.
    """
    hdu, beside = checked_image(path, options, progress)
    tell_beside(hdu, None, beside, progress)
    image = read_image(path, hdu, options, progress)
    axes = image.world.axes
    axis = third_axis(hdu, axes, progress)
    cube = without_faults(cube_of(path, hdu, image, (axis, axes.lat_axis, axes.lon_axis), options.blank))
    return cube_survey(
        hdu, image.world, cube, axis=axis, name=path.stem, source=Source(path.name, sha256_of(path)),
        options=options, progress=progress,
    )  # fmt: skip


def cube_survey(
    hdu: Hdu,
    world: World,
    cube: Cube,
    *,
    axis: int,
    name: str,
    source: Source,
    options: SurveyOptions,
    progress: Progress,
) -> SkyImage:
    """Show a cube as three bands, channels or moments.

    Parameters
    ----------
    hdu : Hdu
        Its header.
    world : World
    cube : Cube
    axis : int
        FITS number, from 0, of the axis of its channels.
    name : str
    source : Source
    options, progress :
        As of `open_cube`.
    """
    axes = world.axes
    line = _line(hdu, axes, axis, options, progress)
    planes, names, facts = _planes(hdu, line, cube, options, progress)
    look_at(planes[1], hdu, options, progress)
    unit = known_unit(options.unit or hdu.cards.get("BUNIT", ""), progress)
    if facts["shown"] == "bands" and unit:
        unit = known_unit(f"{unit} km / s", progress)
    about = About(name, source.name, unit, names, source, ())
    doubt_scale(hdu, world, progress)
    beam = beam_of(hdu, world, options, progress)
    return SkyImage(planes, world, beam, about, {**facts, **told(hdu, options, progress)})


def third_axis(hdu: Hdu, axes: HeaderWcs, progress: Progress) -> int:
    """Return the number of the axis whose planes are combined, from 0."""
    shape = image_shape(hdu)
    sky = {axes.lon_axis, axes.lat_axis}
    long = [i for i, length in enumerate(shape) if i not in sky and length > 1]
    spectral = spectral_axis_number(hdu, len(shape))
    if spectral is not None and spectral in long:
        for i in set(long) - {spectral}:
            name = shown(hdu.cards.get(f"CTYPE{i + 1}", ""))
            progress.say(f"note: axis {i + 1} ({name}) of {hdu} has {shape[i]} planes; the first is used")
        return spectral
    plain = [i for i in long if hdu.cards.get(f"CTYPE{i + 1}", "").upper() != "STOKES"]
    if len(plain) != 1:
        told = " × ".join(map(str, shape))
        raise SkyError(
            f"{hdu} has {told} pixels and no spectral axis, so nobody knows which planes are meant; take out "
            "one cube",
            code="SKY-SPEC",
        )
    return plain[0]


def _line(
    hdu: Hdu, axes: HeaderWcs, axis: int, options: SurveyOptions, progress: Progress
) -> SpectralAxis | None:
    """Return the velocities of the channels; None where they are not needed or not there."""
    spectral = spectral_axis_number(hdu, len(image_shape(hdu))) == axis
    show = options.show or ("channels" if options.channels else "bands")
    if show == "channels":
        return None
    channels = image_shape(hdu)[axis]
    if not spectral:
        name = shown(hdu.cards.get(f"CTYPE{axis + 1}", "no CTYPE"))
        raise SkyError(
            f"axis {axis + 1} of {hdu} ({name}) is no spectral axis; "
            f"name three of its {channels} planes, such as --survey-option channels=0,1,2",
            code="SKY-SPEC",
        )
    if channels < 3:
        raise SkyError(
            f"{hdu} has {channels} channels, fewer than the three bands; use one channel as an image",
            code="SKY-SPEC",
        )
    return read_spectral_axis(hdu, axes.whole, axis, options.rest, progress)


def _planes(
    hdu: Hdu, line: SpectralAxis | None, cube: Cube, options: SurveyOptions, progress: Progress
) -> tuple[Planes, tuple[str, str, str], dict[str, object]]:
    """Return what is shown as red, green and blue, in pixels and in words, and facts about it."""
    if line is None:
        return _channel_planes(hdu, cube, options)
    facts: dict[str, object] = {
        "shown": options.show or "bands",
        "channels": cube.shape[0],
        "velocities_km_s": [float(line.edges_km_s.min()), float(line.edges_km_s.max())],
        "velocity_convention": line.convention,
        "velocity_frame": line.frame,
    }
    if options.show == "moments":
        noise = noise_of(cube)
        facts["noise"] = noise
        mean, total, width = (MomentPixels(cube, order, line, noise) for order in (1, 0, 2))
        return (mean, total, width), ("mean velocity", "integrated intensity", "velocity dispersion"), facts
    bands = _bands(hdu, line, options, progress)
    red, green, blue = (BandPixels(cube, line.overlap_km_s(band), band[1] - band[0]) for band in bands)
    names = tuple(f"{low:+.4g} to {high:+.4g} km/s".replace("-", "−") for low, high in bands)
    return (
        (red, green, blue),
        (names[0], names[1], names[2]),
        facts | {"bands_km_s": [list(b) for b in bands]},
    )


def _bands(hdu: Hdu, line: SpectralAxis, options: SurveyOptions, progress: Progress) -> Bands:
    if options.bands is None:
        bands = line.thirds()
        progress.say(
            f"note: the channels of {hdu} are shown in thirds, red {bands[0][0]:+.4g} to {bands[0][1]:+.4g}, "
            f"green to {bands[1][0]:+.4g}, blue to {bands[2][0]:+.4g} km/s; --bands chooses others"
        )
        return bands
    chosen: Bands = options.bands
    for low, high in chosen:
        if line.overlap_km_s((low, high)).sum() < LEAST_COVERED * (high - low):
            edges = line.edges_km_s
            raise UsageError(
                f"{hdu} covers less than {LEAST_COVERED:.0%} of the band {low:+g} to {high:+g} km/s; choose "
                f"--bands between {edges.min():+.4g} and {edges.max():+.4g} km/s",
                code="SKY-SPEC",
            )
    return chosen


def _channel_planes(
    hdu: Hdu, cube: Cube, options: SurveyOptions
) -> tuple[Planes, tuple[str, str, str], dict[str, object]]:
    last = cube.shape[0] - 1
    if options.channels is None or max(options.channels) > last:
        raise UsageError(
            f"{hdu} has channels 0 to {last}, but channels is {shown(options.channels)}; name three of them",
            code="SKY-SPEC",
        )
    red, green, blue = options.channels
    planes = (ChannelPixels(cube, red), ChannelPixels(cube, green), ChannelPixels(cube, blue))
    return planes, (f"channel {red}", f"channel {green}", f"channel {blue}"), {"shown": "channels"}
