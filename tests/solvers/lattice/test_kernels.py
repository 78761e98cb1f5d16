"""Kernels: against their series, and what invariance means."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.solvers.lattice import DigitallyShiftInvariant, ShiftInvariant
from tests.conftest import ArrayLibrary

orders = [1, 2, 3, 4]


def mu(h: int, alpha: int) -> int:
    """Return Dick's weight of a Walsh index; for order one twice that of its highest place."""
    places = [a + 1 for a in range(h.bit_length()) if h >> a & 1]
    return 2 * (places[-1] - 1) if alpha == 1 else sum(sorted(places)[-alpha:])


def walsh(h: int, cells: np.ndarray, bits: int) -> np.ndarray:
    """Return the values of a Walsh function, in Paley's order, on the dyadic cells of a level."""
    parity = np.zeros_like(cells)
    for a in range(h.bit_length()):
        if h >> a & 1:
            parity ^= cells >> (bits - 1 - a) & 1
    return 1 - 2 * parity


@pytest.mark.parametrize("alpha", orders)
def test_means_over_dyadic_cells_are_truncated_walsh_series(alpha: int) -> None:
    # functions of index 2^m and above have mean zero on cells of width 2^−m; nodes of Gauss come
    # in pairs whose digits beyond the cell are opposite, and integrate cubic polynomials exactly
    bits = 8
    cells = np.arange(1, 2**bits)
    series = sum(2.0 ** -mu(h, alpha) * walsh(h, cells, bits) for h in range(1, 2**bits))
    nodes, weights = np.polynomial.legendre.leggauss(4)
    x = (cells[:, None] + 0.5 + 0.5 * nodes) / 2**bits
    k = DigitallyShiftInvariant(alpha)
    values = k(x.reshape(-1, 1), np.zeros((1, 1))).reshape(x.shape) - 1
    np.testing.assert_allclose(values @ weights / 2, series, atol=1e-13)


@pytest.mark.parametrize("alpha", orders)
def test_the_peak_is_the_sum_of_all_coefficients(alpha: int) -> None:
    # sums over indices with so many ones below a place, the highest first
    places = 400

    def below(place: int, left: int) -> float:
        """Return the sum over all choices of the ones below a place."""
        if left == 0:
            return 2.0 ** (place - 1)  # the lower digits are free
        return table[left][place]

    table = {left: [1.0] * (places + 2) for left in range(1, alpha)}
    for left in range(1, alpha):
        for place in range(2, places + 2):  # 1 for none at all, or the next one at p
            table[left][place] = table[left][place - 1] + 2.0 ** -(place - 1) * below(
                place - 1, left - 1
            )
    if alpha == 1:
        total = sum(2.0 ** -(2 * (p - 1)) * 2.0 ** (p - 1) for p in range(1, places))
    else:
        total = sum(2.0**-p * below(p, alpha - 1) for p in range(1, places))
    assert DigitallyShiftInvariant(alpha).peak() == pytest.approx(total, rel=1e-14)


@pytest.mark.parametrize("alpha", orders)
def test_the_periodic_kernel_is_its_fourier_series(alpha: int) -> None:
    x = np.linspace(0, 1, 12, endpoint=False)
    h = np.arange(1.0, 4001.0)
    series = 2 * np.cos(2 * np.pi * x[:, None] * h) @ (h ** (-2 * alpha))
    tail = 2 * 4000.0 ** (1 - 2 * alpha) / (2 * alpha - 1)
    values = ShiftInvariant(alpha)(x[:, None], np.zeros((1, 1)))[:, 0] - 1
    np.testing.assert_allclose(values, series, atol=tail + 1e-13)


def test_products_weights_and_scale() -> None:
    x, y = np.random.default_rng(0).random((2, 5, 3))
    weights = (0.5, 2.0, 0.1)
    for kind in (ShiftInvariant, DigitallyShiftInvariant):
        k = kind(2, weights, 3.0)
        expected = 3.0 * np.ones((5, 5))
        for j, weight in enumerate(weights):
            expected *= 1 + weight * (kind(2)(x[:, j : j + 1], y[:, j : j + 1]) - 1)
        np.testing.assert_allclose(k(x, y), expected, rtol=1e-14)
        np.testing.assert_allclose(np.diag(k(x)), k.variance(3), rtol=1e-14)
        np.testing.assert_allclose(k.with_theta(k.theta)(x, y), k(x, y), rtol=1e-12)
        assert len(k.names) == len(k.theta) == len(k.theta_bounds) == 4


