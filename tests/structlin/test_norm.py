"""The Euclidean norm, at the ends of the range."""

from __future__ import annotations

import math

import numpy as np
import pytest

from structlin._norm import column_norms, norm, power_of_two


@pytest.mark.parametrize(
    ("dtype", "scale"),
    [("float64", 1.0), ("float64", 1e300), ("float64", 1e-300), ("float32", 1e30),
     ("float32", 3e-23), ("complex64", 1e-30), ("complex128", 1e200)],
)  # fmt: skip
def test_scales_with_its_argument(library, dtype, scale):
    values = np.array([[3.0, 0.0], [0.0, 4.0]]) * (1j if "complex" in dtype else 1)
    found = norm(library.asarray(values * scale, dtype))
    assert math.isclose(found, 5 * scale, rel_tol=1e-6)


def test_of_nothing_and_of_what_is_not_finite():
    assert norm(np.zeros((0, 3))) == 0.0
    assert norm(np.zeros(3)) == 0.0
    assert norm(np.array([1.0, np.inf])) == math.inf
    assert math.isnan(norm(np.array([1.0, np.nan])))


def test_norms_of_columns() -> None:
    X = np.array([[3e200, 0.0, 3e-200, 3.0, math.inf], [4e200, 0.0, 4e-200, 4.0, 1.0]])
    np.testing.assert_allclose(column_norms(X), [5e200, 0, 5e-200, 5, math.inf])
    for dtype, tiny in (("float64", 1e-310), ("float32", 1e-40), ("complex128", 1e-310)):
        small = np.array([[3.0, 3.0], [4.0, 0.0]], dtype=dtype) * np.array([1, tiny], dtype=dtype)
        assert column_norms(small)[1] == pytest.approx(3 * tiny, rel=1e-3, abs=0)
    assert column_norms(np.ones((0, 3), dtype=np.float32)).dtype == np.float32
    assert column_norms(np.ones((3, 0))).shape == (0,)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_a_power_of_two_makes_squares_numbers(dtype, library):
    limits = np.finfo(dtype)
    sizes = [limits.smallest_subnormal, limits.smallest_normal, 1e-20, 1e20, limits.max]
    for size in sizes:
        x = np.full(3, -size, dtype) * (1 + 1j if dtype[0] == "c" else 1)
        unit = power_of_two(library.asarray(x, dtype))
        assert math.frexp(unit)[0] == 0.5
        largest = float(np.max(np.abs((x / unit).real)))
        assert largest < 2
        assert largest >= 1 or size < limits.smallest_normal  # whose inverse overflows
    ordinary = library.asarray(np.array([1e-5, -3e8]), dtype)
    assert power_of_two(ordinary) == power_of_two(0 * ordinary) == power_of_two(ordinary[:0]) == 1
