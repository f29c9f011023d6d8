"""The shared engine: the network runs once over a picture, and every overlapping tile comes out of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

import numpy as np

from skykin.core.shapes import Coverage, Degrees, Numbers
from skykin.style.arrays import beside, library, on_host
from skykin.style.engine.cells import CellReader, Lattice, Taker
from skykin.style.engine.device import DeviceReader
from skykin.style.engine.gram_cosines import ColumnReader, PairReader, gram_reader
from skykin.style.engine.stream import CoverageRows, Piece, RowSource, stream
from skykin.style.network.architecture import channels_of
from skykin.style.network.devices import ContextNetwork
from skykin.style.recipe import Recipe
from skykin.style.signature import Signature, Standardisation
from skykin.style.statistics.form import Form, Stretch, scale_of
from skykin.style.statistics.statistic import position_weights


class Reader(Protocol):
    """Reads one layer as it comes."""

    def add(self, piece: Piece, weights: Coverage | None) -> None:
        """Take a piece and the weights of its positions, all 1 if None."""


class CosineTaker:
    """Adds up the cosine of each tile with a reference, or with several, entry by entry.

    Parameters
    ----------
    lattice : Lattice
    form : Form
    reference : array (n,) or (references, n)
        The layer's part of the reference's signature, standardised if `standard` is given.
    unit : float
        Factor from a signature's numbers to the form's entries.
    standard : Standardisation, optional
        Of the survey.
    layer : str
        Which of its layers this is.
    lat_deg : array (rows, columns), optional
        Galactic latitudes of the tiles, where a standard within rows of latitude is used.
    """

    def __init__(
        self,
        lattice: Lattice,
        form: Form,
        reference: Numbers,
        unit: float,
        *,
        standard: Standardisation | None = None,
        layer: str = "",
        lat_deg: Degrees | None = None,
    ) -> None:
        entries = form.stretches[-1].stop

        def laid_out(vectors: Numbers) -> Numbers:
            values = np.zeros((entries, *vectors.shape[:-1]), np.float32)
            values[form.order] = vectors.T
            return values

        factor = 1.0 if standard is not None else unit
        exact = reference.astype(np.float64) * factor
        self._whitening = None if standard is None else standard.whitening.get(layer)
        short = exact.astype(np.float32)
        # Only what comes in one stretch, as it stands, has leading directions.
        self._reference = laid_out(short) if self._whitening is None else np.moveaxis(short, -1, 0)
        self._length = np.sqrt(np.einsum("...n,...n->...", exact, exact))
        self._mean = self._inverse = None
        self._row: Numbers | None = None
        if standard is not None:
            own = standard if lat_deg is not None else replace(standard, rows=())
            if own.rows:
                self._row = own.row_numbers(np.asarray(lat_deg))
            mean, spread = own.of_rows(layer)
            self._mean = laid_out(mean * np.float32(unit)).T
            self._inverse = laid_out(1 / (spread * np.float32(unit))).T
        self._shape = lattice.rows, lattice.columns
        self._products: Numbers | None = None
        self._squares: Numbers | None = None

    #: Takes tensors as they come.
    on_device: ClassVar[bool] = True

    def take(self, row: int, column: int, stretch: Stretch, values: Numbers) -> None:
        """Multiply with the reference's entries and with themselves."""
        rows, columns, entries = values.shape
        flat = values.reshape(-1, entries)
        part = slice(stretch.start, stretch.stop)
        where = (slice(row, row + rows), slice(column, column + columns))
        if self._mean is not None and self._inverse is not None:
            number = 0 if self._row is None else self._row[where].ravel()
            flat -= beside(self._mean[:, part], flat)[number]
            flat *= beside(self._inverse[:, part], flat)[number]
        if self._whitening is not None:
            flat, part = self._whitening.along(flat), slice(None)
        products = flat @ beside(self._reference[part], flat)
        squares = library(flat).einsum("te,te->t", flat, flat)
        if self._products is None or self._squares is None:
            self._products, self._squares = (self._sums(each) for each in (products, squares))
        self._products[where] += products.reshape(rows, columns, *products.shape[1:])
        self._squares[where] += squares.reshape(rows, columns)

    def _sums(self, values: Numbers) -> Numbers:
        """Room for sums over all entries, in double precision, where the values lie."""
        own = library(values)
        shape = (*self._shape, *values.shape[1:])
        return own.zeros(shape, dtype=own.float64, device=values.device)  # type: ignore[no-any-return]

    def cosines(self) -> Numbers:
        """Cosines (rows, columns) or (rows, columns, references), −1 to 1; NaN where a tile has no style."""
        if self._products is None or self._squares is None:
            return np.full((*self._shape, *np.shape(self._length)), np.nan)
        lengths = np.multiply.outer(np.sqrt(on_host(self._squares)), self._length)
        lengths[~(lengths > 0)] = np.nan
        return np.asarray(np.clip(on_host(self._products) / lengths, -1, 1))


class VectorTaker:
    """Keeps the statistic of every tile: for few tiles."""

    on_device: ClassVar[bool] = False

    def __init__(self, lattice: Lattice, form: Form, unit: float) -> None:
        self._order, self._unit = form.order, unit
        self._entries = np.zeros((lattice.rows, lattice.columns, form.stretches[-1].stop), np.float32)

    def take(self, row: int, column: int, stretch: Stretch, values: Numbers) -> None:
        """Keep the entries."""
        rows, columns, _ = values.shape
        where = (slice(row, row + rows), slice(column, column + columns))
        self._entries[(*where, slice(stretch.start, stretch.stop))] = values

    def vectors(self) -> Numbers:
        """Vectors (rows, columns, n) as in a signature."""
        return self._entries[..., self._order] / np.float32(self._unit)


