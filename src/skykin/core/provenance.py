"""Where a product comes from: written into every file that Skykin makes."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version

LIBRARIES = ("skykin", "numpy", "scipy", "astropy", "astropy-healpix", "onnxruntime")


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that compute."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed as a package"
    return found


@dataclass(frozen=True)
class Source:
    """A file that data came from.

    Parameters
    ----------
    name : str
        File name without its folder: provenance does not tell where a user keeps things.
    sha256 : str
        Hash of the bytes, hexadecimal.
    """

    name: str
    sha256: str


@dataclass(frozen=True)
class Provenance:
    """All that decides a result, as plain values.

    Parameters
    ----------
    survey, recipe, grid, rendering, reference : dict
        The settings of each stage, JSON-ready.
    encoder : str
        Network and hash of its weights.
    credits : tuple of str
        Citations and acknowledgements that the products must carry.
    calibration : dict
        How p, q and intervals were measured; empty where there are none.
    versions : dict
        Versions of Skykin, Python and the libraries that compute.
    """

    survey: dict[str, object]
    rendering: dict[str, object]
    grid: dict[str, object]
    reference: dict[str, object]
    recipe: dict[str, object]
    encoder: str
    credits: tuple[str, ...]
    calibration: dict[str, object] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=library_versions)

    def as_dict(self) -> dict[str, object]:
        """Nested plain values, ready for JSON."""
        return asdict(self)
