"""A signature is the style of one tile, a vector per layer; a survey's standard is what is usual there."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from skykin.core.errors import DataQualityError, UsageError
from skykin.core.shapes import Degrees, Numbers
from skykin.style.row_moments import RowMoments, distance_deg, edges_of, row_of
from skykin.style.whitening import Whitening

Vector = npt.NDArray[np.float32]
Moments = npt.NDArray[np.float64]
#: Smallest spread that counts, in units of the layer's median spread.
FLOOR = 0.1
#: Spread that single precision alone makes, in units of the mean.
ROUNDING = 1e-6
#: Tiles of which the standard of a row is made: two tiles of the row share the error of its mean, which
#: raises their cosine by one in so many on average.
ROW_TILES = 48


class LayerVectors(Mapping[str, Vector]):
    """Layer to its vector, with a way to compare: a `Signature`, or the style that an index keeps."""

    __slots__ = ()

    @abstractmethod
    def cosines(self, other: Mapping[str, Vector]) -> Numbers:
        """Cosine of each layer with another of the same kind: float64 array (layers,)."""


class Signature(LayerVectors):
    """Layer to its flat float32 vector; read-only, in the order of the layers.

    Parameters
    ----------
    vectors : Mapping of str to array (n,)
    """

    __slots__ = ("_vectors",)

    def __init__(self, vectors: Mapping[str, npt.NDArray[np.floating]]) -> None:
        self._vectors: dict[str, Vector] = {}
        for layer, vector in vectors.items():
            own = np.array(vector, dtype=np.float32).reshape(-1)
            own.setflags(write=False)
            self._vectors[layer] = own

    def __getitem__(self, layer: str) -> Vector:
        return self._vectors[layer]

    def __iter__(self) -> Iterator[str]:
        return iter(self._vectors)

    def __len__(self) -> int:
        return len(self._vectors)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{layer}: {vector.size}" for layer, vector in self.items())
        return f"Signature({sizes})"

    @property
    def finite(self) -> bool:
        """Whether every number is; a tile without a covered position has no style."""
        return all(bool(np.isfinite(vector).all()) for vector in self.values())

    def cosines(self, other: Mapping[str, Vector]) -> Numbers:
        """Cosine of each layer with another signature: float64 array (layers,); see `layer_cosines`."""
        return np.array(list(layer_cosines(self, other).values()))


def layer_cosines(signature: Mapping[str, Vector], reference: Mapping[str, Vector]) -> dict[str, float]:
    r"""Cosine between two signatures, layer by layer.

    .. math:: \cos = \frac{\sum_i a_i b_i}{\sqrt{\sum_i a_i^2}\,\sqrt{\sum_i b_i^2}}

    Parameters
    ----------
    signature, reference : Mapping of str to array (n,)
        With the same layers.

    Returns
    -------
    dict
        Layer to its cosine from −1 to 1, computed in double precision: squared Gram entries of block 4
        overflow a float32.  NaN where one of the two is zero or not finite, because it has no style.

    Raises
    ------
    UsageError
        If the two do not have the same layers.
    """
    if set(signature) != set(reference):
        raise UsageError(
            f"a signature of layers {', '.join(signature)} cannot be compared with one of "
            f"{', '.join(reference)}; measure both with one recipe"
        )
    return {layer: _cosine(signature[layer], vector) for layer, vector in reference.items()}


def _cosine(a: Vector, b: Vector) -> float:
    a, b = a.astype(np.float64), b.astype(np.float64)
    norms = math.sqrt(a @ a) * math.sqrt(b @ b)
    if not 0 < norms < math.inf:
        return math.nan
    return min(1.0, max(-1.0, float(a @ b) / norms))


def flattened(statistic: npt.NDArray[np.float32]) -> Vector:
    r"""Lay a statistic out as a vector whose length and angles are those of the statistic.

    Of a symmetric matrix the upper triangle is kept, with :math:`\sqrt 2` before what stands beside the
    diagonal: :math:`\langle A, B\rangle = \sum_{ij} A_{ij} B_{ij}` stays the same at half the numbers.

    Parameters
    ----------
    statistic : array (n,) or symmetric array (n, n)

    Returns
    -------
    float32 array (n,) or (n (n + 1) / 2,)
    """
    if statistic.ndim == 1:
        return statistic
    upper, right = np.triu_indices(len(statistic))
    return statistic[upper, right] * np.where(upper == right, 1, np.sqrt(2)).astype(np.float32)


def has_style(vectors: Mapping[str, Vector]) -> bool:
    """Whether there is anything to compare in every layer: finite numbers that are not all zero."""
    return all(bool(np.isfinite(vector).all() and np.any(vector)) for vector in vectors.values())


def refuse_without_style(vectors: Mapping[str, Vector], name: str, *, choose: str = "another") -> None:
    """Refuse what cannot be compared with anything.

    Parameters
    ----------
    vectors : Mapping of str to array (n,)
        A signature, or vectors that an index holds.
    name : str
        What it is of, as a sentence begins, such as ``the reference 'orion'``.
    choose : str
        What to choose instead.

    Raises
    ------
    DataQualityError
        If a layer is not finite or zero (``DQ-CONST``).
    """
    if not has_style(vectors):
        raise without_style(name, choose=choose)


def without_style(name: str, *, choose: str = "another") -> DataQualityError:
    """Say that nothing can be compared with a picture in which nothing is to be seen (``DQ-CONST``)."""
    return DataQualityError(
        f"{name} has no style, because nothing in it is covered or it is the same everywhere; "
        f"choose {choose}",
        code="DQ-CONST",
    )


@dataclass(frozen=True, eq=False)
class Standardisation:
    r"""Deviation from the survey's mean in units of its spread.

    .. math:: z_i = \frac{x_i - \mu_i}{\max(\sigma_i, f)}

    The floor :math:`f` is a tenth of the median of the layer's non-zero :math:`\sigma_i`.  A number that
    hardly varied in the sample, such as one of a dead channel, would otherwise outvote all others the first
    time it does: with the floor, a typical change of it counts ten times at most.  (Covariances of block 5 on
    a far-infrared Milky Way: 1 % of the numbers hold 88 % of a new tile's squared length with a floor of
    0.001, 60 % with 0.1; the scores of the two correlate to 0.999.)

    Parameters
    ----------
    mean, spread : Mapping of str to float32 array (n,)
        Per layer, the mean over the sample, and the standard deviation with the floor applied.
    tiles : int
        Number of signatures in the sample.
    whitening : Mapping of str to Whitening
        Per layer, where the recipe compares tiles along leading directions.
    rows : tuple of Standardisation
        The same within rows of Galactic latitude, from the plane to the poles, north and south together;
        empty where the whole survey has one.  What lies nowhere is taken relative to the whole survey.
    edges_deg : tuple of float
        |b| that divides a row from the next: one fewer than rows.
    """

    mean: Signature
    spread: Signature
    tiles: int
    whitening: Mapping[str, Whitening] = field(default_factory=dict)
    rows: tuple[Standardisation, ...] = ()
    edges_deg: tuple[float, ...] = ()

    @classmethod
    def fit(cls, signatures: Iterable[Signature]) -> Self:
        """Measure a survey's standard; one signature at a time is held.

        Signatures that are not finite are left out: their tiles have no style.

        Parameters
        ----------
        signatures : iterable of Signature
            A sample of the survey's tiles; the order matters to the last bit only.

        Raises
        ------
        DataQualityError
            If fewer than two signatures are finite (``DQ-FEWVALID``), or a layer is the same in all of them
            (``DQ-CONST``).

        References
        ----------
        Welford 1962, Technometrics 4, 419: mean and sum of squared deviations in one pass.
        """
        mean: dict[str, Moments] = {}
        squares: dict[str, Moments] = {}
        tiles = 0
        for signature in signatures:
            if signature.finite:
                tiles += 1
                _advance(mean, squares, signature, tiles)
        return cls._of_sums(mean, squares, tiles)

    @classmethod
    def _of_sums(cls, mean: Mapping[str, Moments], squares: Mapping[str, Moments], tiles: int) -> Self:
        """Make it of means and sums of squared deviations."""
        if tiles < 2:
            raise DataQualityError(
                f"the survey's average needs at least 2 tiles with data and structure, but {tiles} had them; "
                "choose a larger area",
                code="DQ-FEWVALID",
            )
        spread = {
            layer: _spread(layer, mean[layer], np.sqrt(squares[layer] / tiles), tiles) for layer in mean
        }
        return cls(Signature(mean), Signature(spread), tiles)

    @classmethod
    def of_moments(
        cls, moments: RowMoments, layers: Mapping[str, slice], width_deg: float
    ) -> Standardisation:
        """Make that of a survey, and of its rows of |b|, of the moments of its tiles.

        Rows are joined as by `in_rows`, where overlapping tiles count as the independent ones to which they
        are equivalent.

        Parameters
        ----------
        moments : RowMoments
        layers : Mapping of str to slice
            Which of the numbers of a tile belong to which layer.
        width_deg : float
            Of a row that needs no other.
        """
        edges = _row_edges(width_deg, moments.number, moments.independent)
        begins = np.array([0.0, *edges_of(width_deg)])[moments.number]
        own = np.searchsorted(edges, begins, side="right")

        def of(part: RowMoments) -> Standardisation:
            tiles, mean, squares = part.together()
            return cls._of_sums(
                {layer: mean[columns] for layer, columns in layers.items()},
                {layer: squares[columns] for layer, columns in layers.items()},
                tiles,
            )

        whole = of(moments)
        if not edges:
            return whole
        rows = tuple(of(moments.only(own == row)) for row in range(len(edges) + 1))
        return replace(whole, rows=rows, edges_deg=tuple(edges))

    def whitened(self, sample: Sequence[Signature], blocks: Sequence[int], components: int) -> Self:
        """Return the same along the leading directions of a sample of raw signatures; see `Whitening`."""
        known = [each for each in sample if each.finite]
        rows = {layer: np.stack([self._scaled(layer, each[layer]) for each in known]) for layer in self.mean}
        found = {layer: Whitening.fit(own, blocks, components) for layer, own in rows.items()}
        return replace(self, whitening=found)

    def in_rows(self, sample: Sequence[Signature], lat_deg: Degrees, width_deg: float) -> Self:
        """Return the same with a standard for each row of |b|.

        A row that holds fewer than `ROW_TILES` tiles is joined with the next towards the pole, and what is
        left at the pole with the row before.  Rows have hard edges: a tile belongs to that of its centre.

        Parameters
        ----------
        sample : sequence of Signature
            That of which this is the standard.
        lat_deg : array (len(sample),)
            Galactic latitudes of their centres.
        width_deg : float
            Of a row that needs no other.
        """
        known = np.array([each.finite for each in sample])
        edges = _row_edges(width_deg, row_of(lat_deg, width_deg)[known], np.ones(int(known.sum())))
        if not edges:
            return self
        number = np.searchsorted(edges, distance_deg(lat_deg), side="right")
        rows = [
            type(self).fit(each for each, own in zip(sample, number == row, strict=True) if own)
            for row in range(len(edges) + 1)
        ]
        return replace(self, rows=tuple(rows), edges_deg=tuple(edges))

    def with_rows(
        self, stacked: Mapping[str, Numbers], tiles: Sequence[int], edges_deg: Sequence[float]
    ) -> Self:
        """Return the same with rows as they are kept: mean and spread of each layer, (2, rows, n)."""
        rows = tuple(
            Standardisation(
                Signature({layer: part[0, row] for layer, part in stacked.items()}),
                Signature({layer: part[1, row] for layer, part in stacked.items()}),
                int(number),
            )
            for row, number in enumerate(tiles)
        )
        return replace(self, rows=rows, edges_deg=tuple(map(float, edges_deg)))

    def row_numbers(self, lat_deg: Degrees) -> Numbers:
        """Tell which row each Galactic latitude lies in, int array of the same shape."""
        return np.asarray(np.searchsorted(self.edges_deg, distance_deg(lat_deg), side="right"))

    def at(self, lat_deg: float | None) -> Standardisation:
        """Give the standard of the row of a Galactic latitude; that of the whole survey for None."""
        if lat_deg is None or not self.rows:
            return self
        return self.rows[int(self.row_numbers(np.array(lat_deg)))]

    def of_rows(self, layer: str) -> tuple[Numbers, Numbers]:
        """Mean and spread of each row, each float32 (rows, n); of the whole survey (1, n) without rows."""
        each = self.rows or (self,)
        return np.stack([own.mean[layer] for own in each]), np.stack([own.spread[layer] for own in each])

    def width(self, layer: str) -> int:
        """Numbers of a standardised layer."""
        own = self.whitening.get(layer)
        return self.mean[layer].size if own is None else own.width

    def compared(self, layer: str, raw: Numbers, lat_deg: Degrees | None = None) -> Numbers:
        """Standardise raw vectors (..., n) of a layer: (..., width).

        Each by the row of its Galactic latitude (...), or all by the whole survey.
        """
        if lat_deg is not None and self.rows:
            mean, spread = self.of_rows(layer)
            number = self.row_numbers(lat_deg)
            return np.asarray((raw - mean[number]) / spread[number])
        scaled, own = self._scaled(layer, raw), self.whitening.get(layer)
        return scaled if own is None else own.along(scaled)

    def back(self, layer: str, vector: Numbers) -> Numbers:
        """Give what raw vectors are multiplied with, so that standardised ones are with `vector` (width,)."""
        own = self.whitening.get(layer)
        return np.asarray((vector if own is None else own.back(vector)) / self.spread[layer])

    def _scaled(self, layer: str, raw: Numbers) -> Numbers:
        return np.asarray((raw - self.mean[layer]) / self.spread[layer])

    def apply(self, signature: Signature, lat_deg: float | None = None) -> Signature:
        """Standardise one signature; that of an exactly average tile becomes all zeros."""
        own = self.at(lat_deg)
        return Signature({layer: own.compared(layer, vector) for layer, vector in signature.items()})


def _row_edges(width_deg: float, number: Numbers, count: Numbers) -> list[float]:
    """Give the |b| that divide rows of at least `ROW_TILES`, of narrow rows by number, and their counts."""
    edges, begin = [], 0
    for row, edge in enumerate(edges_of(width_deg).tolist(), 1):
        here = count[(number >= begin) & (number < row)].sum()
        if here >= ROW_TILES <= count[number >= row].sum():
            edges.append(edge)
            begin = row
    return edges


def _advance(
    mean: dict[str, Moments],
    squares: dict[str, Moments],
    signature: Mapping[str, npt.NDArray[np.float32]],
    tiles: int,
) -> None:
    """Take one more signature into the moments, in place."""
    for layer, vector in signature.items():
        if layer not in mean:
            mean[layer] = np.zeros(vector.size)
            squares[layer] = np.zeros(vector.size)
        deviation = vector - mean[layer]
        mean[layer] += deviation / tiles
        squares[layer] += deviation * (vector - mean[layer])


def _spread(layer: str, mean: Moments, deviation: Moments, tiles: int) -> Moments:
    """Apply the floor to the standard deviation."""
    if deviation.max() <= ROUNDING * np.abs(mean).max():
        raise DataQualityError(
            f"layer {layer} is the same in all {tiles} tiles, so that nothing can be compared; "
            "choose a larger area or another stretch",
            code="DQ-CONST",
        )
    return np.maximum(deviation, FLOOR * np.median(deviation[deviation > 0]))
