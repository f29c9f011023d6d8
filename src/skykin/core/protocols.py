"""The smallest thing that one part needs to know of another."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from astropy.coordinates import SkyCoord

from skykin.core.extent import Extent
from skykin.core.provenance import Source
from skykin.core.shapes import RGB, Angles, BandValues, Chroma, Coverage, Degrees, Numbers


@runtime_checkable
class Survey(Protocol):
    """Data on the sky: physical values and their coverage at any position."""

    @property
    def name(self) -> str:
        """Short name, such as ``wham``."""

    @property
    def title(self) -> str:
        """Full name for figures and headers."""

    @property
    def unit(self) -> str:
        """Unit of the values, readable by `astropy.units` where the survey's own unit is."""

    @property
    def bands(self) -> tuple[str, str, str]:
        """What is shown as red, green and blue, in words."""

    @property
    def intensity_bands(self) -> tuple[int, ...]:
        """Which of the three bands are data of their own; their sum is the intensity.

        All three, or fewer where the survey has fewer and some are shown twice: of a grey image the first.
        """

    @property
    def beam_deg(self) -> float:
        """Angular resolution (full width), degrees."""

    @property
    def extent(self) -> Extent:
        """Cap of the sky that holds the full survey footprint."""

    @property
    def source(self) -> Source:
        """The file behind it."""

    @property
    def credits(self) -> tuple[str, ...]:
        """Citations and acknowledgements that go with every product."""

    @property
    def overview(self) -> Survey:
        """The survey as coarse as all of it can be read; the survey itself where that is no question.

        A HiPS of order 9 has three million tiles: what is measured over the whole sky is measured on a few
        hundred of them.
        """

    def to_dict(self) -> dict[str, object]:
        """Plain values for provenance."""

    def sample(self, lon: Angles | SkyCoord, lat: Angles | None = None) -> tuple[BandValues, Coverage]:
        """Values ``(..., 3)`` and coverage ``(...)`` at Galactic positions.

        Plain numbers are degrees, a Quantity may be any angle, and a `SkyCoord` alone any frame.  Values are
        finite everywhere; where coverage is 0 they are filled from around and mean nothing.
        """


@runtime_checkable
class NoisySurvey(Survey, Protocol):
    """A survey that knows its own noise."""

    def resampled(self, seed: int) -> Survey:
        """Return the survey with a further realisation of its noise on top; the same for the same seed."""

    def noise_at(self, lon: Angles | SkyCoord, lat: Angles | None = None) -> Numbers:
        """Return the standard deviation of the intensity at positions as `sample` takes them."""


class ColouredSky(Protocol):
    """A survey rendered: colours at any position."""

    def colours(self, lon_deg: Degrees, lat_deg: Degrees, /) -> tuple[RGB, Coverage]:
        """Colours ``(..., 3)`` from 0 to 1 and coverage ``(...)`` at Galactic positions in degrees."""


class Encoder(Protocol):
    """A network: from a picture to what its layers answer."""

    @property
    def name(self) -> str:
        """What it is, with the hash of its weights."""

    def __call__(self, rgb: RGB) -> Mapping[str, Chroma]:
        """Encode one picture ``(rows, columns, 3)``; one float32 array ``(channels, y, x)`` per layer."""


class Counter(Protocol):
    """Counts finished items of one stage."""

    def advance(self, items: int = 1) -> None:
        """Say that so many more items are done."""


class Progress(Protocol):
    """Tells a person how far the work is."""

    def stage(self, title: str, total: int | None, unit: str = "") -> AbstractContextManager[Counter]:
        """Open a stage of `total` items (None: not known) called `unit`."""

    def say(self, sentence: str) -> None:
        """Tell a remark, such as a choice made where the input was ambiguous."""
