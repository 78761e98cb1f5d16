"""Operators as sums of separable terms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin.bases import Grid
from structlin.solvers.gp_pde._data.terms import separate, separated

GRID = Grid(np.linspace(0.0, 1.0, 5), np.linspace(-1.0, 2.0, 6), np.linspace(1.0, 2.0, 4))


def field_of(term, grid):
    """Return the coefficient of a term on the grid."""
    vectors = [
        np.ones(n) if c is None else c for c, n in zip(term.factors, grid.shape, strict=True)
    ]
    made = vectors[0]
    for v in vectors[1:]:
        made = np.multiply.outer(made, v)
    return made


@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 10**6))
def test_a_sum_of_few_products_is_found_again(count, ndim, seed):
    rng = np.random.default_rng(seed)
    shape = (7, 6, 5)[:ndim]
    field = np.zeros(shape)
    for _ in range(count):
        product = rng.standard_normal(shape[0])
        for n in shape[1:]:
            product = np.multiply.outer(product, rng.standard_normal(n))
        field += product
    made = separate(field)
    assert len(made) <= count**2
    total = sum(field_of(type("T", (), {"factors": v}), Grid(*map(np.arange, shape))) for v in made)
    assert np.allclose(total, field, rtol=0, atol=1e-12 * np.max(np.abs(field)))


def test_numbers_arrays_callables_and_tuples_mean_the_same():
    x, y, z = GRID.mesh()
    array = np.exp(x) * y * np.ones_like(z)
    forms = [
        array,
        lambda x, y, z: np.exp(x) * y,
        (np.exp, GRID.axes[1], 1.0),
        (np.exp(GRID.axes[0]), lambda y: 2 * y, 0.5),
    ]
    for form in forms:
        (term,) = separated(GRID, {(2, 0, 1): form})
        assert term.orders == (2, 0, 1)
        assert np.allclose(field_of(term, GRID), array, rtol=1e-12)


def test_a_number_stays_on_the_axis_along_which_the_term_acts():
    first, second = separated(GRID, {(0, 2, 0): 0.5, (0, 0, 1): 1})
    assert [c is None for c in first.factors] == [True, False, True]
    assert all(c is None for c in second.factors)


def test_one_axis_takes_integers():
    (term,) = separated(Grid(np.linspace(0.0, 1.0, 4)), {2: -3.0})
    assert term.orders == (2,)
    assert np.array_equal(term.factors[0], np.full(4, -3.0))


def test_zero_coefficients_are_left_out():
    assert len(separated(GRID, {(2, 0, 0): 1.0, (0, 2, 0): 0.0})) == 1
    with pytest.raises(ValueError, match="there is no equation"):
        separated(GRID, {(2, 0, 0): 0.0})


@pytest.mark.parametrize(
    ("terms", "match"),
    [
        ({}, "empty"),
        ({(2, 0): 1.0}, "3 orders"),
        ({(2, 0, -1): 1.0}, "integers >= 0"),
        ({(2, 0, 0.5): 1.0}, "integers >= 0"),
        ({(2, 0, 0): (1.0, 2.0)}, "2 factors and the grid 3 axes"),
        ({(2, 0, 0): np.ones((5, 6))}, "C order"),
        ({(2, 0, 0): np.inf}, "must be finite"),
        ({(2, 0, 0): (np.ones(4), 1.0, 1.0)}, "axis 0"),
        ({(2, 0, 0): (1.0, np.full(6, np.nan), 1.0)}, "NaN or Inf at \\[0\\]"),
    ],
)
def test_bad_terms_are_refused(terms, match):
    with pytest.raises(ValueError, match=match):
        separated(GRID, terms)


def test_a_field_that_does_not_separate_is_refused(rng):
    grid = Grid(np.arange(30.0), np.arange(30.0))
    with pytest.raises(ValueError, match="more than 12 products"):
        separated(grid, {(0, 0): rng.standard_normal((30, 30))})


def test_other_libraries(library):
    grid = Grid(
        library.asarray(np.linspace(0.0, 1.0, 5)), library.asarray(np.linspace(0.0, 1.0, 4))
    )
    terms = separated(grid, {(2, 0): 2.0, (0, 1): lambda x, y: 1 + x * y})
    total = np.zeros((5, 4))
    for term in terms[1:]:
        a, b = (library.to_numpy(c) for c in term.factors)
        total += np.outer(a, b)
    x, y = np.linspace(0.0, 1.0, 5), np.linspace(0.0, 1.0, 4)
    assert np.allclose(total, 1 + np.outer(x, y))