unit = st.floats(0, 1, exclude_max=True, allow_subnormal=False)
dyadic = st.integers(0, 2**40 - 1).map(lambda i: i / 2**40)


@given(st.sampled_from(orders), unit, unit, unit)
def test_invariance_under_shifts(alpha: int, x: float, y: float, shift: float) -> None:
    k = ShiftInvariant(alpha)
    moved = [(z + shift) % 1.0 % 1.0 for z in (x, y)]
    before, after = (k(np.array([[a]]), np.array([[b]])) for a, b in ((x, y), moved))
    np.testing.assert_allclose(before, after, atol=1e-13)


@given(st.sampled_from(orders), dyadic, dyadic, dyadic)
def test_invariance_under_digital_shifts(alpha: int, x: float, y: float, shift: float) -> None:
    k = DigitallyShiftInvariant(alpha)
    moved = [(int(z * 2**40) ^ int(shift * 2**40)) / 2**40 for z in (x, y)]
    before, after = (k(np.array([[a]]), np.array([[b]])) for a, b in ((x, y), moved))
    assert before == after


@pytest.mark.parametrize("alpha", orders)
def test_first_digits_of_numbers_beside_powers_of_two(alpha: int) -> None:
    # the logarithm of a number just below a power of two is rounded to that of the power
    k = DigitallyShiftInvariant(alpha)
    for beta in range(1, 45):
        p = 2.0**-beta
        cells = np.array([[p], [p + 2.0**-52], [2 * p - 2.0**-52]])
        at, above, last = k(cells, np.zeros((1, 1)))[:, 0]
        # continuous within a cell, but for the smallest digits
        assert above == pytest.approx(at, abs=1e-13)
        # the leading term −6 p or −(β + 5/2) p … of the cell, not of the next
        leading = {1: 2 - 6 * p, 2: 1.5 - beta * (2 * p - 2.0**-52) - 2.5 * p}
        if alpha in leading:
            assert last - 1 == pytest.approx(leading[alpha], abs=1e-15)


def test_they_run_where_the_points_live(library: ArrayLibrary) -> None:
    x = np.random.default_rng(1).random((6, 2))
    for k in (ShiftInvariant(3, 0.5), DigitallyShiftInvariant(4, (1.0, 0.5))):
        made = library.to_numpy(k(library.asarray(x)))
        np.testing.assert_allclose(made, k(x), rtol=1e-13)
        assert np.linalg.eigvalsh(made).min() > -1e-12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 5}, "alpha is 5"),
        ({"alpha": 0}, "alpha is 0"),
        ({"weights": (1.0, 0.0)}, r"weights\[1\] is 0"),
        ({"weights": ()}, "weights is empty"),
        ({"weights": -1.0}, r"weights\[0\] is -1"),
        ({"scale": float("nan")}, "scale is nan"),
    ],
)
def test_wrong_parameters_are_named(arguments: dict, message: str) -> None:
    for kind in (ShiftInvariant, DigitallyShiftInvariant):
        with pytest.raises(ValueError, match=message):
            kind(**arguments)


@pytest.mark.parametrize("weights", [None, 1j, np.array([1 + 1j]), "ab", [[1.0, 2.0], [3.0, 4.0]]])
def test_weights_that_are_no_numbers_are_named(weights) -> None:
    with pytest.raises(TypeError, match=r"weights is .*: pass a number"):
        ShiftInvariant(2, weights)


def test_orders_are_integers() -> None:
    assert type(ShiftInvariant(np.int64(2)).alpha) is int
    for alpha in (2.0, True, np.array([1, 2])):
        with pytest.raises(ValueError, match="alpha is"):
            ShiftInvariant(alpha)


def test_wrong_points_are_named() -> None:
    k = ShiftInvariant(2, (1.0, 1.0))
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        k(np.array([[0.5, 1.0]]))
    with pytest.raises(ValueError, match=r"x has a NaN or Inf at \[0, 1\]"):
        k(np.array([[0.5, np.nan]]))
    with pytest.raises(ValueError, match=r"x is \(3, 0\)"):
        k(np.zeros((3, 0)))
    with pytest.raises(TypeError, match="x is complex"):
        k(np.zeros((3, 2), dtype=complex))
    with pytest.raises(ValueError, match="2 weights but 3 coordinates"):
        k(np.zeros((1, 3)))
    with pytest.raises(ValueError, match=r"y is \(1, 3\)"):
        k(np.zeros((1, 2)), np.zeros((1, 3)))
