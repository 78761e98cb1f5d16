"""Where the rows of a matrix come from: memory, files, HDF5, Zarr, dask, or a reader of one's own.

Every source is brought to one form: ``shape``, ``dtype``, and ``rows[start:stop]``.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import array_api_compat as compat
import numpy as np

from structlin._backend import namespace, type_name
from structlin._validation import first_nonfinite, inexact, require_finite
from structlin.matrices import Dense, LinearOperator, Sparse
from structlin.matrices._base import size_text
from structlin.sketching._superblocks import SUPERBLOCK

# what is read at a time, where the user does not say: of whole pieces of a source more, because
# several are decoded at once
_block_bytes, _pieces_bytes = 2**23, 2**25


@runtime_checkable
class RowSource(Protocol):
    """What a matrix has to offer to be read by blocks of rows.

    ``source[start:stop]`` is an array of these rows, ``(stop − start, n)``, or a sparse matrix; an
    empty slice is empty, of the same data type. One other thread asks for rows ahead: what it was
    given must not change afterwards. An attribute ``chunks`` tells, by its first entry, how many
    rows are stored together.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""

    @property
    def dtype(self) -> Any:
        """Data type of the entries."""

    def __getitem__(self, rows: slice) -> Any:
        """Return the rows of a slice as an array."""


class FileRows:
    """Rows of a matrix in a file, row after row without gaps.

    They are read into memory of their own. The pages of a memory map would stay in the memory of
    the process, and a file that was cut short would end the process with a bus error.
    """

    def __init__(self, path: Path, offset: int, shape: tuple[int, ...], dtype: Any) -> None:
        self.path, self.offset, self.shape, self.dtype = path, offset, shape, np.dtype(dtype)
        self.row_bytes = shape[1] * self.dtype.itemsize
        self._require(os.path.getsize(path))

    def __getitem__(self, rows: slice) -> Any:
        start, stop, _ = rows.indices(self.shape[0])
        block = np.empty((stop - start, self.shape[1]), dtype=self.dtype)
        if not block.size:
            return block
        missing = block.reshape(-1).view(np.uint8).data
        position = self.offset + start * self.row_bytes
        with open(self.path, "rb", buffering=0) as file:
            file.seek(position)
            while missing:
                count = file.readinto(missing)
                if not count:
                    self._require(os.path.getsize(self.path))
                    raise ValueError(f"{self.path} gives no bytes at {position}")
                missing = missing[count:]
                position += count
        return block

    def _require(self, found: int) -> None:
        expected = self.offset + self.shape[0] * self.row_bytes
        if found < expected:
            raise ValueError(
                f"{self.path} is truncated: {size_text(self.shape)} {self.dtype} needs {expected} "
                f"bytes, the file has {found}"
            )


class ArrayRows:
    """Rows of an array in memory: views of it."""

    def __init__(self, array: Any) -> None:
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __getitem__(self, rows: slice) -> Any:
        return self.array[rows, :]


class SparseRows:
    """Rows of a sparse matrix, made dense block by block."""

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix.tocsr()
        self.shape, self.dtype = matrix.shape, matrix.dtype

    def __getitem__(self, rows: slice) -> Any:
        return self.matrix[rows].toarray()


class OperatorRows:
    """Rows of a linear operator, made dense block by block."""

    def __init__(self, operator: LinearOperator) -> None:
        self.operator = operator
        self.shape, self.dtype = operator.shape, operator.dtype

    def __getitem__(self, rows: slice) -> Any:
        xp = self.operator.xp
        start, stop, _ = rows.indices(self.shape[0])
        columns = xp.arange(start, stop, device=self.operator.device)
        places = xp.arange(self.shape[0], device=self.operator.device)
        units = xp.astype(places[:, None] == columns[None, :], self.dtype)
        made = xp.matrix_transpose(self.operator.H @ units)
        return xp.conj(made) if self.operator.is_complex else made


class DaskRows:
    """Rows of a dask array, computed block by block by its scheduler."""

    def __init__(self, array: Any) -> None:
        if any(map(math.isnan, array.shape)):
            raise ValueError(
                f"the dask array has shape {array.shape}: call its compute_chunk_sizes() first"
            )
        self.array = array
        self.shape, self.dtype, self.chunks = array.shape, array.dtype, array.chunksize

    def __getitem__(self, rows: slice) -> Any:
        if rows == slice(0, 0):
            return self.array._meta[:0]
        return self.array[rows].compute()


def library(x: Any) -> str:
    """Return the name of the package an object's class comes from."""
    return type(x).__module__.partition(".")[0]


def is_row_source(x: Any) -> bool:
    """Tell whether a matrix is not in memory, so that it has to be read by blocks of rows."""
    if isinstance(x, np.memmap) or library(x) == "dask":
        return True
    known = compat.is_array_api_obj(x) or library(x) in ("scipy", "cupyx") or hasattr(x, "matvec")
    return isinstance(x, RowSource) and not known


def in_memory(rows: Any) -> bool:
    """Tell whether reading takes no time that could be used otherwise."""
    return isinstance(rows, ArrayRows | SparseRows | OperatorRows)