@dataclass(frozen=True, eq=False)
class SharedMeter:
    """Measures all tiles of a picture under one recipe by one run of the network.

    Parameters
    ----------
    recipe : Recipe
        Its padding has no meaning here: every position sees the true context.
    network : ContextNetwork
        With the recipe's layers.
    """

    recipe: Recipe
    network: ContextNetwork

    def cosines(
        self,
        source: RowSource,
        lattice: Lattice,
        reference: Mapping[str, Numbers],
        standard: Standardisation | None = None,
        lat_deg: Degrees | None = None,
    ) -> Numbers:
        """Compare each tile with a reference.

        Parameters
        ----------
        source : RowSource
            The picture with its context.
        lattice : Lattice
            Where its tiles lie.
        reference : Mapping of str to array (n,) or (references, n)
            Signature of the reference, or of several, standardised if `standard` is given.
        standard : Standardisation, optional
        lat_deg : array (rows, columns), optional
            Galactic latitudes of the tiles, each of which is standardised by its own row of latitude.

        Returns
        -------
        float64 array (rows, columns, layers) or (rows, columns, references, layers)
            NaN where nothing is covered.
        """
        readers: dict[str, Reader] = {}
        answers: dict[str, CosineTaker | ColumnReader | PairReader] = {}
        for layer, stride in self.network.strides.items():
            if self.recipe.statistic.plain_products and standard is None and not self.network.on_device:
                readers[layer] = answers[layer] = gram_reader(
                    lattice, layer, stride, reference=reference[layer], channels=channels_of(layer)
                )
                continue
            form = self.form(layer)
            taker = CosineTaker(
                lattice,
                form,
                reference[layer],
                self.unit(layer),
                standard=standard,
                layer=layer,
                lat_deg=lat_deg,
            )
            readers[layer] = self.reader(layer, lattice, form, taker)
            answers[layer] = taker
        self.read(source, readers)
        return np.stack([answers[layer].cosines() for layer in self.network.layers], axis=-1)

    def signatures(self, source: RowSource, lattice: Lattice) -> Iterator[Signature]:
        """Yield the signature of each tile, row by row; all are held at once, so request few."""
        vectors = self.vectors(source, lattice)
        for row in range(lattice.rows):
            for column in range(lattice.columns):
                yield Signature({layer: vector[row, column] for layer, vector in vectors.items()})

    def vectors(self, source: RowSource, lattice: Lattice) -> dict[str, Numbers]:
        """Measure all tiles: per layer, float32 (rows, columns, n); NaN where nothing is covered."""
        takers, readers = {}, {}
        for layer in self.network.strides:
            form = self.form(layer)
            takers[layer] = VectorTaker(lattice, form, self.unit(layer))
            readers[layer] = self.reader(layer, lattice, form, takers[layer])
        self.read(source, readers)
        return {layer: takers[layer].vectors() for layer in self.network.layers}

    def form(self, layer: str) -> Form:
        """Give the recipe's statistic of one layer as sums."""
        return self.recipe.statistic.form(channels_of(layer))

    def unit(self, layer: str) -> float:
        """Give the factor from a signature's numbers to the form's entries."""
        return float(scale_of(layer)) ** self.form(layer).degree

    def reader(self, layer: str, lattice: Lattice, form: Form, taker: Taker) -> CellReader | DeviceReader:
        """Give what sums a layer over cells and tiles, there where it is answered."""
        kind = DeviceReader if self.network.on_device else CellReader
        return kind(lattice, layer, self.network.strides[layer], form, taker)

    def read(self, source: RowSource, readers: Mapping[str, Reader]) -> None:
        """Run the network over a picture and give each layer to its reader."""
        weights = {stride: _WeightRows(stride) for stride in self.network.strides.values()}
        with np.errstate(invalid="ignore", divide="ignore"):
            for item in stream(self.network, source):
                if isinstance(item, CoverageRows):
                    for rows in weights.values() if self.recipe.weighted else ():
                        rows.append(item)
                    continue
                own = weights[item.stride].of(item) if self.recipe.weighted else None
                readers[item.layer].add(item, own)


class _WeightRows:
    """Coverage averaged over the pixels behind each position of a layer, while it is needed."""

    def __init__(self, stride: int) -> None:
        self._stride = stride
        self._rows: deque[tuple[int, Coverage]] = deque()

    def append(self, rows: CoverageRows) -> None:
        height, width = rows.coverage.shape
        pooled = position_weights(rows.coverage, (height // self._stride, width // self._stride))
        self._rows.append((rows.row // self._stride, pooled))

    def of(self, piece: Piece) -> Coverage:
        _, y, x = piece.features.shape
        while self._rows and self._rows[0][0] + len(self._rows[0][1]) <= piece.row:
            self._rows.popleft()
        start = self._rows[0][0]
        parts = [rows for row, rows in self._rows if row < piece.row + y]
        whole = parts[0] if len(parts) == 1 else library(parts[0]).concat(parts)
        return whole[piece.row - start : piece.row - start + y, piece.column : piece.column + x]
