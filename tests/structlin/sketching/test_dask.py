"""Passes over dask arrays: the bits of an array, on threads, processes, and dying workers."""

import os
import signal
import threading
import warnings

import numpy as np
import pytest
import scipy.sparse

from structlin.sketching import Gaussian, RowBlocks, SparseStack
from structlin.sketching._operand import as_matrix
from structlin.sketching._superblocks import SUPERBLOCK

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")


@pytest.fixture(scope="module")
def matrix():
    return np.random.default_rng(3).standard_normal((2 * SUPERBLOCK + 5003, 4))


CHUNKS = {
    "one": -1,
    "uneven": ((1, 6999, 60_000, 3, 69_072), 4),
    "by columns": (50_000, (1, 2, 1)),
}


@pytest.mark.parametrize("chunks", CHUNKS)
@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_sketches_have_the_bits_of_an_array(matrix, chunks, scheduler):
    A = RowBlocks(da.from_array(matrix, chunks=CHUNKS[chunks]))
    sketches = [SparseStack(24, A.shape[0], rng=1), Gaussian(3, A.shape[0], rng=1)]
    X, plain = np.ones((4, 2)), RowBlocks(matrix)
    with dask.config.set(scheduler=scheduler):
        totals, (product,) = A.one_pass([S.summand(A) for S in sketches], [lambda rows: rows @ X])
        np.testing.assert_array_equal(A.H @ matrix[:, :1], plain.H @ matrix[:, :1])
    for S, total in zip(sketches, totals, strict=True):
        np.testing.assert_array_equal(total * S.scale, S @ matrix)
    np.testing.assert_array_equal(product, plain @ X)
    assert (A.passes, A.bytes_read) == (2, 2 * matrix.nbytes)


def test_pieces_come_one_by_one(matrix):
    A = as_matrix(da.from_array(matrix, chunks=30_000))
    assert isinstance(A, RowBlocks)
    np.testing.assert_array_equal(np.concatenate([block for _, block in A.pieces(8)]), matrix)


@pytest.mark.parametrize(
    ("given", "kept"), [("float16", "float32"), ("int8", "float64"), ("complex64", "complex64")]
)
def test_precision(given, kept):
    entries = np.arange(60).reshape(20, 3).astype(given)
    A = RowBlocks(da.from_array(entries, chunks=(7, 2)))
    assert A.dtype == kept
    found = A.todense()
    assert found.dtype == kept
    np.testing.assert_array_equal(found, entries.astype(kept))


def test_empty_and_unknown():
    A = RowBlocks(da.zeros((0, 3)))
    assert (A @ np.ones(3)).shape == (0,)
    x = da.from_array(np.arange(12.0).reshape(4, 3), chunks=2)
    with pytest.raises(ValueError, match=r"call its compute_chunk_sizes\(\) first"):
        RowBlocks(x[x[:, 0] > 2])
    with pytest.raises(ValueError, match="a matrix"):
        as_matrix(da.zeros(3))


def test_what_goes_wrong_in_a_block():
    entries = np.ones((100, 3))
    entries[61, 1] = np.nan
    with pytest.raises(ValueError, match=r"A has a NaN or Inf at \[61, 1\]"):
        RowBlocks(da.from_array(entries, chunks=30)) @ np.ones(3)

    def break_down(block):
        if len(block):
            raise OSError("the disk is gone")
        return block

    broken = da.ones((100, 3), chunks=30).map_blocks(break_down, meta=np.empty((0, 0)))
    with pytest.raises(OSError, match="the disk is gone"):
        RowBlocks(broken).H @ np.ones(100)


def test_blocks_that_are_not_what_was_said():
    x = da.ones((100, 3), chunks=30)
    for change, error, message in [
        (lambda block: block[:, :1], ValueError, "rows 0 to 30 of the source came as 30x1"),
        (lambda block: block[:-1], ValueError, "rows 0 to 30 of the source came as 29x3"),
        (lambda block: block + 1j, TypeError, "came as complex128, but the source said float64"),
    ]:
        A = RowBlocks(x.map_blocks(change, meta=np.empty((0, 0))))
        with pytest.raises(error, match=message):
            A.H @ np.ones(100)


def test_sparse_blocks(matrix):
    A = RowBlocks(da.from_array(matrix, chunks=(30_000, -1)).map_blocks(scipy.sparse.csr_array))
    S = SparseStack(24, A.shape[0], rng=1)
    np.testing.assert_array_equal(S.apply(A), S @ matrix)
    np.testing.assert_array_equal(np.concatenate([block for _, block in A.pieces()]), matrix)


@pytest.fixture(scope="module")
def client():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client


@pytest.mark.filterwarnings("ignore")  # of what dask loses when workers die
def test_a_cluster_whose_worker_dies(matrix, client, tmp_path):
    S = SparseStack(24, matrix.shape[0], rng=1)

    def slowly(block):
        if len(block):
            (tmp_path / str(os.getpid())).touch()
            threading.Event().wait(0.05)
        return block

    A = da.from_array(matrix, chunks=(7000, 4)).map_blocks(slowly, meta=np.empty((0, 0)))
    before = set(client.run(os.getpid).values())
    assert len(before) == 2
    done, killed = threading.Event(), []

    def kill():
        while not done.wait(0.01):
            working = [int(path.name) for path in tmp_path.iterdir()]
            if len(working) == 2:  # both have begun
                os.kill(working[0], signal.SIGKILL)
                killed.append(working[0])
                return

    killer = threading.Thread(target=kill)
    killer.start()
    found = S.apply(RowBlocks(A))
    done.set()
    killer.join()
    assert set(killed) <= before
    assert killed
    np.testing.assert_array_equal(found, S @ matrix)
