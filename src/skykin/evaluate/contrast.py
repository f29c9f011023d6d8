"""Mean brightness around places, and how much brighter a place is than its wider surroundings."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial import cKDTree

from skykin.core.errors import UsageError
from skykin.core.shapes import Coverage, Degrees, Numbers
from skykin.evaluate.tile_centres import directions

#: Diameters of the discs on a survey of the whole sky, degrees.
CORE_DEG, INNER_DEG, OUTER_DEG = 2.0, 5.0, 15.0
PLACES_AT_ONCE = 2048
#: The faintest brightness that has a logarithm, as a percentile of what is above zero.
FLOOR_PERCENTILE = 1.0


@dataclass(frozen=True, eq=False)
class BrightnessSamples:
    """Brightness on a fine regular grid of the sky.

    Parameters
    ----------
    lon_deg, lat_deg : array (samples,)
    intensity : array (samples,)
        Sum of the survey's bands.
    coverage : array (samples,)
        Weight of each sample, 0 to 1.
    """

    lon_deg: Degrees
    lat_deg: Degrees
    intensity: Numbers
    coverage: Coverage
    _tree: cKDTree = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tree", cKDTree(directions(self.lon_deg, self.lat_deg)))

    def disc_mean(
        self, lon_deg: Degrees, lat_deg: Degrees, diameter_deg: float, *, logarithmic: bool = False
    ) -> Numbers:
        """Mean brightness in discs about places; NaN where nothing in a disc is covered.

        Parameters
        ----------
        lon_deg, lat_deg : array (places,)
        diameter_deg : float
        logarithmic : bool
            Whether to average the logarithms instead: one bright star counts less.

        Raises
        ------
        UsageError
            If the diameter is not from 0° to 180°.
        """
        if not 0 < diameter_deg < 180:
            raise UsageError(f"a disc of {diameter_deg:g}° has no mean; use a diameter from 0° to 180°")
        values = self._log_intensity() if logarithmic else self.intensity
        reach = 2 * np.sin(np.radians(diameter_deg / 2) / 2)
        means = np.empty(len(lon_deg))
        for start in range(0, len(lon_deg), PLACES_AT_ONCE):
            part = slice(start, start + PLACES_AT_ONCE)
            near = self._tree.query_ball_point(directions(lon_deg[part], lat_deg[part]), reach)
            number = np.array([len(each) for each in near])
            place = np.repeat(np.arange(len(near)), number)
            sample = np.concatenate([np.asarray(each, dtype=np.intp) for each in near])
            weight = self.coverage[sample].astype(np.float64)
            light = np.bincount(place, weight * values[sample], len(near))
            total = np.bincount(place, weight, len(near))
            means[part] = np.divide(light, total, out=np.full(len(near), np.nan), where=total > 0)
        return means

    def contrast(
        self,
        lon_deg: Degrees,
        lat_deg: Degrees,
        inner_deg: float = INNER_DEG,
        outer_deg: float = OUTER_DEG,
    ) -> Numbers:
        r"""Logarithmic contrast of a disc with the wider disc around it.

        .. math:: C = \langle \ln I \rangle_{inner} - \langle \ln I \rangle_{outer}
        """
        inner = self.disc_mean(lon_deg, lat_deg, inner_deg, logarithmic=True)
        return np.asarray(inner - self.disc_mean(lon_deg, lat_deg, outer_deg, logarithmic=True))

    def _log_intensity(self) -> Numbers:
        bright = self.intensity[(self.intensity > 0) & (self.coverage > 0)]
        if not bright.size:
            return np.full(self.intensity.shape, np.nan)
        return np.asarray(np.log(np.maximum(self.intensity, np.percentile(bright, FLOOR_PERCENTILE))))
