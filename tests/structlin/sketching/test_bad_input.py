"""Every driver meets the same bad and unusual matrices."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

from structlin import sketching as sk

m, n = 120, 6
_rng = np.random.default_rng(5)
TALL = np.round(_rng.standard_normal((m, n)) * 8)
TALL[0, 0] = 1.0  # nonzero, where another entry will stand
SYMMETRIC = TALL[:n].T @ TALL[:n] + 40 * np.eye(n)
b = _rng.standard_normal(m)


def right(A: Any) -> Any:
    """Return a right-hand side for a matrix, or for what is none."""
    return b[: A.shape[0]] if hasattr(A, "shape") else b


# what a driver makes of a matrix: numbers of which a positive multiple of it makes a multiple, of
# this degree; None where the answer is no such thing
tall: dict[str, tuple[Callable[..., Any], int | None]] = {
    "SparseStack": (lambda A, **o: sk.SparseStack(16, m, **o).apply(A), 1),
    "Gaussian": (lambda A, **o: sk.Gaussian(16, m, **o).apply(A), 1),
    "SRCT": (lambda A, **o: sk.SRCT(16, m, **o).apply(A), 1),
    "svd": (lambda A, **o: sk.svd(A, 3, **o).s, 1),
    "svd to a tolerance": (lambda A, **o: sk.svd(A, tol=0.3, **o).s, 1),
    "qb": (lambda A, **o: np.linalg.svd(sk.qb(A, 0.3, **o).B, compute_uv=False), 1),
    "generalized_nystrom": (lambda A, **o: sk.generalized_nystrom(A, 3, **o).s, 1),
    "interpolative": (lambda A, **o: sk.interpolative(A, 3, **o).coefficients, 0),
    "cur": (lambda A, **o: sk.cur(A, 3, **o).columns, 0),
    "qr": (lambda A, **o: abs(sk.qr(A, **o).R), 1),
    "weighted_lowrank": (lambda A, **o: sk.weighted_lowrank(A, 3, **o).operator.todense(), 1),
    "lstsq": (lambda A, **o: sk.lstsq(A, right(A), **o).x, -1),
    "lstsq_uniform": (lambda A, **o: sk.lstsq_uniform(A, right(A), eps=1e3, **o).x, -1),
    "ridge": (lambda A, **o: sk.ridge(A, right(A), 0.0, **o).x, -1),
    "lp_regression": (lambda A, **o: sk.lp_regression(A, right(A), 1.5, **o).x, -1),
    "leverage_scores": (lambda A, **o: sk.leverage_scores(A, **o), 0),
    "lewis_weights": (lambda A, **o: sk.lewis_weights(A, 1.0, **o), 0),
    "volume_sample": (lambda A, **o: sk.volume_sample(A, 8, **o).indices, 0),
    "lstsq_design": (lambda A, **o: sk.lstsq_design(A, 20, **o).sample.indices, 0),
    "norm": (lambda A, **o: float(sk.norm(A, 2, **o)), 1),
    "cond": (lambda A, **o: float(sk.cond(A, **o)), 0),
}
square: dict[str, tuple[Callable[..., Any], int | None]] = {
    "eigh": (lambda A, **o: sk.eigh(A, 3, **o).w, 1),
    "nystrom": (lambda A, **o: sk.nystrom(A, 3, **o).w, 1),
    "nystrom_cg": (lambda A, **o: sk.nystrom_cg(A, right(A), 1.0, **o).x, None),
    "trace": (lambda A, **o: float(sk.trace(A, **o)), 1),
    "diagonal": (lambda A, **o: sk.diagonal(A, **o).value, 1),
    "logdet": (lambda A, **o: float(sk.logdet(A, **o)), None),
    "spectral_density": (lambda A, **o: sk.spectral_density(A, **o).nodes, 1),
}
deterministic: dict[str, tuple[Callable[..., Any], int | None]] = {
    "dct_basis": (lambda A: sk.dct_basis(A, 3).coefficients, 1),
}
drivers = {
    name: (matrix, *driver)
    for table, matrix in ((tall, TALL), (square, SYMMETRIC), (deterministic, TALL))
    for name, driver in table.items()
}
every = pytest.mark.parametrize("name", list(drivers))
seeds = {name: {"rng": 7} for name in (*tall, *square)}


def run(name: str, A: Any) -> Any:
    return drivers[name][1](A, **seeds.get(name, {}))


def close(name: str, found: Any, expected: Any, rtol: float = 1e-8) -> None:
    size = np.max(np.abs(expected), initial=1e-300)
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * size, err_msg=name)


@every
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_entries_that_are_no_numbers_are_named(name, bad):
    A = drivers[name][0].copy()
    A[2, 1] = bad
    for made in (A, np.asfortranarray(A)):
        with pytest.raises(ValueError, match=r"NaN or Inf at \[2, 1\]"):
            run(name, made)
    with pytest.raises(ValueError, match=r"NaN or Inf at \[2, 1\]"):
        run(name, scipy.sparse.csc_array(A))


@every
def test_what_is_no_matrix_is_refused(name):
    A = drivers[name][0]
    with pytest.raises(ValueError, match=r"shape \(2, 2, 2\)"):
        run(name, np.ones((2, 2, 2)))
    with pytest.raises(TypeError, match=r"RowBlocks\('rows.npy'\)"):
        run(name, "rows.npy")
    with pytest.raises(TypeError, match="list is not an array"):
        run(name, A.tolist())


@every
@pytest.mark.parametrize("dtype", ["int64", "int8", "float16"])
def test_integers_and_half_precision_are_promoted(name, dtype):
    A = drivers[name][0]
    if dtype == "int8" and A is SYMMETRIC:
        A = 40 * np.eye(n) + 1
    made = A.astype(dtype)
    wide = made.astype("float32" if dtype == "float16" else "float64")
    expected = run(name, wide)
    found = run(name, made)
    assert np.asarray(found).dtype == np.asarray(expected).dtype
    close(name, found, expected)


@every
def test_booleans_are_numbers(name):
    made = np.eye(n, dtype=bool) if drivers[name][0] is SYMMETRIC else TALL > 3
    close(name, run(name, made), run(name, made.astype(float)), 1e-6)


@every
@pytest.mark.parametrize("view", ["strided", "columns", "negative", "read-only"])
def test_layouts_of_memory_change_nothing(name, view):
    A = drivers[name][0]
    views = {
        "strided": np.repeat(np.repeat(A, 2, axis=0), 3, axis=1)[::2, ::3],
        "columns": np.asfortranarray(A),
        "negative": np.flip(np.flip(A).copy()),
        "read-only": A.copy(),
    }
    views["read-only"].flags.writeable = False
    close(name, run(name, views[view]), run(name, A))


@every
@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "bsr", "dia", "dok", "lil", "csr_matrix"])
def test_sparse_formats_are_those_of_one_matrix(name, kind):
    A = drivers[name][0]
    plain = scipy.sparse.csr_array(A)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a full matrix has many diagonals
        made = scipy.sparse.csr_matrix(A) if kind == "csr_matrix" else plain.asformat(kind)
    close(name, run(name, made), run(name, plain))


@every
def test_operators_answer_or_say_that_they_need_an_adjoint(name):
    A = drivers[name][0]
    lacking = scipy.sparse.linalg.LinearOperator(
        A.shape, matvec=lambda x: A @ x, matmat=lambda X: A @ X, dtype=float
    )
    whole = scipy.sparse.linalg.aslinearoperator(A)
    run(name, whole)
    try:
        found = run(name, lacking)
    except NotImplementedError as error:
        assert "adjoint" in str(error)  # noqa: PT017
    else:
        close(name, found, run(name, whole))


@every
@pytest.mark.parametrize("scale", [2.0**660, 2.0**-660])
def test_units_change_nothing_but_the_unit(name, scale):
    A, _, degree = drivers[name]
    expected = run(name, A)
    found = run(name, A * scale)
    if name == "logdet":
        close(name, found, expected + n * np.log(scale))
        return
    if name == "nystrom_cg":  # its shift keeps the unit
        close(name, A @ found * scale + found, b[:n])
        return
    assert degree is not None
    close(name, found if degree == 0 else found * scale ** (-degree), expected, 1e-6)


@every
def test_the_zero_matrix(name):
    A = np.zeros_like(drivers[name][0])
    refused = {
        "logdet": (np.linalg.LinAlgError, "positive"),
        "volume_sample": (ValueError, "rank|zero"),
        "lstsq_design": (ValueError, "rank|zero"),
    }
    if name in refused:
        error, message = refused[name]
        with pytest.raises(error, match=message):
            run(name, A)
        return
    found = np.asarray(run(name, A))
    if name == "cond":
        assert found == np.inf or np.isnan(found)
    elif name == "nystrom_cg":
        close(name, found, b[:n])
    elif name not in ("cur", "interpolative"):
        np.testing.assert_allclose(found, 0, atol=1e-12)


@every
@pytest.mark.parametrize("rank", [1, 3])
def test_dependent_columns_give_numbers(name, rank):
    if name == "logdet":
        pytest.skip("a singular matrix has no logarithm of its determinant")
    basis = TALL[:, :rank]
    A = basis @ _mix(rank)
    A = A[:n].T @ A[:n] if drivers[name][0] is SYMMETRIC else A
    if name in ("volume_sample", "lstsq_design"):
        run(name, A)
        return
    found = run(name, A)
    assert name == "cond" or np.all(np.isfinite(found))


def _mix(rank: int) -> Any:
    return np.random.default_rng(rank).integers(-3, 4, (rank, n)).astype(float)


@every
def test_complex_matrices(name):
    A = drivers[name][0]
    if name == "lp_regression":
        with pytest.raises(TypeError, match="real"):
            run(name, A * 1j)
        return
    unitary = np.exp(1j * np.arange(A.shape[1]))
    made = unitary[:, None].conj() * A * unitary if A is SYMMETRIC else A * unitary
    found, expected = run(name, made), run(name, A)
    if name in ("svd", "qr", "norm", "leverage_scores", "lewis_weights", "eigh", "trace", "logdet"):
        close(name, found, expected, 1e-6)  # which unitary matrices do not change
    assert np.all(np.isfinite(found))


@pytest.mark.parametrize("name", list(seeds))
def test_seeds(name):
    A, driver, _ = drivers[name]
    one = driver(A, rng=3)
    for same in (3, np.int64(3)):
        assert np.array_equal(driver(A, rng=same), one)
    first, second = (driver(A, rng=np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(first, second)
    driver(A, rng=None)
    if name in ("SparseStack", "Gaussian", "SRCT"):
        for bad in ("three", 2.5, -1):
            with pytest.raises(TypeError, match="rng is"):
                driver(A, rng=bad)


ranks: dict[str, Callable[[int], Any]] = {
    "svd": lambda k: sk.svd(TALL, k, rng=0),
    "generalized_nystrom": lambda k: sk.generalized_nystrom(TALL, k, rng=0),
    "interpolative": lambda k: sk.interpolative(TALL, k, rng=0),
    "cur": lambda k: sk.cur(TALL, k, rng=0),
    "weighted_lowrank": lambda k: sk.weighted_lowrank(TALL, k, rng=0),
    "eigh": lambda k: sk.eigh(SYMMETRIC, k, rng=0),
    "nystrom": lambda k: sk.nystrom(SYMMETRIC, k, rng=0),
}


@pytest.mark.parametrize("name", list(ranks))
def test_ranks_beyond_the_sides_are_refused_by_both_numbers(name):
    with pytest.raises(ValueError, match=rf"rank is {n + 1}.*= {n}"):
        ranks[name](n + 1)
    with pytest.raises(ValueError, match="rank is -1"):
        ranks[name](-1)
    ranks[name](n)
    ranks[name](0)


@every
def test_no_rows_or_no_columns(name):
    if drivers[name][0] is SYMMETRIC:
        shapes = [(0, 0)]
    elif name in ("SparseStack", "Gaussian", "SRCT"):
        shapes = [(m, 0)]
    else:
        shapes = [(0, n), (m, 0), (0, 0)]
    for shape in shapes:
        empty = np.zeros(shape)
        try:
            found = run(name, empty)
        except ValueError as error:
            # it has no such rank or condition, and not as many rows to choose
            text = str(error)
            assert any(word in text for word in ("rank", "k is", "empty", "lie between")), text
        else:
            assert np.all(np.isfinite(found)) or name == "cond"
