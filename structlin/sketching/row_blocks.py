"""Matrices that are read by blocks of rows: from memory, from disk, or on a cluster."""

from __future__ import annotations

import importlib
import operator
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from structlin._backend import namespace
from structlin.matrices import LinearOperator
from structlin.matrices._base import adjoint_of
from structlin.sketching import _dask
from structlin.sketching._one_pass import Pass, Summand as Summand, sum_and_map
from structlin.sketching._sources import (
    DaskRows,
    checked,
    in_memory,
    plain,
    row_bytes,
    rows_at_a_time,
    rows_of,
)
from structlin.sketching._superblocks import cut, require_granule

# products are made tile by tile: a power of two of rows, of 8 MiB at most
_tile_rows, _tile_bytes = 1024, 2**23


@dataclass
class _Reads:
    passes: int = 0
    bytes: int = 0


class RowBlocks(LinearOperator):
    """A matrix that is read block of rows by block of rows, and never held as a whole.

    Parameters
    ----------
    source : (m, n) matrix
        An array, a memory map, the path of a ``.npy`` file, an `h5py.Dataset`, a `zarr.Array`, a
        `dask.array.Array`, a sparse matrix, an operator, or a reader of your own: anything with
        ``shape``, ``dtype`` and ``source[start:stop]``, a new array of these rows.
    chunk : int, optional
        Rows that are read at a time. By default about 8 MiB, or whole chunks of a source that has
        them, up to 32 MiB or one.
    progress : bool or str
        Whether passes over the matrix show a progress bar, or what stands before it. On dask, its
        own diagnostics do that.

    Attributes
    ----------
    source : object
        As given.
    chunk : int
        Rows that are read at a time.

    Raises
    ------
    ValueError
        If the source has not two dimensions or its file is too short; while it is read, if a block
        has not the shape it should have or an entry is not finite.
    TypeError
        If it is no such source; while it is read, if a block has a data type that does not fit.

    Notes
    -----
    Integers and booleans become float64, half precision becomes single, block by block.

    Files, HDF5, Zarr, dask and readers are read ahead by one other thread: two blocks are in memory
    at a time. A memory map is read through its file, so that its pages do not count as memory of
    the process; views of it with gaps or by columns, and maps with mode ``"c"``, are not.

    Rows are added in one order, whatever the source and the chunks: sketches are the same to the
    last bit. Products ``A @ X`` and ``A.H @ Y`` are made of tiles of at most 1024 rows, whatever
    the chunks; arrays by rows and by columns may differ by rounding.

    On dask, `one_pass` and products run on the scheduler or the cluster that is current. What they
    need travels to the workers, and sums are merged there; ``A @ X`` comes back as an array.

    Examples
    --------
    >>> import numpy as np
    >>> class Squares:
    ...     shape, dtype = (1_000_000, 2), np.dtype(float)
    ...     def __getitem__(self, rows):
    ...         return np.arange(rows.start, rows.stop)[:, None] ** np.array([1.0, 2.0])
    >>> A = RowBlocks(Squares())
    >>> float((A.H @ np.ones(1_000_000))[0]), A.passes, A.bytes_read
    (499999500000.0, 1, 16000000)
    """

    source: Any
    chunk: int

    def __init__(
        self, source: Any, *, chunk: int | None = None, progress: bool | str = False
    ) -> None:
        self.source = source.source if isinstance(source, RowBlocks) else source
        self._rows = rows_of(self.source)
        like = plain(self._rows[0:0])
        xp = namespace(like)
        if getattr(like.dtype, "kind", "f") not in "biufc":
            raise TypeError(f"dtype {like.dtype} is not numeric: pass numbers")
        half = str(like.dtype).endswith("float16")
        super().__init__(self._rows.shape, xp.float32 if half else None, like=like)
        self._stored_row = row_bytes(self.shape[1], like.dtype)
        self.chunk = (
            rows_at_a_time(self._rows, self._stored_row) if chunk is None else operator.index(chunk)
        )
        if self.chunk < 1:
            raise ValueError(f"chunk is {chunk}: at least one row is read at a time")
        self._progress = progress
        self._reads = _Reads()

    @property
    def passes(self) -> int:
        """How often the matrix has been read."""
        return self._reads.passes

    @property
    def bytes_read(self) -> int:
        """How many bytes of entries have been read, in the data type of the source."""
        return self._reads.bytes

    def _formula(self) -> str:
        named = isinstance(self.source, str | os.PathLike)
        source = os.path.basename(self.source) if named else type(self.source).__name__
        return f"{source} by {self.chunk} rows"

    # reading

    def pieces(self, granule: int = 1) -> Iterator[tuple[int, Any]]:
        """Yield the first row of each block, and the block; none crosses a superblock's end.

        Parameters
        ----------
        granule : int
            Blocks start at multiples of it: a divisor of 65 536.

        Raises
        ------
        ValueError
            If an entry is not finite, or a block has not the shape it should have.
        """
        require_granule(granule)
        self._reads.passes += 1
        held: tuple[Any, ...] = ()
        with self._bar() as bar:
            for start, block in self._blocks():
                stop = start + block.shape[0]
                ready, held = cut(held, block, start, granule, self.shape[0])
                del block  # two are alive at most: this one in pieces, and the next
                ready.reverse()
                while ready:
                    yield ready.pop()
                bar.update(stop - start)

    def _blocks(self) -> Iterator[tuple[int, Any]]:
        starts = range(0, self.shape[0], self.chunk)
        if in_memory(self._rows):
            for start in starts:
                yield start, self._read(start)
            return
        with ThreadPoolExecutor(1, "structlin-reader") as reader:
            ahead = [reader.submit(self._read, start) for start in starts[:1]]
            for start in starts:
                if start + self.chunk < self.shape[0]:
                    ahead.append(reader.submit(self._read, start + self.chunk))
                yield start, ahead.pop(0).result()

    def _read(self, start: int) -> Any:
        stop = min(start + self.chunk, self.shape[0])
        try:
            block = self._rows[start:stop]
        except Exception as error:
            error.add_note(f"while rows {start} to {stop} of {self!r} were read")
            raise
        self._reads.bytes += (stop - start) * self._stored_row
        return checked(block, start, (stop - start, self.shape[1]), self.dtype)

    def _bar(self) -> Any:
        tqdm = importlib.import_module("tqdm.auto").tqdm
        return tqdm(
            total=self.shape[0],
            desc=self._progress if isinstance(self._progress, str) else None,
            disable=not self._progress,
            unit="row",
            unit_scale=True,
            delay=1,
        )

    # one reading for all

    def one_pass(
        self,
        sums: Sequence[Summand] = (),
        rows: Sequence[Callable[[Any], Any]] = (),
    ) -> tuple[list[Any], list[Any]]:
        """Return sums over the rows, and arrays of what the rows are mapped to, by one reading.

        Parameters
        ----------
        sums : sequence of Summand
            What is summed.
        rows : sequence of callables
            Each maps a block of rows (r, n) to an array (r, ...), row by row. It is given tiles of
            a height that depends on ``n`` and the data type alone.

        Returns
        -------
        totals : list
            The sums.
        arrays : list of (m, ...) arrays
            What the rows are mapped to.
        """
        work = Pass(tuple(sums), tuple(rows), self._tile)
        if self.shape[0] and isinstance(self._rows, DaskRows):
            self._reads.passes += 1
            self._reads.bytes += self.shape[0] * self._stored_row
            return _dask.sum_and_map(self._rows.array, work, self.dtype)
        empty = self.xp.zeros((0, self.shape[1]), dtype=self.dtype, device=self.device)
        return sum_and_map(work, self.pieces(work.granule), empty, self.shape[0])

    @property
    def _tile(self) -> int:
        fit = max(1, _tile_bytes // max(1, row_bytes(self.shape[1], self.dtype)))
        return int(min(_tile_rows, 2 ** (fit.bit_length() - 1)))

    # products

    def _matmat(self, X: Any) -> Any:
        xp = self.xp
        return self.one_pass(rows=[lambda block: xp.matmul(block, X)])[1][0]

    def _rmatmat(self, X: Any) -> Any:
        xp, tile, where = self.xp, self._tile, self.device
        shape = self.shape[1], X.shape[1]

        def add(Y: Any, block: Any, start: int) -> Any:
            for low in range(0, block.shape[0], tile):
                high = min(low + tile, block.shape[0])
                part = adjoint_of(block[low:high, :], xp)
                Y = Y + xp.matmul(part, X[start + low : start + high, :])
            return Y

        zero = Summand(lambda: xp.zeros(shape, dtype=X.dtype, device=where), add, tile)
        return self.one_pass([zero])[0][0]

    def todense(self) -> Any:
        """Return the matrix as an (m, n) array, by one reading."""
        self._require_formable(*self.shape)
        return self.one_pass(rows=[lambda block: block])[1][0]
