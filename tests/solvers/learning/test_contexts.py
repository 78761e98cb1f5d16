"""What is read off an operator: a formula of its entries, equal for equal matrices."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given

from structlin.matrices import GridOperator, Kronecker
from structlin.solvers import RelaxationLayer
from structlin.solvers.learning._contexts import operator_context

bounds = RelaxationLayer.operator_contexts


def formula(A):
    """Return ``(log₁₀ (1ᵀA1 / tr A), log₁₀ n)`` of a dense matrix."""
    return np.log10(A.sum().real / np.trace(A).real), np.log10(len(A))


@st.composite
def grids(draw):
    """Draw a definite operator on a small grid, of any kind of coefficients and sides."""
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    sides = draw(st.sampled_from(["dirichlet", "neumann", "periodic"]))
    shift = rng.uniform(0.01, 1, shape) if draw(st.booleans()) else 0.3
    if draw(st.booleans()):
        return GridOperator.diffusion(rng.uniform(0.5, 2, shape), shift, sides=sides)
    return GridOperator.laplacian(shape, shift, weights=1.7, sides=sides)


@given(A=grids())
def test_grids_agree_with_the_formula_of_their_entries(A):
    assert operator_context(A) == pytest.approx(formula(A.todense()), abs=1e-12)


@given(A=grids(), size=st.sampled_from([1e-150, 1e-30, 1e150]))
def test_sparse_matrices_and_arrays_agree_whatever_the_unit(A, size):
    sparse = A.tosparse()
    expected = operator_context(A)
    for made in (sparse, sparse.tocsc(), sparse.tocoo(), size * sparse, A.sparse, sparse.toarray()):
        assert operator_context(made) == pytest.approx(expected, abs=1e-12)
    scaled = GridOperator(A.grid, tuple(size * w for w in A.weights), size * A.shift, sides=A.sides)
    assert operator_context(scaled) == pytest.approx(expected, abs=1e-12)


def test_hermitian_matrices_and_operators():
    rng = np.random.default_rng(0)
    B = rng.standard_normal((5, 5)) + 1j * rng.standard_normal((5, 5))
    A = B @ B.conj().T + np.diag([1.0, 2, 3, 4, 5])
    A = A - 0.5 * A.sum().real / 25  # one sum of all entries is half of the other
    assert operator_context(A) == pytest.approx(formula(A))
    product = Kronecker(np.diag([1.0, 2.0]) - 0.1, np.eye(3))
    assert operator_context(product) == pytest.approx(formula(product.todense()))


def test_other_libraries(library):
    A = GridOperator.laplacian((3, 4), 0.5, like=library.asarray(np.empty(0)))
    host = GridOperator.laplacian((3, 4), 0.5)
    assert operator_context(A) == pytest.approx(operator_context(host), abs=1e-6)


def test_single_precision_near_its_limits():
    A = GridOperator.laplacian((4, 4), 1e37, weights=1e37, dtype="float32")
    assert operator_context(A) == pytest.approx(formula(A.todense() / 1e37), abs=1e-5)
    assert operator_context(A.tosparse()) == pytest.approx(operator_context(A), abs=1e-5)


@pytest.mark.parametrize(
    "A",
    [
        GridOperator.laplacian((4, 4), -5.0),
        GridOperator.laplacian((4, 4), sides="neumann"),
        GridOperator.laplacian((0, 4)),
        scipy.sparse.csr_array((3, 3)),
        scipy.sparse.csr_array((0, 0)),
        scipy.sparse.diags_array([np.nan, 1.0]).tocsr(),
        scipy.sparse.diags_array([np.inf, 1.0]).tocsr(),
        np.zeros((2, 2)),
        np.ones((2, 3)),
        np.ones(2),
        "A",
        None,
    ],
    ids=str,
)
def test_what_is_no_definite_matrix_has_a_context_all_the_same(A):
    """The solver says what is wrong."""
    values = operator_context(A)
    assert all(low <= value <= high for value, (low, high) in zip(values, bounds, strict=True))
    assert values[0] == bounds[0][0]
