"""Mode products equal the plain sums, whichever way they are cut."""

from __future__ import annotations

import functools
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.matrices import Circulant, Dense, Diagonal, Identity, Kronecker, _modes
from structlin.matrices._modes import mode_product, mode_products

# constants that send small tensors down the paths of large ones
CUTS = {
    "as they are": {},
    "pieces": {"_worthwhile": 1, "_piece": 16, "_least": 2},
    "large factors": {"_worthwhile": 1, "_small": 1},
    # a slab has at least the width of one number: 16 bytes times the height
    "slabs": {"_large": 0, "_slab": 2**13},
    "thin slabs": {"_large": 0, "_slab": 2**9, "_height": 2**5},
    "low slabs": {"_large": 0, "_slab": 2**6, "_height": 4},
    "slabs in pieces": {
        "_large": 0,
        "_slab": 2**10,
        "_height": 2**6,
        "_worthwhile": 1,
        "_piece": 16,
        "_least": 2,
    },
    "no runs": {"_large": 0, "_height": 1},
}
DTYPES = ["float32", "float64", "complex64", "complex128"]


@pytest.fixture(params=CUTS)
def cut(request, monkeypatch):
    for name, value in CUTS[request.param].items():
        assert hasattr(_modes, name)
        monkeypatch.setattr(_modes, name, value)


def drawn(rng, shape, dtype):
    x = rng.standard_normal(shape)
    return (x + 1j * rng.standard_normal(shape) if dtype.startswith("c") else x).astype(dtype)


def steps_of(factors, order):
    """Return the steps that apply factors to their axes in this order."""
    sizes = [F.shape[1] for F in factors]
    steps = []
    for axis in order:
        left, right = int(np.prod(sizes[:axis])), int(np.prod(sizes[axis + 1 :]))
        steps.append((factors[axis], left, right))
        sizes[axis] = factors[axis].shape[0]
    return steps


def expected(factors, X):
    """Return the sums ``Σ F₁[i₁, j₁] F₂[i₂, j₂] … X[j₁, j₂, …, k]``, in double precision."""
    matrices = [F.todense().astype(complex) for F in factors]
    d = len(matrices)
    arguments = []
    for axis, matrix in enumerate(matrices):
        arguments += [matrix, [axis, d + axis]]
    return np.einsum(*arguments, X.astype(complex), [*range(d, 2 * d), 2 * d], [*range(d), 2 * d])


def factor(rng, kind, m, n, dtype):
    if kind == "dense":
        return Dense(drawn(rng, (m, n), dtype))
    if kind == "strided":
        return Dense(drawn(rng, (n, 2 * m), dtype).T[::2])
    if kind == "diagonal":
        return Diagonal(drawn(rng, n, dtype))
    if kind == "circulant":
        return Circulant(drawn(rng, n, dtype))
    return Identity(n, dtype=np.dtype(dtype))


@st.composite
def problems(draw):
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    dtype = draw(st.sampled_from(DTYPES))
    d = draw(st.integers(1, 4))
    factors = []
    for _ in range(d):
        kind = draw(st.sampled_from(["dense"] * 3 + ["strided", "diagonal", "circulant", "eye"]))
        m, n = draw(st.integers(1, 6)), draw(st.integers(1, 6))
        real = np.finfo(dtype).dtype.name  # real factors of complex tensors
        own = draw(st.sampled_from([dtype, real]))
        factors.append(factor(rng, kind, m, n, own))
    order = draw(st.permutations(range(d)))
    columns = draw(st.sampled_from([0, 1, 2, 3, 8, 13]))
    X = drawn(rng, (*(F.shape[1] for F in factors), columns), dtype)
    return factors, order, X


@given(problem=problems())
def test_mode_products_are_the_sums(cut, problem):
    factors, order, X = problem
    columns = X.shape[-1]
    kept = X.copy()
    Y = mode_products(
        steps_of(factors, order), X.reshape(math.prod(X.shape[:-1]), columns), columns
    )
    wanted = expected(factors, X)
    assert Y.dtype == X.dtype
    assert Y.size == wanted.size
    size = np.prod([np.linalg.norm(F.todense()) for F in factors]) * np.linalg.norm(X)
    off = np.linalg.norm(Y.reshape(wanted.shape) - wanted)
    assert off <= 50 * np.finfo(X.dtype).eps * size
    np.testing.assert_array_equal(X, kept)
    assert not np.shares_memory(Y, X) or all(isinstance(F, Identity) for F in factors)


@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_blocks_in_any_memory_order(cut, rng, order):
    A, B = Dense(rng.standard_normal((5, 4))), Dense(rng.standard_normal((3, 6)))
    X = rng.standard_normal((24, 10))
    X = X[:, ::2] if order == "strided" else np.asarray(X, order=order)
    Y = Kronecker(A, B) @ X
    np.testing.assert_allclose(Y, np.kron(A.array, B.array) @ X, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("left", "right"), [(1, 1), (1, 7), (7, 1), (3, 5), (0, 4), (4, 0)])
def test_one_mode(library, rng, left, right):
    A, X = rng.standard_normal((3, 4)), rng.standard_normal((left, 4, right))
    Y = mode_product(Dense(library.asarray(A)), library.asarray(X), left, right)
    Y = library.to_numpy(Y).reshape(left, 3, right)
    np.testing.assert_allclose(Y, np.einsum("mn,lnr->lmr", A, X), rtol=0, atol=1e-13)


def test_other_libraries_give_the_same(library, rng):
    arrays = [rng.standard_normal(shape) for shape in [(2, 3), (4, 2), (3, 3)]]
    X = rng.standard_normal((3, 2, 3, 5))
    factors = [Dense(library.asarray(A)) for A in arrays]
    Y = mode_products(steps_of(factors, [1, 2, 0]), library.asarray(X), 5)
    wanted = expected([Dense(A) for A in arrays], X)
    np.testing.assert_allclose(
        library.to_numpy(Y).reshape(wanted.shape), wanted.real, rtol=0, atol=1e-12
    )


def test_slabs_need_no_more_memory(rng):
    # 16 MiB go through three modes: the input, the output, and less than a third tensor between
    factors = [Dense(rng.standard_normal((16, 16))) for _ in range(3)]
    X = rng.standard_normal((16**3, 512))
    A = Kronecker(*factors)
    _ = A @ X[:, :1]
    assert X.nbytes > _modes._large
    tracemalloc.start()
    Y = A @ X
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2.5 * X.nbytes
    wanted = functools.reduce(np.kron, [F.array for F in factors[:2]])
    part = np.einsum("ij,jkc,lk->ilc", wanted, X[:, :3].reshape(256, 16, 3), factors[2].array)
    np.testing.assert_allclose(Y[:, :3], part.reshape(-1, 3), rtol=0, atol=1e-10)
