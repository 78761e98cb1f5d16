"""The kernels of one level: against dense matrices, and against their compiled twins."""

import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st

from structlin._kernels import (
    multigrid_sweeps as sweeps,
    multigrid_sweeps_numba as sweeps_compiled,
    multigrid_transfers as transfers,
    multigrid_transfers_numba as transfers_compiled,
)
from structlin.matrices import GridOperator
from structlin.solvers.multigrid._levels import _stencil
from tests.solvers.multigrid.grids import dense, operators

omegas = st.sampled_from([0.7, 1.0, 1.3])


def _halved(A):
    return tuple(
        size >= (5 if wraps else 3) for size, wraps in zip(A.grid, A.periodic, strict=True)
    )


def _columns(apply, shape):
    units = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    return np.stack([apply(unit.copy()).ravel() for unit in units], axis=1)


def _two_levels(A):
    """Return stencils of the operator and of its Galerkin product, and the way between them."""
    coefficients, offsets = _stencil(A)
    axes = transfers.coarse_axes(A.grid, A.periodic, _halved(A))
    P = transfers.interpolation(coefficients, offsets, axes)
    coarse = transfers.galerkin(coefficients, offsets, A.periodic, P, axes)
    return (coefficients, offsets), (coarse, sweeps.all_offsets(len(A.grid))), P, axes


@given(operators())
def test_the_stencil_is_the_operator(A):
    assert np.allclose(dense(A.grid, *_stencil(A), A.periodic), A.todense())


@given(operators())
def test_restriction_is_the_transpose_of_interpolation(A):
    _, _, P, axes = _two_levels(A)
    coarse = tuple(axis.coarse for axis in axes)
    up = _columns(lambda e: transfers.prolong(np.zeros(A.grid), e, P, axes), coarse)
    down = _columns(lambda r: transfers.restrict(r, P, axes), A.grid)
    assert np.allclose(up, down.T)


@given(operators())
def test_the_coarse_operator_is_the_galerkin_product(A):
    _, coarse, P, axes = _two_levels(A)
    shape = tuple(axis.coarse for axis in axes)
    up = _columns(lambda e: transfers.prolong(np.zeros(A.grid), e, P, axes), shape)
    expected = up.T @ A.todense() @ up
    for galerkin in (transfers.galerkin, transfers_compiled.galerkin):
        found = galerkin(*_stencil(A), A.periodic, P, axes)
        matrix = dense(shape, found, coarse[1], A.periodic)
        assert np.allclose(matrix, expected, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("d", [1, 2, 3])
def test_constants_are_interpolated_where_the_operator_annihilates_them(d):
    rng = np.random.default_rng(d)
    for grid, side in itertools.product([(6, 7, 5)[:d], (5, 4, 7)[:d]], ["neumann", "periodic"]):
        A = GridOperator.diffusion(np.exp(rng.standard_normal(grid)), sides=side)
        _, _, P, axes = _two_levels(A)
        ones = np.ones([axis.coarse for axis in axes])
        assert np.allclose(transfers.prolong(np.zeros(grid), ones, P, axes), 1)


def test_flows_across_a_jump_are_continuous():
    # with one axis, interpolation solves the equations between coarse points
    A = GridOperator.diffusion(np.array([1.0, 1.0, 1.0, 1e4, 1e4, 1e4, 1e4]))
    _, _, P, axes = _two_levels(A)
    rng = np.random.default_rng(0)
    x = transfers.prolong(np.zeros(7), rng.standard_normal(axes[0].coarse), P, axes)
    between = [0, 2, 4, 6]
    assert np.allclose((A @ x)[between], 0, atol=1e-10)


@given(operators(), omegas, st.booleans(), st.integers(0, 2**32))
def test_compiled_twins_agree(A, omega, backward, seed):
    fine, coarse, P, axes = _two_levels(A)
    rng = np.random.default_rng(seed)
    below = tuple(axis.coarse for axis in axes)
    for grid, (coefficients, offsets) in ((A.grid, fine), (below, coarse)):
        x, b = rng.standard_normal((2, *grid))
        stencil = coefficients, offsets, A.periodic
        assert np.allclose(
            sweeps.residual(x, b, *stencil), sweeps_compiled.residual(x, b, *stencil)
        )
        relaxations = [("relax_colors", ())]
        relaxations += [("relax_lines", (axis,)) for axis in range(len(grid))]
        if not any(A.periodic):  # across periodic sides, the order is left open
            relaxations.append(("relax_lexicographic", ()))
        for name, axis in relaxations:
            one, other = (
                getattr(module, name)(x.copy(), b, *stencil, *axis, omega, backward)
                for module in (sweeps, sweeps_compiled)
            )
            assert np.allclose(one, other), name
    x, e = rng.standard_normal(A.grid), rng.standard_normal(P.shape[1:])
    assert np.allclose(transfers.restrict(x, P, axes), transfers_compiled.restrict(x, P, axes))
    assert np.allclose(
        transfers.prolong(x.copy(), e, P, axes), transfers_compiled.prolong(x.copy(), e, P, axes)
    )


@given(operators(), st.sampled_from(["colors", "lexicographic", "lines"]))
def test_backward_sweeps_are_adjoint(A, kind):
    # S = I − M⁻¹ A with M⁻¹ from one sweep that starts from zero: backward is M⁻ᵀ
    stencil = *_stencil(A), A.periodic
    relax = getattr(sweeps_compiled, f"relax_{kind}")
    axis = (0,) if kind == "lines" else ()
    forward, backward = (
        _columns(lambda b, w=way: relax(np.zeros(A.grid), b, *stencil, *axis, 1.1, w), A.grid)
        for way in (False, True)
    )
    assert np.allclose(forward, backward.T)


@given(operators(most=7))
def test_a_line_solves_its_equations(A):
    stencil = *_stencil(A), A.periodic
    axis = len(A.grid) - 1
    if A.periodic[axis]:
        return  # cut open
    b = np.random.default_rng(1).standard_normal(A.grid)
    x = sweeps_compiled.relax_lines(np.zeros(A.grid), b, *stencil, axis, 1.0, False)
    last = (-1,) * axis  # of the last colour, unless its patterns end before
    if all(size % 2 == 0 for size in A.grid[:axis]):
        assert np.allclose((b - (A @ x.ravel()).reshape(A.grid))[last], 0, atol=1e-10)
