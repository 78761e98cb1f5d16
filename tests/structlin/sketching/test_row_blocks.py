"""Matrices read by blocks of rows: every source gives the same bits, once, in little memory."""

import gc
import json
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, strategies as st

from structlin.matrices import Kronecker
from structlin.sketching import Gaussian, RowBlocks, SparseStack, Summand
from structlin.sketching._operand import as_matrix
from structlin.sketching._superblocks import SUPERBLOCK, cut
from structlin.testing import check_operator


class Reader:
    """A reader of one's own, which may fail."""

    def __init__(self, array, fails_at=None):
        self.array, self.fails_at, self.threads = array, fails_at, set()
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, rows):
        self.threads.add(threading.current_thread().name)
        if self.fails_at is not None and rows.stop > self.fails_at:
            raise OSError("the tape broke")
        return self.array[rows]


def mapped(path, array, **kwargs):
    array.tofile(path)
    return np.memmap(path, dtype=array.dtype, mode="r", shape=array.shape, **kwargs)


@pytest.fixture(scope="module")
def matrix():
    # two superblocks, the second not whole
    return np.random.default_rng(3).standard_normal((SUPERBLOCK + 5003, 3))


SKETCHES = {
    "SparseStack": lambda A: SparseStack(24, A.shape[0], rng=1),
    "Gaussian": lambda A: Gaussian(5, A.shape[0], rng=1),
}


@pytest.mark.parametrize("kind", SKETCHES)
@pytest.mark.parametrize("chunk", [997, 4096, 10_000, 10**6])
def test_sketches_do_not_depend_on_chunks(matrix, kind, chunk):
    S = SKETCHES[kind](matrix)
    found = S.apply(RowBlocks(Reader(matrix), chunk=chunk))
    np.testing.assert_array_equal(found, S @ matrix)


@pytest.mark.parametrize("kind", SKETCHES)
@pytest.mark.parametrize("chunk", [1, 7])
def test_few_rows_at_a_time_give_the_same_sketch(kind, chunk):
    A = np.random.default_rng(4).standard_normal((3000, 3))
    S = SKETCHES[kind](A)
    np.testing.assert_array_equal(S.apply(RowBlocks(A, chunk=chunk)), S @ A)


def containers(tmp_path, A):
    h5py, zarr = pytest.importorskip("h5py"), pytest.importorskip("zarr")
    np.save(tmp_path / "A.npy", A)
    stored = zarr.create_array(
        store=str(tmp_path / "A.zarr"), shape=A.shape, chunks=(1000, 2), dtype=A.dtype
    )
    stored[:] = A
    file = h5py.File(tmp_path / "A.h5", "w")
    return {
        "array": A,
        "columns first": np.asfortranarray(A),
        "memmap": mapped(tmp_path / "A.bin", A),
        "npy": tmp_path / "A.npy",
        "opened npy": np.load(tmp_path / "A.npy", mmap_mode="r"),
        "zarr": stored,
        "h5py": file.create_dataset("A", data=A, chunks=(min(700, len(A)), 3)),
        "csr": scipy.sparse.csr_array(A),
        "csc": scipy.sparse.csc_matrix(A),
        "reader": Reader(A),
    }


@pytest.mark.parametrize("kind", SKETCHES)
def test_every_container_gives_the_same_bits(tmp_path, matrix, kind):
    S = SKETCHES[kind](matrix)
    expected = S @ matrix
    for name, source in containers(tmp_path, matrix).items():
        A = RowBlocks(source)
        np.testing.assert_array_equal(S.apply(A), expected, err_msg=name)
        assert (A.passes, A.bytes_read) == (1, matrix.nbytes), name


