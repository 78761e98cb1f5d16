"""Cross approximation: accuracy against the entries themselves, honest reports, bad input."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from structlin._errors import ConvergenceWarning
from structlin.tensors import tt_cross


def on_grid(f: Any, n: int) -> Any:
    """Return the entries ``f(x_i, x_j, …)`` at Chebyshev points, a function of indices."""
    x = np.cos(np.pi * np.arange(n) / (n - 1))
    return lambda places: f(x[places])


FUNCTIONS = {
    "1/(1+Σx²)": lambda x: 1 / (1 + np.sum(x**2, axis=1)),
    "1/(1+25Σx²)": lambda x: 1 / (1 + 25 * np.sum(x**2, axis=1)),
    "cos Σx": lambda x: np.cos(np.sum(x, axis=1)),
    "narrow": lambda x: np.exp(-25 * np.sum((x - 0.3) ** 2, axis=1)),
    "two peaks": lambda x: (
        np.exp(-25 * np.sum((x - 0.3) ** 2, axis=1)) + np.exp(-25 * np.sum((x + 0.6) ** 2, axis=1))
    ),
    "exp(-r)": lambda x: np.exp(-np.sqrt(np.sum(x**2, axis=1) + 0.01)),
    "tanh Σx": lambda x: np.tanh(np.sum(x, axis=1)),
    "complex": lambda x: np.exp(1j * np.sum(x, axis=1)) / (x.shape[1] + 1 + np.sum(x, axis=1)),
}


def error(found: Any, entries: Any, shape: tuple[int, ...], count: int = 3000) -> float:
    """Return the largest error at random places and corners, relative to the largest entry."""
    places = np.random.default_rng(123).integers(0, shape, (count, len(shape)))
    places[:20] = np.where(places[:20] % 2, 0, np.array(shape) - 1)
    wanted = entries(places)
    return float(np.max(np.abs(found.tensor.at(places) - wanted)) / np.max(np.abs(wanted)))


@pytest.mark.parametrize("name", list(FUNCTIONS))
@pytest.mark.parametrize("tol", [1e-6, 1e-12])
def test_within_ten_times_the_tolerance(name: str, tol: float) -> None:
    # fixed seeds; the narrow functions are seen by few of the random places of `error`
    for seed, d in ((0, 5), (1, 4)):
        shape, entries = (24,) * d, on_grid(FUNCTIONS[name], 24)
        found = tt_cross(entries, shape, tol=tol, rng=seed)
        assert found.converged
        assert found.error_estimate <= tol
        largest = np.max(np.abs(entries(np.stack([np.arange(24)] * d, axis=1))))
        places = np.random.default_rng(seed).integers(0, shape, (3000, d))
        gap = np.abs(found.tensor.at(places) - entries(places))
        assert np.max(gap) <= 10 * tol * max(largest, np.max(np.abs(entries(places))))
        assert found.evaluations < 24**5 / 20


def test_evaluations_are_counted_and_few() -> None:
    seen = 0

    def entries(places: Any) -> Any:
        nonlocal seen
        seen += len(places)
        return FUNCTIONS["cos Σx"](places / 20)

    found = tt_cross(entries, (20,) * 8, tol=1e-10, rng=0)
    assert found.evaluations == seen < 5000
    assert found.tensor.ranks == (2,) * 7
    assert found.iterations == 1


def test_the_key_makes_the_result_again() -> None:
    entries = on_grid(FUNCTIONS["1/(1+Σx²)"], 10)
    one = tt_cross(entries, (10,) * 4, tol=1e-8, rng=np.random.default_rng(3))
    two = tt_cross(entries, (10,) * 4, tol=1e-8, rng=one.seed)
    for a, b in zip(one.tensor.cores, two.tensor.cores, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_any_scale(scale: float) -> None:
    f = FUNCTIONS["exp(-r)"]
    entries = on_grid(lambda x: scale * f(x), 12)
    found = tt_cross(entries, (12,) * 4, tol=1e-9, rng=0)
    assert found.converged
    assert error(found, entries, (12,) * 4) <= 1e-8


@pytest.mark.parametrize("shape", [(7,), (1,), (1, 1, 1), (2, 1, 3), (2,) * 12, (300, 2), (2, 300)])
def test_small_and_uneven_shapes(shape: tuple[int, ...]) -> None:
    def entries(places: Any) -> Any:
        return 1 / (1.0 + np.sum(places, axis=1))

    found = tt_cross(entries, shape, tol=1e-11, rng=0)
    assert found.tensor.shape == shape
    assert error(found, entries, shape) <= 1e-10


def test_zero_and_constants() -> None:
    zero = tt_cross(lambda places: np.zeros(len(places)), (5, 6, 7), rng=0)
    assert zero.converged
    assert zero.error_estimate == 0
    assert zero.tensor.norm() == 0
    assert zero.tensor.ranks == (1, 1)
    one = tt_cross(lambda places: np.full(len(places), 3), (5, 6, 7), rng=0)
    np.testing.assert_allclose(one.tensor.full(), 3.0, rtol=1e-14)
    assert one.tensor.ranks == (1, 1)


def test_array_libraries(library: Any) -> None:
    for dtype, tol in (("float32", 1e-4), ("float64", 1e-9), ("complex128", 1e-9)):
        f = FUNCTIONS["complex" if dtype.startswith("complex") else "1/(1+Σx²)"]

        def entries(places: Any, f: Any = f, dtype: str = dtype) -> Any:
            return f(places / 10).astype(dtype)

        found = tt_cross(lambda i, of=entries: library.asarray(of(i)), (8, 9, 10), tol=tol, rng=1)
        assert found.converged
        assert found.tensor.dtype == library.dtype(dtype)
        wanted = entries(np.indices((8, 9, 10)).reshape(3, -1).T)
        gap = library.to_numpy(found.tensor.full()).ravel() - wanted
        assert np.max(np.abs(gap)) <= 10 * tol * np.max(np.abs(wanted))


def noise(places: Any) -> Any:
    """Return values without any structure, the same ones at the same places."""
    mixed = np.sin(places @ (1 + np.arange(places.shape[1])) ** 3 * 12.9898 + 78.233) * 43758.5453
    return mixed - np.floor(mixed)


def test_noise_is_not_hidden() -> None:
    with pytest.warns(ConvergenceWarning, match="max_rank=12"):
        found = tt_cross(noise, (15,) * 5, tol=1e-6, rng=0, max_rank=12)
    assert not found.converged
    assert max(found.tensor.ranks) <= 12
    assert found.error_estimate > 0.05
    assert found.evaluations < 10**5


def test_too_few_sweeps_are_reported() -> None:
    entries = on_grid(FUNCTIONS["1/(1+25Σx²)"], 30)
    with pytest.warns(ConvergenceWarning, match="max_sweeps=1"):
        found = tt_cross(entries, (30,) * 6, tol=1e-13, rng=0, max_sweeps=1)
    assert not found.converged
    assert found.iterations == 1


def test_memory_guard() -> None:
    with pytest.raises(MemoryError, match="lower max_rank"):
        tt_cross(noise, (40,) * 5, tol=1e-6, rng=0, max_bytes=10**5)


def test_nothing_is_warned_where_all_is_well() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = tt_cross(on_grid(FUNCTIONS["exp(-r)"], 9), (9,) * 3, tol=1e-7, rng=0)
    assert found.converged


def with_nan(places: Any) -> Any:
    return np.where(places[:, 1] == 2, np.nan, 1.0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tt_cross(with_nan, (4, 4, 4), rng=0), ValueError, r"index \(\d, 2, \d\)"),
        (lambda: tt_cross(lambda i: np.ones(3), (4, 4), rng=0), ValueError, r"shape \(3,\)"),
        (lambda: tt_cross(lambda i: 1.0, (4, 4), rng=0), TypeError, "no array"),
        (lambda: tt_cross(noise, (), rng=0), ValueError, "one axis or more"),
        (lambda: tt_cross(noise, (3, 0), rng=0), ValueError, "of length 1 or more"),
        (lambda: tt_cross(noise, (3, 3), tol=1e-20, rng=0), ValueError, "larger tol"),
        (lambda: tt_cross(noise, (3, 3), tol=np.nan, rng=0), ValueError, "larger tol"),
        (lambda: tt_cross(noise, (3, 3), max_rank=0, rng=0), ValueError, "max_rank is 0"),
        (
            lambda: tt_cross(lambda i: noise(i).astype("f4"), (3, 3), tol=1e-12, rng=0),
            ValueError,
            "float32 values hold",
        ),
    ],
)
def test_what_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
