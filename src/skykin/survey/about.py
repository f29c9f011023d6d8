"""What a survey says about itself."""

from __future__ import annotations

from dataclasses import dataclass

from skykin.core.protocols import Survey
from skykin.core.provenance import Source


@dataclass(frozen=True)
class About:
    """Names and sources that go with the values of a survey.

    Parameters
    ----------
    name : str
        Short name, such as ``wham``.
    title : str
        Full name for figures and headers.
    unit : str
        Unit of the values, readable by `astropy.units`.
    bands : three str
        What is shown as red, green and blue, in words.
    source : Source
        The file behind it.
    credits : tuple of str
        Citations and acknowledgements that go with every product.
    """

    name: str
    title: str
    unit: str
    bands: tuple[str, str, str]
    source: Source
    credits: tuple[str, ...]


class Described:
    """A survey that says of itself what its `about` says."""

    about: About

    @property
    def name(self) -> str:
        """Short name, such as ``wham``."""
        return self.about.name

    @property
    def title(self) -> str:
        """Full name for figures and headers."""
        return self.about.title

    @property
    def unit(self) -> str:
        """Unit of the values, readable by `astropy.units`."""
        return self.about.unit

    @property
    def bands(self) -> tuple[str, str, str]:
        """What is shown as red, green and blue, in words."""
        return self.about.bands

    @property
    def source(self) -> Source:
        """The file behind it."""
        return self.about.source

    @property
    def credits(self) -> tuple[str, ...]:
        """Citations and acknowledgements that go with every product."""
        return self.about.credits


class Behind:
    """A survey changed in some way, that says of itself what the one behind it says."""

    survey: Survey

    @property
    def name(self) -> str:
        """Short name of the survey."""
        return self.survey.name

    @property
    def title(self) -> str:
        """Full name of the survey."""
        return self.survey.title

    @property
    def unit(self) -> str:
        """Unit of the values."""
        return self.survey.unit

    @property
    def bands(self) -> tuple[str, str, str]:
        """What is shown as red, green and blue, in words."""
        return self.survey.bands

    @property
    def beam_deg(self) -> float:
        """Angular resolution (full width), degrees."""
        return self.survey.beam_deg

    @property
    def source(self) -> Source:
        """The file behind the survey."""
        return self.survey.source

    @property
    def credits(self) -> tuple[str, ...]:
        """Citations and acknowledgements that go with every product."""
        return self.survey.credits