def test_products_do_not_depend_on_chunks(tmp_path, matrix):
    rng = np.random.default_rng(5)
    X, Y = rng.standard_normal((3, 2)), rng.standard_normal((matrix.shape[0], 2))
    whole = RowBlocks(matrix)
    forward, backward = whole @ X, whole.H @ Y
    np.testing.assert_allclose(forward, matrix @ X, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(backward, matrix.T @ Y, rtol=0, atol=1e-10)
    for source, chunk in [(mapped(tmp_path / "A", matrix), 3001), (Reader(matrix), None)]:
        A = RowBlocks(source, chunk=chunk)
        np.testing.assert_array_equal(A @ X, forward)
        np.testing.assert_array_equal(A.H @ Y, backward)
        np.testing.assert_array_equal(A.todense(), matrix)
        assert A.passes == 3


def test_one_pass_is_one_reading(matrix):
    A = RowBlocks(Reader(matrix))
    S, T = SKETCHES["SparseStack"](matrix), SKETCHES["Gaussian"](matrix)
    X = np.ones((3, 2))
    squares = Summand(lambda: np.zeros(3), lambda total, block, start: total + (block**2).sum(0))
    (Y, Z, found), (product, norms) = A.one_pass(
        [S.summand(A), T.summand(A), squares],
        [lambda block: block @ X, lambda block: np.linalg.norm(block, axis=1)],
    )
    np.testing.assert_array_equal(Y * S.scale, S @ matrix)
    np.testing.assert_array_equal(Z * T.scale, T @ matrix)
    np.testing.assert_allclose(found, (matrix**2).sum(0), rtol=1e-12)
    np.testing.assert_allclose(product, matrix @ X, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(norms, np.linalg.norm(matrix, axis=1), rtol=1e-14)
    assert (A.passes, A.bytes_read) == (1, matrix.nbytes)


@given(
    heights=st.lists(st.integers(0, 9), max_size=12),
    granule=st.sampled_from([1, 2, 4, 8]),
    before=st.integers(0, 3),
)
def test_pieces_are_all_rows_in_order_at_the_granule(heights, granule, before):
    first = SUPERBLOCK - 8 * before  # a superblock ends among the rows
    rows = first + sum(heights)
    data = np.arange(first, rows)[:, None]
    held, start, found = (), first, []
    for height in heights:
        part = data[start - first : start - first + height]
        pieces, held = cut(held, part, start, granule, rows)
        found += pieces
        start += height
    assert held == ()
    place = first
    for where, piece in found:
        assert where == place == piece[0, 0]
        assert where % granule == 0
        assert where // SUPERBLOCK == (where + len(piece) - 1) // SUPERBLOCK
        place += len(piece)
    assert place == rows


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_it_is_an_operator(library, dtype):
    rng = np.random.default_rng(6)
    entries = rng.standard_normal((9, 4))
    if dtype.startswith("complex"):
        entries = entries + 1j * rng.standard_normal((9, 4))
    A = RowBlocks(library.asarray(entries, dtype=dtype), chunk=2)
    assert A.dtype == library.dtype(dtype)
    check_operator(A)
    np.testing.assert_array_equal(library.to_numpy(A.todense()), entries.astype(dtype))
    S = SparseStack(8, 9, rng=0, like=A)
    np.testing.assert_allclose(
        library.to_numpy(S.apply(A)), library.to_numpy(S @ A.source), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(
    ("given", "kept"),
    [("float16", "float32"), ("int8", "float64"), ("bool", "float64"), ("complex64", "complex64")],
)
def test_precision_is_promoted(tmp_path, given, kept):
    entries = np.random.default_rng(7).integers(0, 2, (50, 3)).astype(given)
    A = as_matrix(mapped(tmp_path / "A", entries))
    assert isinstance(A, RowBlocks)
    assert A.dtype == kept
    np.testing.assert_array_equal(A.todense(), entries.astype(kept))
    assert A.bytes_read == entries.nbytes


def test_byte_order_and_layouts_of_maps(tmp_path):
    entries = np.random.default_rng(8).standard_normal((60, 8))
    swapped = mapped(tmp_path / "swapped", entries.astype(">f8"))
    np.testing.assert_array_equal(RowBlocks(swapped).todense(), entries)
    A = mapped(tmp_path / "A", entries)
    written = np.memmap(tmp_path / "A", dtype=float, mode="c", shape=entries.shape)
    written[3] = 1.0
    views = [A[10:50], A[::-1], A[:, 2:], A.T, A[5:6], A[:0], A[:, :0], A[20:][5:], written]
    views.append(np.memmap(tmp_path / "A", dtype=float, mode="r", shape=(8, 60), order="F"))
    views.append(np.memmap(tmp_path / "A", dtype=float, mode="r", shape=(5, 8), offset=640))
    for view in views:
        read = RowBlocks(view, chunk=7)
        np.testing.assert_array_equal(read.todense(), view)
        assert read.shape == view.shape


def test_a_map_whose_file_was_replaced(tmp_path):
    A = mapped(tmp_path / "A", np.ones((50, 3)))
    np.full((50, 3), 2.0).tofile(tmp_path / "B")
    (tmp_path / "B").replace(tmp_path / "A")
    np.testing.assert_array_equal(RowBlocks(A).todense(), 1.0)


def test_npy_by_columns(tmp_path):
    entries = np.asfortranarray(np.random.default_rng(9).standard_normal((20, 3)))
    np.save(tmp_path / "A.npy", entries)
    np.testing.assert_array_equal(RowBlocks(str(tmp_path / "A.npy")).todense(), entries)


def test_operators_and_read_only_arrays_are_sources():
    rng = np.random.default_rng(10)
    K = Kronecker(rng.standard_normal((4, 3)), rng.standard_normal((5, 2)) + 1j)
    np.testing.assert_allclose(RowBlocks(K, chunk=3).todense(), K.todense(), rtol=1e-13)
    entries = rng.standard_normal((40, 3))
    entries.flags.writeable = False
    S = SparseStack(8, 40, rng=0)
    np.testing.assert_array_equal(S.apply(RowBlocks(entries)), S @ entries)
    assert RowBlocks(RowBlocks(entries)).source is entries


@pytest.mark.parametrize("kind", [np.matrix, scipy.sparse.csr_matrix, scipy.sparse.coo_array])
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_readers_may_give_other_matrices(kind):
    class Given(Reader):
        def __getitem__(self, rows):
            return kind(super().__getitem__(rows))

    entries = np.random.default_rng(11).standard_normal((50, 3))
    A = RowBlocks(Given(entries), chunk=20)
    np.testing.assert_array_equal(A @ np.ones(3), RowBlocks(entries) @ np.ones(3))
    assert type(A.todense()) is np.ndarray


def test_a_data_type_may_be_a_class():
    reader = Reader(np.ones((30, 2)))
    reader.dtype = np.float64
    A = RowBlocks(reader)
    np.testing.assert_array_equal(A @ np.ones(2), np.full(30, 2.0))
    assert A.bytes_read == 480


def test_places_beyond_32_bits(tmp_path):
    rows, last = 2**32 + 1000, np.arange(1, 101, dtype=np.int8)
    with open(tmp_path / "A", "wb") as file:  # a hole, but for its end
        file.seek(rows - 100)
        file.write(last.tobytes())
    A = np.memmap(tmp_path / "A", dtype=np.int8, mode="r", shape=(rows, 1))[-300:]
    S = SparseStack(8, rows, rng=0)
    entries = np.zeros((300, 1))
    entries[-100:, 0] = last
    expected = S.block(rows - 300, rows).todense() @ entries
    found = S.apply(RowBlocks(A, chunk=70), row_offset=rows - 300)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (1, 1)])
def test_small_and_empty(tmp_path, shape):
    A = RowBlocks(np.ones(shape))
    m, n = shape
    np.testing.assert_array_equal(A @ np.ones((n, 2)), np.full((m, 2), n))
    np.testing.assert_array_equal(A.H @ np.ones((m, 2)), np.full((n, 2), m))
    assert Gaussian(1, m, rng=0).apply(A).shape == (1, n)


def test_bytes_are_read_once_from_the_file(tmp_path):
    A = mapped(tmp_path / "A", np.ones((20_000, 100)))
    S = SparseStack(8, 20_000, rng=0)
    read = RowBlocks(A)
    S.apply(RowBlocks(A[:10]), row_offset=0)  # compiles
    before = counted()
    S.apply(read)
    assert read.bytes_read == A.nbytes
    if before is not None:
        assert A.nbytes <= counted() - before < 1.01 * A.nbytes


def counted():
    """Return the bytes that this process has asked of files, where the system counts them."""
    try:
        with open("/proc/self/io") as file:
            return int(file.readline().split()[1])
    except OSError:
        return None


MEMORY = """
    import json, sys
    import numpy as np
    from structlin.sketching import RowBlocks, SparseStack

    def memory(what):
        with open("/proc/self/status") as file:
            return next(1024 * int(line.split()[1]) for line in file if line.startswith(what))

    A = np.memmap(sys.argv[1], dtype=float, mode="r", shape=(300_000, 125))
    S = SparseStack(160, 300_000, rng=0)
    S.apply(RowBlocks(np.ones((1000, 125))))  # compiles
    blocks = RowBlocks(A)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak starts anew
    before = memory("VmRSS")
    S.apply(blocks)
    print(json.dumps([memory("VmHWM") - before, blocks.chunk * 1000, S.shape[0] * 1000]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak as Linux tells it")
def test_memory_is_the_sketch_and_two_blocks(tmp_path):
    with open(tmp_path / "A", "wb") as file:  # 300 MB, most of it a hole
        file.truncate(300_000 * 1000)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEMORY), str(tmp_path / "A")],
        capture_output=True,
        text=True,
        check=True,
    )
    grown, chunk, sketch = json.loads(done.stdout)
    assert grown <= 2 * chunk + 4 * sketch + 6e6  # hits of the rows, stacks of threads


def test_two_blocks_are_alive_at_most():
    alive, most = set(), []

    class Block(np.ndarray):
        def __del__(self):
            alive.discard(id(self))

    class Watched(Reader):
        def __getitem__(self, rows):
            block = np.array(super().__getitem__(rows)).view(Block)
            alive.add(id(block))
            most.append(len(alive))
            return block

    S = SparseStack(8, 1000, rng=0)
    gc.collect()
    S.apply(RowBlocks(Watched(np.ones((1000, 4))), chunk=10))
    assert max(most) <= 3  # one used, one ready, one begun


# what goes wrong


@pytest.mark.parametrize("chunk", [1, 16, 1000])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_bad_entry_is_named(tmp_path, chunk, bad):
    entries = np.ones((200, 3))
    entries[137, 2] = bad
    entries[180, 0] = -np.inf
    for source in (entries, mapped(tmp_path / "A", entries)):
        with pytest.raises(ValueError, match=r"A has a NaN or Inf at \[137, 2\]"):
            RowBlocks(source, chunk=chunk) @ np.ones(3)


def test_large_entries_are_no_bad_ones():
    A = np.full((100, 2), 1e308)
    np.testing.assert_array_equal(RowBlocks(A).todense(), A)


@pytest.mark.parametrize("when", ["before", "while it is read"])
def test_a_truncated_file_is_named(tmp_path, when):
    np.save(tmp_path / "A.npy", np.ones((1000, 10)))
    A = np.load(tmp_path / "A.npy", mmap_mode="r")
    blocks = RowBlocks(A, chunk=100)
    with open(tmp_path / "A.npy", "r+b") as file:
        file.truncate(50_000)
    message = r"A\.npy is truncated: .* needs 80128 bytes, the file has 50000"
    with pytest.raises(ValueError, match=message):
        RowBlocks(tmp_path / "A.npy") if when == "before" else blocks.H @ np.ones(1000)
    with pytest.raises(ValueError, match="truncated"):
        RowBlocks(A[:, 1:])


def test_a_reader_that_fails_says_so_and_leaves_no_thread():
    before = threading.active_count()
    reader = Reader(np.ones((1000, 3)), fails_at=500)
    with pytest.raises(OSError, match="the tape broke") as caught:
        RowBlocks(reader, chunk=10) @ np.ones(3)
    assert "rows 500 to 510 of <RowBlocks 1000x3" in caught.value.__notes__[0]
    for _ in RowBlocks(Reader(reader.array), chunk=10).pieces():
        break
    gc.collect()
    assert threading.active_count() == before


def test_a_reader_that_gives_too_little_is_named():
    reader = Reader(np.ones((100, 3)))
    reader.array = reader.array[:55]
    with pytest.raises(ValueError, match="rows 50 to 60 of the source came as 5x3"):
        RowBlocks(reader, chunk=10) @ np.ones(3)


@pytest.mark.parametrize(
    ("said", "given"), [("float64", "complex128"), ("float32", "float64"), ("float32", "int8")]
)
def test_a_reader_that_gives_more_than_it_said_is_named(said, given):
    class Other(Reader):
        def __getitem__(self, rows):
            return super().__getitem__(rows).astype(given if rows.start else said)

    with pytest.raises(TypeError, match=f"rows from 10 on came as .*, but the source said {said}"):
        RowBlocks(Other(np.ones((100, 3), said)), chunk=10) @ np.ones(3)


def test_a_reader_that_gives_no_array_is_named():
    class Lists(Reader):
        def __getitem__(self, rows):
            return super().__getitem__(rows).tolist()

    with pytest.raises(TypeError, match="list is not an array"):
        RowBlocks(Lists(np.ones((3, 3))))


def test_maps_and_granules_are_checked():
    A = RowBlocks(np.ones((30, 3)))
    with pytest.raises(ValueError, match=r"shape \(1, 3\) of 30 rows"):
        A.one_pass(rows=[lambda block: block.sum(0, keepdims=True)])
    with pytest.raises(ValueError, match="granule is 3: it has to divide 65536"):
        Summand(lambda: 0.0, lambda total, block, start: total, granule=3)


def test_a_closed_file_is_named(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "A.h5", "w") as file:
        data = file.create_dataset("A", data=np.ones((30, 3)))
        A = RowBlocks(data)
    with pytest.raises(ValueError, match="HDF5 file of the dataset is closed"):
        RowBlocks(data)
    with pytest.raises(RuntimeError) as caught:
        A @ np.ones(3)
    assert "rows 0 to 30 of <RowBlocks 30x3" in caught.value.__notes__[0]


def test_bad_sources(tmp_path):
    for shape in [(3,), (2, 3, 4)]:
        with pytest.raises(ValueError, match="a matrix"):
            RowBlocks(np.ones(shape))
        with pytest.raises(ValueError, match="a matrix"):
            as_matrix(Reader(np.ones(shape)))
    np.save(tmp_path / "x.npy", np.ones(3))
    with pytest.raises(ValueError, match=r"shape \(3,\): a matrix"):
        RowBlocks(tmp_path / "x.npy")
    (tmp_path / "text").write_text("no numbers here")
    with pytest.raises(ValueError, match=r"text is no \.npy file"):
        RowBlocks(tmp_path / "text")
    with pytest.raises(TypeError, match="list has no shape"):
        RowBlocks([[1.0]])
    with pytest.raises(ValueError, match="chunk is 0"):
        RowBlocks(np.ones((2, 2)), chunk=0)
    with pytest.raises(ValueError, match="granule is 3"):
        next(RowBlocks(np.ones((2, 2))).pieces(3))
    with pytest.raises(TypeError, match="not numeric"):
        RowBlocks(np.array([["a"]]))


def test_what_is_not_in_memory_becomes_row_blocks(tmp_path):
    A = np.ones((30, 3))
    for name, source in containers(tmp_path, A).items():
        if name not in ("array", "columns first", "npy", "csr", "csc"):
            assert isinstance(as_matrix(source), RowBlocks), name


def test_progress(capsys):
    class Slow(Reader):
        def __getitem__(self, rows):
            if rows.start == 20:
                threading.Event().wait(1.1)
            return super().__getitem__(rows)

    RowBlocks(Slow(np.ones((40, 2))), chunk=10, progress="norms") @ np.ones(2)
    assert "norms" in capsys.readouterr().err
    RowBlocks(np.ones((40, 2)), progress=True) @ np.ones(2)
    assert capsys.readouterr().err == ""  # done before anybody looks


def test_its_name_tells_the_source():
    assert (
        repr(RowBlocks(np.ones((4, 2)), chunk=3)) == "<RowBlocks 4x2 float64 = ndarray by 3 rows>"
    )


def test_a_path_is_told_how_it_is_read(tmp_path):
    np.save(tmp_path / "A.npy", np.ones((4, 2)))
    assert "= A.npy by" in repr(RowBlocks(tmp_path / "A.npy"))
    with pytest.raises(TypeError, match=r"A is a path: RowBlocks\(.*A\.npy.*\) reads"):
        as_matrix(tmp_path / "A.npy")
    with pytest.raises(IsADirectoryError, match=r"zarr\.open"):
        RowBlocks(tmp_path)
    np.savez(tmp_path / "A.npz", A=np.ones((4, 2)))
    with pytest.raises(ValueError, match=r"no \.npy file: .*Pass the array of an \.npz file"):
        RowBlocks(tmp_path / "A.npz")
