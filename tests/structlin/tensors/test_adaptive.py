"""Functions built from callables: true errors, honest reports, and every kind of bad function."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from numpy.polynomial import chebyshev
from scipy.special import j0

from structlin._errors import ConvergenceError, ConvergenceWarning
from structlin.tensors import ChebTucker, Fourier, TensorTrain, chebtucker

CUBE = [(-1.0, 1.0)] * 3
Function = Callable[..., Any]


def square(*x: Any) -> Any:
    return sum(t * t for t in x)


def wagon(x: Any, y: Any, z: Any) -> Any:
    waves = np.sin(60 * np.exp(y)) * np.sin(60 * z) + np.sin(70 * np.sin(x)) * np.cos(10 * z)
    others = np.sin(np.sin(80 * y)) - np.sin(10 * (x + z)) + square(x, y, z) / 4
    return np.exp(np.sin(50 * x)) + waves + others


SMOOTH: dict[str, Function] = {
    "runge": lambda x, y, z: 1 / (1 + 25 * square(x, y, z)),
    "slater": lambda x, y, z: np.exp(-np.sqrt(square(x, y, z) + 0.01)),
    "tanh5": lambda x, y, z: np.tanh(5 * (x + z)) * np.exp(y),
    "cos20": lambda x, y, z: np.cos(20 * (x + y + z)),
    "newton": lambda x, y, z: 1 / np.sqrt(square(x, y, z) + 0.01),
    "sech2": lambda x, y, z: 1 / np.cosh(3 * (x + y + z)) ** 2,
    "bessel": lambda x, y, z: j0(10 * np.sqrt(square(x, y, z))),
    "log": lambda x, y, z: np.log(
        x + y * z + np.exp(x * y * z) + np.cos(np.sin(np.exp(x * y * z)))
    ),
    "rational": lambda x, y, z: 1 / (x + y + z + 3.3),
    "exp": lambda x, y, z: np.exp(x * y * z),
    "tanh3": lambda x, y, z: np.tanh(3 * (x + y + z)),
    "wagon": wagon,
    "separable": lambda x, y, z: np.tanh(10 * (x + y)) * np.cos(z),
}
EVERY_TIME = ("runge", "tanh5", "cos20", "bessel", "exp", "wagon")


def probes(count: int, domain: Any) -> Any:
    """Return random points, half of them denser towards the faces, and the corners."""
    d = len(domain)
    t = np.random.default_rng(12345).random((d, count))
    t[:, ::2] = np.sin(np.pi / 2 * t[:, ::2]) ** 2
    t = np.concatenate([t, np.array(list(itertools.product((0.0, 1.0), repeat=d))).T], axis=1)
    low, high = np.array(domain).T
    return low[:, None] * (1 - t) + high[:, None] * t


def error(found: ChebTucker, f: Function, count: int = 10_000) -> float:
    x = probes(count, found.domain)
    exact = f(*x)
    largest = np.max(np.abs(exact))
    return float(np.max(np.abs(found(*x) / largest - exact / largest)))


@pytest.mark.parametrize("tol", [1e-6, 1e-12])
@pytest.mark.parametrize("name", EVERY_TIME)
def test_within_ten_times_the_tolerance(name: str, tol: float) -> None:
    found = chebtucker(SMOOTH[name], CUBE, tol=tol, rng=7)
    assert found.converged
    assert found.error_estimate <= tol
    assert error(found, SMOOTH[name]) <= max(10 * tol, 1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("tol", [1e-6, 1e-12])
@pytest.mark.parametrize("name", list(SMOOTH))
def test_within_ten_times_the_tolerance_for_many_seeds(name: str, tol: float) -> None:
    for seed in range(200, 210):
        found = chebtucker(SMOOTH[name], CUBE, tol=tol, rng=seed)
        assert found.converged
        assert error(found, SMOOTH[name], 100_000) <= max(10 * tol, 1e-13)


@hypothesis.given(st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 3), st.booleans())
def test_polynomials_of_low_rank_are_found(seed: int, d: int, rank: int, is_complex: bool) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(rank, 12, d)
    core = rng.standard_normal((rank,) * d) + 1j * is_complex * rng.standard_normal((rank,) * d)
    core = core if is_complex else core.real
    factors = [rng.standard_normal((n, rank)) for n in sizes]
    domain = [(low, low + width) for low, width in rng.uniform(0.1, 3, (d, 2))]
    wanted = ChebTucker(core, factors, domain)
    found = chebtucker(wanted, domain, tol=1e-11, rng=seed)
    assert found.converged
    assert all(r <= rank for r in found.ranks)
    assert all(n <= size - 1 for n, size in zip(found.degrees, sizes, strict=True))
    assert error(found, wanted, 200) < 1e-10


def test_evaluations_are_all_counted() -> None:
    seen = 0

    def f(x: Any, y: Any, z: Any) -> Any:
        nonlocal seen
        seen += x.size
        return 1 / (3.3 + x + y + z)

    found = chebtucker(f, CUBE, rng=0)
    assert found.evaluations == seen
    assert seen < 33**3 / 2


def test_few_evaluations_of_waves_of_low_rank() -> None:
    found = chebtucker(SMOOTH["cos20"], CUBE, rng=1)
    assert found.ranks == (2, 2, 2)
    assert found.evaluations < 1500


def test_the_seed_decides() -> None:
    first, again, other = (chebtucker(SMOOTH["exp"], CUBE, rng=seed) for seed in (3, 3, 4))
    assert first.report.seed == 3
    assert first.evaluations == again.evaluations
    np.testing.assert_array_equal(first.core, again.core)
    assert other.evaluations != first.evaluations
    drawn = chebtucker(SMOOTH["exp"], CUBE)
    repeated = chebtucker(SMOOTH["exp"], CUBE, rng=drawn.report.seed)
    np.testing.assert_array_equal(drawn.core, repeated.core)


@pytest.mark.parametrize("d", [1, 2, 4])
def test_other_numbers_of_variables(d: int) -> None:
    domain = [(-1.0, 1.0 + k) for k in range(d)]
    f = lambda *x: 1 / (1 + square(*x))  # noqa: E731
    found = chebtucker(f, domain, tol=1e-10, rng=0)
    assert found.ndim == d
    assert error(found, f) < 1e-9


@pytest.mark.parametrize("d", [5, 6])
def test_many_variables(d: int) -> None:
    f = lambda *x: 1 / (1 + square(*x))  # noqa: E731
    found = chebtucker(f, [(-1, 1)] * d, tol=1e-9, rng=0)
    assert found.converged
    assert found.evaluations < 61_000
    assert isinstance(found.core, TensorTrain)
    assert error(found, f, 5000) < 1e-8


def test_periodic_axes() -> None:
    f = lambda x, y: np.exp(np.sin(2 * np.pi * x) * y) + np.cos(40 * np.pi * x)  # noqa: E731
    found = chebtucker(f, [Fourier(0, 1), (-2, 1)], rng=0)
    assert found.bases[0].periodic
    assert error(found, f) < 1e-11
    np.testing.assert_allclose(found(1.3, 0.5), found(0.3, 0.5), rtol=1e-12)


@pytest.mark.parametrize("name", ["real", "complex"])
def test_array_libraries(library: Any, name: str) -> None:
    xp = library.xp

    def f(x: Any, y: Any) -> Any:
        values = xp.cos(3 * x * y) + x
        return values if name == "real" else xp.exp(1j * values)

    domain = library.asarray([[-1.0, 1.0], [0.0, 2.0]])
    found = chebtucker(f, domain, tol=1e-9, rng=0)
    assert found.xp is library.xp or found.xp.__name__.endswith(library.name)
    assert found.converged
    x = probes(100, found.domain)
    values = library.to_numpy(found(*(library.asarray(t) for t in x)))
    inner = np.cos(3 * x[0] * x[1]) + x[0]
    exact = inner if name == "real" else np.exp(1j * inner)
    assert np.max(np.abs(values - exact)) < 1e-7


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_scales(scale: float) -> None:
    f = lambda x, y, z: scale * np.cos(x + y * z)  # noqa: E731
    found = chebtucker(f, CUBE, tol=1e-10, rng=0)
    assert found.converged
    assert error(found, f) < 1e-9


def test_scales_that_do_not_fit_the_precision() -> None:
    with pytest.raises(ValueError, match="whose sums overflow: scale it"):
        chebtucker(lambda x: 1.7e308 * np.cos(x), [(-1, 1)])
    for scale in (1e-310, 5e-324):
        with pytest.warns(ConvergenceWarning):
            found = chebtucker(lambda x, y, s=scale: s * np.cos(x + y), [(-1, 1)] * 2, rng=0)
        assert found.error_estimate == 1.0


def test_a_long_interval() -> None:
    f = lambda x, y: np.log(1 + x) * np.sin(y)  # noqa: E731
    found = chebtucker(f, [(1e-3, 1e3), (-5, 1)], tol=1e-6, rng=0)
    assert error(found, f) < 1e-5


@pytest.mark.parametrize("value", [0.0, 2.5, 0, 1j])
def test_constants(value: Any) -> None:
    for f in (lambda x, y, z: value, lambda x, y, z: value + 0 * x):
        found = chebtucker(f, CUBE, rng=0)
        assert found.ranks == (1, 1, 1)
        assert found.degrees == (0, 0, 0)
        assert found.converged
        assert abs(found(0.1, 0.2, 0.3) - value) < 1e-14
    assert found.error_estimate <= 1e-14


def test_single_precision() -> None:
    f = lambda x, y, z: np.cos(x + y * z).astype(np.float32)  # noqa: E731
    found = chebtucker(f, CUBE, tol=1e-5, rng=0)
    assert found.dtype == np.float32
    assert error(found, f) < 1e-4
    with pytest.raises(ValueError, match="below the rounding errors of float32"):
        chebtucker(f, CUBE, rng=0)


@pytest.mark.parametrize("width", [1e3, 1e4])
def test_narrow_peaks_are_climbed(width: float) -> None:
    # only traces of them are seen at first, far below the largest value
    f = lambda x, y, z: np.exp(-width * square(x - 0.3, y - 0.2, z + 0.1))  # noqa: E731
    found = chebtucker(f, CUBE, tol=1e-10, rng=0)
    assert found.ranks == (1, 1, 1)
    assert abs(found(0.3, 0.2, -0.1) - 1) < 1e-9
    assert error(found, f) < 1e-8


def test_a_spot_that_few_points_see_is_flagged() -> None:
    f = lambda x, y: 1.0 * (square(x - 0.3, y - 0.2) < 0.02)  # noqa: E731
    with pytest.warns(ConvergenceWarning):
        found = chebtucker(f, [(-1, 1)] * 2, rng=0)
    assert not found.converged
    assert found.error_estimate > 0.1


def test_noise_stops_the_search() -> None:
    f = lambda x, y, z: np.cos(x + y * z) + 1e-9 * noise(x, y, z)  # noqa: E731
    with pytest.warns(ConvergenceWarning):
        found = chebtucker(f, CUBE, rng=0)
    assert 1e-10 < found.error_estimate < 1e-7
    assert found.evaluations < 300_000
    assert chebtucker(f, CUBE, tol=1e-7, rng=0).converged


def noise(x: Any, y: Any, z: Any) -> Any:
    return np.modf(np.sin(12.9898 * x + 78.233 * y + 37.719 * z) * 43758.5453)[0]


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y, z: np.abs(x - y),
        lambda x, y, z: np.where(x + 0.3 * y - 0.2 * z > 0.1, 1.0, 0.0),
        noise,
        lambda x, y, z: np.sqrt(1.0000001 + x) + y * z,
    ],
    ids=["kink", "jump", "noise", "root"],
)
def test_functions_that_are_never_resolved_are_flagged(f: Function) -> None:
    with pytest.warns(ConvergenceWarning, match="did not reach tol=1e-12"):
        found = chebtucker(f, CUBE, rng=0)
    assert not found.converged
    assert found.evaluations < 300_000
    true = error(found, f)
    assert true / 10 < found.error_estimate < 10 * true


def test_periodic_axes_are_suspected_first() -> None:
    with pytest.warns(ConvergenceWarning, match="f is not periodic along axis 1, or has kinks"):
        chebtucker(lambda x, y: x * y, [(0, 1), Fourier(0, 1)], tol=1e-6, rng=0, max_degree=64)


@pytest.mark.parametrize("tol", [1e-4, 1e-6, 1e-8])
@pytest.mark.parametrize(
    ("d", "f"),
    [
        (2, lambda x, y: np.abs(x - y)),
        (3, lambda x, y, z: np.abs(x - y + 0.3 * z)),
        (4, lambda x, y, z, w: np.maximum(x * y, z * w)),
    ],
    ids=["difference", "plane", "products"],
)
def test_kinks_whose_coefficients_look_like_noise_end_soon(d: int, f: Function, tol: float) -> None:
    with pytest.warns(ConvergenceWarning, match="did not reach"):
        found = chebtucker(f, [(-1, 1)] * d, tol=tol, rng=0)
    assert not found.converged
    assert found.evaluations < 6_000_000
    assert tol < error(found, f) < 3 * found.error_estimate


def test_ranks_that_grow_with_the_degrees_end() -> None:
    f = lambda x, y: np.maximum(x - y, 0) ** 2  # noqa: E731
    with pytest.warns(ConvergenceWarning):
        found = chebtucker(f, [(-1, 1)] * 2, tol=1e-8, rng=0)
    assert max(found.ranks) < 300
    assert found.evaluations < 2_000_000
    assert error(found, f) < 3 * found.error_estimate


def test_a_kink_to_few_digits() -> None:
    f = lambda x, y: np.abs(x - y)  # noqa: E731
    found = chebtucker(f, [(-1, 1)] * 2, tol=1e-2, rng=0)
    assert found.converged
    assert error(found, f) < 3e-2


@pytest.mark.parametrize("seed", range(4))
def test_the_largest_errors_are_pursued(seed: int) -> None:
    f = lambda x: np.sqrt(np.abs(x - 0.3))  # noqa: E731
    with pytest.warns(ConvergenceWarning):  # at random points, errors are a hundred times less
        found = chebtucker(f, [(-1, 1)], rng=seed)
    assert error(found, f, 100_000) < 10 * found.error_estimate


@pytest.mark.slow
def test_fibres_without_news_make_the_search_finer() -> None:
    f = lambda x, y, z, w: np.tanh(4 * (x + y + z + w))  # noqa: E731
    found = chebtucker(f, [(-1, 1)] * 4, tol=1e-8, rng=0)
    assert found.converged
    assert error(found, f) < 1e-7


@pytest.mark.parametrize("tol", [1e-4, 1e-12])
@pytest.mark.parametrize(
    "f",
    [
        lambda x, y, z: 1 / np.sqrt(square(x - 0.3, y - 0.2, z + 0.1)),
        lambda x, y, z: 1 / (x - 0.3),
        lambda x, y, z: 1 / (x + y + z - 0.3),
    ],
    ids=["point", "plane", "diagonal"],
)
def test_poles_are_refused(f: Function, tol: float) -> None:
    with pytest.raises(ConvergenceError, match="grows without bound"):
        chebtucker(f, CUBE, tol=tol, rng=0)


def test_values_that_are_no_numbers_are_refused() -> None:
    def newton(x: Any, y: Any, z: Any) -> Any:
        with np.errstate(divide="ignore"):
            return 1 / np.sqrt(square(x, y, z))

    with pytest.raises(ValueError, match=r"f\(0, 0, 0\) is inf"):
        chebtucker(newton, CUBE, rng=0)
    with pytest.raises(ValueError, match=r"f\(-1, .* is nan"):
        chebtucker(lambda x, y, z: np.where(x < -0.5, np.nan, x), CUBE, rng=0)


@pytest.mark.parametrize(
    ("f", "reason"),
    [
        (lambda x, y: math.exp(x * y), "takes numbers only"),
        (lambda x, y: x if x > 2 * y else 2 * y, "takes numbers only"),
        (lambda x, y: np.sum(np.exp(x * y)), "other values for three points"),
        (lambda x, y: np.multiply.outer(x, y), r"returned shape \(3, 3\)"),
    ],
)
def test_functions_of_numbers_are_called_one_by_one(f: Function, reason: str) -> None:
    domain = [(0, 1), (2, 3)]
    with pytest.warns(UserWarning, match=reason):
        found = chebtucker(f, domain, rng=0)
    for x, y in ((0.2, 2.5), (0.9, 3.0)):
        assert abs(found(x, y) - f(x, y)) < 1e-9


def test_functions_that_mix_the_points_are_refused() -> None:
    with pytest.raises(ValueError, match="do not influence each other"):
        chebtucker(lambda x, y: x * y / x.max(), [(1, 2), (1, 2)], rng=0)
    with pytest.raises(ValueError, match=r"shape \(2,\) for coordinates of shape \(3,\)"):
        chebtucker(lambda x, y: x[1:], [(1, 2), (1, 2)], rng=0)


def test_what_the_function_raises_passes() -> None:
    class Own(Exception):
        pass

    def f(x: Any, y: Any) -> Any:
        raise Own

    with pytest.raises(Own):
        chebtucker(f, [(0, 1), (0, 1)])
    with pytest.raises(ValueError, match="invalid literal"):
        chebtucker(lambda x, y: int("a"), [(0, 1), (0, 1)])
    with pytest.raises(TypeError, match="positional argument"):
        chebtucker(lambda x: x, [(0, 1), (0, 1)])


def test_bad_arguments(library: Any) -> None:
    f = lambda x, y: x * y  # noqa: E731
    with pytest.raises(ValueError, match="axis 0 of domain"):
        chebtucker(f, [(1, 0), (0, 1)])
    with pytest.raises(ValueError, match="axis 1 of domain"):
        chebtucker(f, [(0, 1), (1, 1)])
    for tol in (0.0, 1.0, math.nan, -1e-3):
        with pytest.raises(ValueError, match="tol is"):
            chebtucker(f, [(0, 1), (0, 1)], tol=tol)
    with pytest.raises(ValueError, match="below the rounding errors of float64"):
        chebtucker(f, [(0, 1), (0, 1)], tol=1e-17)
    with pytest.raises(TypeError, match="pass a function of 2 coordinates"):
        chebtucker(3.0, [(0, 1), (0, 1)])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="str"):
        chebtucker(lambda x, y: "high", [(0, 1), (0, 1)])
    with pytest.raises(TypeError, match="f returned NoneType"):
        chebtucker(lambda x, y: None, [(0, 1), (0, 1)])
    for interval, least in (((0, 1), 16), (Fourier(0, 1), 32)):
        with pytest.raises(ValueError, match=f"max_degree is {least - 1}: {least} or more"):
            chebtucker(np.cos, [interval], max_degree=least - 1)
    if library.name != "numpy":
        with pytest.raises(TypeError, match="mixed"):
            chebtucker(lambda x, y: np.ones(x.shape), library.asarray([[0.0, 1.0], [0.0, 1.0]]))


def test_the_data_type_must_not_change() -> None:
    def f(x: Any, y: Any) -> Any:
        small = (np.abs(x - 0.5) < 0.2) & (np.abs(y - 0.5) < 0.2)
        return np.emath.sqrt(np.where(small, -1.0, 1.0))  # complex if one of the points is there

    with pytest.raises(TypeError, match="must not depend on the points"):
        chebtucker(f, [(-1, 1), (-1, 1)], rng=0)


def test_cores_that_do_not_fit_are_refused() -> None:
    with pytest.raises(MemoryError, match=r"the core has .* max_bytes allows"):
        chebtucker(SMOOTH["tanh3"], CUBE, rng=0, max_bytes=10_000)


def test_few_degrees() -> None:
    f = SMOOTH["runge"]
    with pytest.warns(ConvergenceWarning, match="raise max_degree"):
        found = chebtucker(f, CUBE, rng=0, max_degree=64)
    assert max(found.degrees) <= 64
    assert found.error_estimate < 1e-2


def test_one_dimension_is_a_plain_series() -> None:
    f = lambda x: np.exp(np.sin(10 * x))  # noqa: E731
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = chebtucker(f, [(-1, 1)], rng=0)
    reference = chebyshev.chebinterpolate(f, 200)
    series = found.factors[0] @ found.core
    np.testing.assert_allclose(series, reference[: len(series)], atol=1e-12)
