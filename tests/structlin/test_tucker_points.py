"""Values of Tucker functions at points: the plain body against sums by hand, and its CPU twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin._backend import kernel, namespace
from structlin._kernels import tucker_points
from structlin.bases import Chebyshev, Fourier

pytest.importorskip("numba")
compiled = kernel(namespace(np.empty(0)), tucker_points.values)


def random_function(rng, ranks, lengths, periodic, dtype=np.float64):
    core = rng.standard_normal(ranks).astype(dtype)
    factors = [
        rng.standard_normal(shape).astype(dtype) for shape in zip(lengths, ranks, strict=True)
    ]
    bases = [Fourier(-2, 1) if wave else Chebyshev(-2, 1) for wave in periodic]
    return core, factors, bases


def sums(core, factors, bases, points):
    """Return the values and the sums of the sizes of their terms, by the definition."""
    total, size = core.astype(np.float64), np.abs(core).astype(np.float64)
    rows = []
    for U, basis, x in zip(factors, bases, points, strict=True):
        degrees = np.arange(len(U))
        if basis.periodic:
            angles = 2 * np.pi * (x - basis.low) / (basis.high - basis.low)
            waves = [np.sin, np.cos]
            V = np.stack([waves[k % 2]((k + 1) // 2 * angles) for k in degrees], axis=1)
            V[:, :1] = 1
        else:
            t = (2 * x - basis.low - basis.high) / (basis.high - basis.low)
            V = np.cos(degrees * np.arccos(np.clip(t, -1, 1))[:, None])
        rows.append(V @ U)
    letters = "abcdef"[: len(rows)]
    formula = ",".join([letters, *(f"p{k}" for k in letters)]) + "->p"
    return (
        np.einsum(formula, total, *rows, optimize=True),
        np.einsum(formula, size, *(np.abs(row) for row in rows), optimize=True),
    )


shapes = st.lists(
    st.tuples(st.integers(1, 9), st.integers(1, 12), st.booleans()), min_size=1, max_size=5
)


@given(
    shapes=shapes,
    N=st.sampled_from([0, 1, 31, 33, 300]),
    single=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_twin_and_plain_body_are_the_sum(shapes, N, single, seed):
    rng = np.random.default_rng(seed)
    ranks, lengths, periodic = zip(*shapes, strict=True)
    dtype = np.float32 if single else np.float64
    core, factors, bases = random_function(rng, ranks, lengths, periodic, dtype)
    points = rng.uniform(-2, 1, (len(ranks), N))
    exact, size = sums(core, factors, bases, points)
    for values in (tucker_points.values, compiled):
        out = values(core, factors, bases, points)
        assert out.dtype == dtype
        # roundings of the recurrences grow with the square of the degree at the ends
        error = np.abs(out - exact)
        assert np.all(error <= 50 * max(lengths) * np.finfo(dtype).eps * size)


def test_twin_takes_any_layout():
    rng = np.random.default_rng(1)
    core, factors, bases = random_function(rng, (3, 4, 5), (6, 7, 8), (False, True, False))
    points = rng.uniform(-2, 1, (40, 3)).T
    expected = compiled(core, factors, bases, np.ascontiguousarray(points))
    strided = np.asfortranarray(core), [U.T.copy().T for U in factors], bases, points
    assert np.array_equal(compiled(*strided), expected)
    backwards = core[::-1], [factors[0][:, ::-1], *factors[1:]], bases, points
    assert np.allclose(compiled(*backwards), expected, rtol=1e-12, atol=1e-12)


def test_twin_gives_a_point_the_same_bits_alone_and_in_threads(monkeypatch):
    from structlin._kernels import threads

    rng = np.random.default_rng(2)
    arguments = random_function(rng, (6, 5, 7), (20, 9, 12), (False, True, False))
    points = rng.uniform(-2, 1, (3, 1000))
    alone = np.concatenate([compiled(*arguments, points[:, [k]]) for k in range(0, 1000, 97)])
    together = compiled(*arguments, points)
    assert np.array_equal(together[::97], alone)
    monkeypatch.setattr(threads, "_worthwhile", 0)
    for count in (1, 2, 3):
        monkeypatch.setattr(threads.numba, "get_num_threads", lambda count=count: count)
        assert np.array_equal(compiled(*arguments, points), together)


def test_functions_of_many_coefficients_stay_accurate():
    rng = np.random.default_rng(3)
    decay = np.exp(-0.05 * np.arange(300))[:, None]
    core = rng.standard_normal((3, 4))
    factors = [rng.standard_normal((300, r)) * decay for r in core.shape]
    bases = [Chebyshev(-2, 1), Fourier(-2, 1)]
    points = rng.uniform(-2, 1, (2, 500))
    points[:, :3] = [[-2, 1, -0.5]] * 2
    exact, _ = sums(core, factors, bases, points)
    for values in (tucker_points.values, compiled):
        out = values(core, factors, bases, points)
        assert np.max(np.abs(out - exact)) <= 1e-13 * np.max(np.abs(exact))


@pytest.mark.parametrize("empty", [((0, 3), (4, 5)), ((2, 3), (0, 5)), ((2, 0), (4, 5))])
def test_nothing_sums_to_zero(empty):
    ranks, lengths = empty
    arguments = random_function(np.random.default_rng(4), ranks, lengths, (False, True))
    points = np.zeros((2, 40))
    assert np.array_equal(compiled(*arguments, points), np.zeros(40))
    assert np.array_equal(tucker_points.values(*arguments, points), np.zeros(40))