def rows_of(source: Any) -> Any:
    """Return the rows of a source, in the one form.

    Raises
    ------
    TypeError
        If it is no matrix.
    ValueError
        If it has not two dimensions, or its file is too short or closed.
    """
    if isinstance(source, str | os.PathLike):
        return _npy(Path(source))
    if library(source) == "h5py" and not source:
        raise ValueError("the HDF5 file of the dataset is closed: open it first")
    if not hasattr(source, "shape"):
        raise TypeError(
            f"{type(source).__name__} has no shape: pass the path of a .npy file, an array, a "
            "memory map, an HDF5 or Zarr array, a dask array, a sparse matrix, an operator or "
            "a RowSource"
        )
    _require_matrix(source.shape)
    if isinstance(source, np.memmap):
        return _mapped(source)
    if isinstance(source, Dense):
        return ArrayRows(source.array)
    if isinstance(source, Sparse):
        return SparseRows(source.matrix)
    if isinstance(source, LinearOperator):
        return OperatorRows(source)
    if library(source) == "dask":
        return DaskRows(source)
    if hasattr(source, "tocsr"):
        return SparseRows(source)
    if compat.is_array_api_obj(source):
        return ArrayRows(source)
    if not isinstance(source, RowSource):
        raise TypeError(f"{type(source).__name__} is no RowSource: it needs shape, dtype and [:]")
    return source


def _require_matrix(shape: Any) -> None:
    if len(shape) != 2:
        raise ValueError(f"the source has shape {tuple(shape)}: a matrix (m, n) is needed")


def _npy(path: Path) -> Any:
    """Return the rows of a file of NumPy."""
    if path.is_dir():
        raise IsADirectoryError(
            f"{path} is a directory: a path is that of a .npy file; open a Zarr array with "
            "zarr.open and pass that"
        )
    with open(path, "rb") as file:
        try:
            version = np.lib.format.read_magic(file)
            read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
            shape, by_columns, dtype = read[min(version[0], 2)](file)
        except ValueError as error:
            raise ValueError(
                f"{path} is no .npy file: {error}. Pass the array of an .npz file, and the dataset "
                "of an HDF5 file that h5py has opened"
            ) from error
        offset = file.tell()
    _require_matrix(shape)
    rows = FileRows(path, offset, shape, dtype)  # knows whether the file is long enough
    return ArrayRows(np.load(path, mmap_mode="r")) if by_columns and min(shape) > 1 else rows


def _mapped(array: Any) -> Any:
    """Return the rows of a memory map: from its file if they lie there one after the other."""
    whole = array
    while isinstance(whole.base, np.memmap):
        whole = whole.base
    path = whole.filename
    if path is None or not os.path.exists(path):
        return ArrayRows(np.asarray(array))
    FileRows(Path(path), whole.offset, (1, whole.size), whole.dtype)  # the file is long enough
    if not array.flags.c_contiguous or whole.mode == "c":  # written to, but not in the file
        return ArrayRows(np.asarray(array))
    inside = array.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
    rows = FileRows(Path(path), whole.offset + inside, array.shape, array.dtype)
    # another file may have taken the name: ends that differ tell
    same = all(rows[end].tobytes() == array[end].tobytes() for end in (slice(1), slice(-1, None)))
    return rows if same else ArrayRows(np.asarray(array))


def stored_together(rows: Any) -> int:
    """Return how many rows the source stores in one piece."""
    chunks = getattr(rows, "chunks", None)
    return int(chunks[0]) if chunks else 1


def rows_at_a_time(rows: Any, size: int) -> int:
    """Return how many rows of a size in bytes to read at a time: whole pieces of what is stored."""
    size = max(1, size)
    together = stored_together(rows)
    if together > 1:
        return together * max(1, _pieces_bytes // (size * together))
    return int(min(SUPERBLOCK, 2 ** (max(1, _block_bytes // size).bit_length() - 1)))


def row_bytes(columns: int, dtype: Any) -> int:
    """Return the size of a row of entries."""
    return int(columns * np.dtype(type_name(dtype)).itemsize)


def plain(block: Any) -> Any:
    """Return a block of rows as an array: a sparse one dense, NumPy's subclasses plain."""
    if hasattr(block, "toarray"):
        return block.toarray()
    return np.asarray(block) if isinstance(block, np.memmap | np.matrix) else block


def checked(block: Any, start: int, shape: tuple[int, int], dtype: Any) -> Any:
    """Return a block of rows as an array of this shape, in the data type of the matrix.

    Raises
    ------
    ValueError
        If it has another shape; or a NaN or Inf, with its place in the whole matrix.
    TypeError
        If it is no array, or its data type does not fit into that of the matrix.
    """
    block = plain(block)
    xp = namespace(block)
    if tuple(block.shape) != shape:
        raise ValueError(
            f"rows {start} to {start + shape[0]} of the source came as "
            f"{size_text(tuple(block.shape))}, but they are {size_text(shape)}"
        )
    if str(block.dtype).endswith("float16"):
        block = xp.astype(block, xp.float32)
    place = first_nonfinite(block)
    if place is not None:
        i, j = divmod(place, block.shape[1])
        raise ValueError(f"A has a NaN or Inf at [{start + i}, {j}]: every entry must be finite")
    block = inexact(block, xp)
    if xp.result_type(block.dtype, dtype) != dtype:
        raise TypeError(f"rows from {start} on came as {block.dtype}, but the source said {dtype}")
    return xp.astype(block, dtype, copy=False)


def in_type(rows: Any, dtype: Any) -> Any:
    """Return rows of a stream in the data type of its sketch.

    Raises
    ------
    TypeError
        If they are complex, but the sketch is real.
    ValueError
        If an entry is too large for it.
    """
    xp = namespace(rows)
    if rows.dtype == dtype:
        return rows
    if xp.isdtype(rows.dtype, "complex floating") and xp.isdtype(dtype, "real floating"):
        raise TypeError(f"rows are {rows.dtype}, but the sketch is {dtype}: give it their dtype")
    with np.errstate(over="ignore"):
        made = xp.astype(rows, dtype)
    require_finite(f"rows as {dtype}", made)
    return made
