"""Multigrid as a solver and as a preconditioner."""

import copy
import math
import pickle

import numpy as np
import pytest
import scipy.sparse.linalg
from hypothesis import given, strategies as st

from structlin import ConvergenceWarning
from structlin.matrices import GridOperator
from structlin.solvers import Multigrid, cg, multigrid_cg
from structlin.solvers._solution import quiet
from tests.solvers.multigrid.grids import operators

SMOOTHERS = ["red-black", "lexicographic", "jacobi", "line", "chebyshev"]
smoothers = st.sampled_from(SMOOTHERS)


def _blocks(n, blocks, contrast, seed, d=2):
    """Return a coefficient that is 1 or the contrast, block by block."""
    rng = np.random.default_rng(seed)
    coarse = np.where(rng.random((blocks,) * d) < 0.5, 1.0, contrast)
    return np.kron(coarse, np.ones((n // blocks,) * d))


def _right_hand_side(A, seed=0):
    return np.random.default_rng(seed).standard_normal(A.shape[0])


# ---- solutions ------------------------------------------------------------------------------


@given(operators(most=24), smoothers, st.sampled_from(["V", "W", "F"]))
def test_solves_what_a_direct_method_solves(A, smoother, shape):
    b = _right_hand_side(A)
    solution = Multigrid(A, smoother=smoother, cycle=shape, pre=2, coarsest=20).solve(
        b, rtol=1e-10, maxiter=1000
    )
    expected = scipy.sparse.linalg.spsolve(A.tosparse().tocsc(), b)
    assert solution.converged
    assert np.linalg.norm(b - A @ solution.x) <= 1e-10 * np.linalg.norm(b) * (1 + 1e-6)
    assert np.linalg.norm(solution.x - expected) <= 1e-7 * np.linalg.norm(expected)
    assert len(solution.residual_norms) == solution.iterations + 1


@given(operators(most=12), smoothers, st.sampled_from(["V", "W"]))
def test_the_preconditioner_is_symmetric_positive_definite(A, smoother, shape):
    M = Multigrid(A, smoother=smoother, cycle=shape, coarsest=5)
    n = A.shape[0]
    matrix = np.stack([M.precondition(unit) for unit in np.eye(n)], axis=1)
    assert np.allclose(matrix, matrix.T, atol=1e-10 * np.abs(matrix).max())
    assert np.linalg.eigvalsh((matrix + matrix.T) / 2).min() > 0


@pytest.mark.parametrize("smoother", SMOOTHERS)
@pytest.mark.parametrize("grid", [(24,), (5, 5), (5, 2, 2)])
def test_array_libraries_agree(library, grid, smoother):
    rng = np.random.default_rng(3)
    coefficient, b = np.exp(rng.standard_normal(grid)), rng.standard_normal(grid)
    sides = ["periodic", ("dirichlet", "neumann"), "dirichlet"][: len(grid)]
    if len(grid) == 1:
        sides = ["dirichlet"]  # the order of a sweep across periodic sides is left open
    elif smoother == "lexicographic":
        sides[0] = "neumann"
    ready = [
        Multigrid(GridOperator.diffusion(k, 0.1, sides=sides), smoother=smoother, coarsest=10)
        for k in (coefficient, library.asarray(coefficient))
    ]
    for one, other in (
        (ready[0].solve(b, rtol=1e-3), ready[1].solve(library.asarray(b), rtol=1e-3)),
        (ready[0].cg(b, rtol=1e-3), ready[1].cg(library.asarray(b), rtol=1e-3)),
    ):
        assert one.converged
        assert other.iterations == one.iterations
        assert np.allclose(library.to_numpy(other.x), one.x, atol=1e-8)


@given(operators(most=12), st.sampled_from(["float32", "float64"]))
def test_precision_is_kept(A, name):
    A = GridOperator(A.grid, A.weights, A.shift, sides=list(A.sides), dtype=name)
    b = np.asarray(_right_hand_side(A), name)
    rtol = 1e-5 if name == "float32" else 1e-10
    for solution in (
        Multigrid(A, coarsest=10).solve(b, rtol=rtol),
        Multigrid(A, coarsest=10).cg(b, rtol=rtol),
    ):
        assert solution.converged
        assert solution.x.dtype == name


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_scales_of_the_operator_and_the_right_hand_side(scale):
    A, scaled = GridOperator.laplacian((30, 30)), GridOperator((30, 30), scale)
    b = _right_hand_side(A)
    plain = Multigrid(A).solve(b)
    for operator, factor in ((A, scale), (scaled, scale), (scaled, 1.0)):
        for method in ("solve", "cg"):
            solution = getattr(Multigrid(operator), method)(factor * b)
            assert solution.converged
            unit = factor if operator is A else factor / scale
            assert np.allclose(solution.x / unit, plain.x, rtol=1e-5)


def test_shapes_starts_and_callbacks():
    A = GridOperator.laplacian((20, 30), 0.01)
    M = Multigrid(A)
    b = _right_hand_side(A)
    seen = []
    start = np.full((20, 30), 3.0)
    first = M.solve(b.reshape(20, 30), x0=start, callback=seen.append)
    assert first.x.shape == (20, 30)
    assert len(seen) == first.iterations
    assert np.array_equal(seen[-1], first.x)
    norms = [np.linalg.norm(b - A @ x.ravel()) for x in seen]
    assert np.allclose(norms, first.residual_norms[1:])
    assert np.all(start == 3.0)
    again = M.solve(b, x0=first.x.ravel())
    assert again.iterations == 0
    assert M.solve(0 * b).iterations == 0
    assert np.allclose(M.cg(b, x0=start.ravel()).x, first.x.ravel(), atol=1e-6)


@pytest.mark.parametrize("grid", [(1,), (2,), (3,), (1, 1), (1, 300), (300, 1, 2), (2, 2, 2)])
@pytest.mark.parametrize("side", ["dirichlet", "neumann", "periodic"])
def test_narrow_grids(grid, side):
    A = GridOperator.laplacian(grid, 0.5, sides=side)
    b = _right_hand_side(A)
    for smoother in SMOOTHERS:
        solution = Multigrid(A, smoother=smoother, coarsest=4).solve(b)
        assert solution.converged
        assert np.allclose(A @ solution.x, b, atol=1e-6 * np.linalg.norm(b))


# ---- iterations -----------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["dirichlet", "neumann", "periodic"])
@pytest.mark.parametrize("sizes", [(31, 63, 127), (32, 64, 128), (45, 90, 181)])
def test_iterations_do_not_grow_with_the_grid(sizes, side):
    counts = []
    for n in sizes:
        A = GridOperator.laplacian((n, n), 1e-3 / n**2, sides=side)
        b = _right_hand_side(A)
        counts.append(Multigrid(A, coarsest=50).solve(b - b.mean()).iterations)
    assert max(counts) <= 12


@pytest.mark.parametrize("n", [16, 33, 40])
def test_iterations_in_three_dimensions(n):
    A = GridOperator.laplacian((n, n, n))
    M = Multigrid(A)
    b = _right_hand_side(A)
    assert M.solve(b).iterations <= 14
    assert M.cg(b).iterations <= 12


@pytest.mark.parametrize("n", [64, 128, 256])
@pytest.mark.parametrize("seed", range(2))
def test_jumping_coefficients(n, seed):
    A = GridOperator.diffusion(_blocks(n, 4, 1e4, seed))
    assert Multigrid(A).cg(_right_hand_side(A, seed)).iterations <= 15


@pytest.mark.slow
@pytest.mark.parametrize("blocks", [1, 4, 8])
def test_a_million_unknowns(blocks):
    A = GridOperator.diffusion(_blocks(1024, blocks, 1e4, 0))
    assert Multigrid(A).cg(_right_hand_side(A)).iterations <= 15


@pytest.mark.parametrize("ratio", [3.0, 30.0, 1e4])
def test_fixed_anisotropy_is_met_by_coarsening(ratio):
    A = GridOperator.laplacian((100, 90), weights=(ratio, 1.0))
    M = Multigrid(A)
    assert M.solve(_right_hand_side(A)).iterations <= 12
    if ratio > 4:
        assert M.grids[1] == (50, 90)


def test_lines_meet_anisotropy_that_turns():
    n = 64
    weights = [np.ones((n + 1, n)), np.ones((n, n + 1))]
    weights[0][:, : n // 2] = 1e3
    weights[1][:, n // 2 :] = 1e3
    A = GridOperator((n, n), weights)
    b = _right_hand_side(A)
    points, lines = (
        Multigrid(A, smoother=kind).cg(b, maxiter=200) for kind in ("red-black", "line")
    )
    assert lines.iterations <= 12
    assert lines.iterations < points.iterations


def test_stronger_cycles_take_fewer_iterations():
    A = GridOperator.diffusion(_blocks(96, 8, 100.0, 5))
    b = _right_hand_side(A)
    M = Multigrid(A, smoother="jacobi")
    simple = M.solve(b).iterations
    assert M.solve(b, cycle="W").iterations <= simple
    assert M.solve(b, cycle="F").iterations <= simple
    assert M.solve(b, pre=3, post=3).iterations < simple
    polynomial = [M.solve(b, smoother="chebyshev", pre=k, post=k).iterations for k in (1, 2, 4)]
    assert polynomial == sorted(polynomial, reverse=True)


@pytest.mark.parametrize("shift", [1e-6, 0.1, 10.0, 1e6])
def test_shifts_of_any_size(shift):
    # a large one leaves coarse operators with positive couplings
    for side in ("dirichlet", "neumann"):
        A = GridOperator.laplacian((60, 70), shift, sides=side)
        M = Multigrid(A)
        assert np.prod(M.grids[-1]) <= 256
        b = _right_hand_side(A)
        assert M.solve(b - b.mean()).iterations <= 12
    uncoupled = GridOperator((40, 40), 0.0, 1.0)
    assert Multigrid(uncoupled).solve(np.ones(1600)).iterations <= 30


def test_one_level_is_a_direct_method():
    A = GridOperator.diffusion(_blocks(16, 4, 1e3, 0))
    M = Multigrid(A)
    assert M.grids == ((16, 16),)
    assert M.solve(_right_hand_side(A)).iterations == 1


# ---- singular operators ---------------------------------------------------------------------


@pytest.mark.parametrize("side", ["neumann", "periodic"])
@pytest.mark.parametrize("grid", [(15,), (6, 5), (5, 2, 2)])
def test_singular_operators(library, grid, side):
    rng = np.random.default_rng(2)
    coefficient = library.asarray(np.exp(rng.standard_normal(grid)))
    A = GridOperator.diffusion(coefficient, sides=side)
    M = Multigrid(A, coarsest=10)
    assert M.singular
    b = rng.standard_normal(grid)
    b -= b.mean()
    for mean, solve in ((0.0, M.solve), (5.0, M.cg)):
        x0 = library.asarray(np.full(grid, mean))
        solution = solve(library.asarray(b), x0=x0, rtol=1e-4)
        assert solution.converged
        x = library.to_numpy(solution.x)
        assert abs(x.mean() - mean) < 1e-8
        seen = library.to_numpy(A @ library.xp.reshape(solution.x, (-1,)))
        assert np.linalg.norm(seen - b.ravel()) <= 1.1e-4 * np.linalg.norm(b)
    with pytest.raises(ValueError, match="mean"):
        M.solve(library.asarray(b + 1.0))
    with pytest.raises(ValueError, match="mean"):
        M.cg(library.asarray(b + 1.0))


@pytest.mark.parametrize("grid", [(300,), (1, 300), (3, 300)])
@pytest.mark.parametrize("smoother", SMOOTHERS)
def test_singular_lines_are_smoothed(grid, smoother):
    A = GridOperator.laplacian(grid, sides="neumann")
    b = np.cos(np.arange(A.shape[0]) ** 2)
    b -= b.mean()
    M = Multigrid(A, smoother=smoother)
    for solution in (M.solve(b), M.cg(b)):
        assert solution.converged
        assert np.linalg.norm(b - A @ solution.x) < 1e-7 * np.linalg.norm(b)


@pytest.mark.parametrize("grid", [(3,), (6,), (1, 7), (3, 3), (2, 2, 2)])
def test_singular_operators_keep_two_points(grid):
    A = GridOperator.laplacian(grid, sides="neumann")
    M = Multigrid(A, coarsest=1)
    assert np.prod(M.grids[-1]) > 1
    b = np.cos(np.arange(A.shape[0]) ** 2)
    assert M.cg(b - b.mean()).converged


@pytest.mark.parametrize("sizes", [(400, 5), (5, 400), (8, 4, 30)])
@pytest.mark.parametrize("side", ["dirichlet", "neumann"])
def test_short_axes_with_strong_coupling(sizes, side):
    weights = [1e4 if size < 10 else 1.0 for size in sizes]
    A = GridOperator.laplacian(sizes, weights=weights, sides=side)
    b = np.cos(np.arange(A.shape[0]) ** 2)
    b -= b.mean() if side == "neumann" else 0.0
    M = Multigrid(A)
    assert M.solve(b, rtol=1e-6).iterations <= 20
    assert M.cg(b, rtol=1e-6).iterations <= 15


def test_a_shift_or_a_fixed_side_is_not_singular():
    assert not Multigrid(GridOperator.laplacian((20, 20), 1e-9, sides="neumann")).singular
    sides = ["periodic", ("neumann", "dirichlet")]
    assert not Multigrid(GridOperator.laplacian((20, 20), sides=sides)).singular


# ---- knobs ----------------------------------------------------------------------------------


def test_knobs_change_without_a_new_hierarchy():
    A = GridOperator.laplacian((60, 60))
    M = Multigrid(A)
    b = _right_hand_side(A)
    other = M.with_knobs(smoother="jacobi", omega=0.7, cycle="W", pre=2, post=2)
    assert other.grids == M.grids
    assert other._hierarchy is M._hierarchy
    for method in ("solve", "cg"):
        one = getattr(other, method)(b)
        same = getattr(M, method)(b, smoother="jacobi", omega=0.7, cycle="W", pre=2, post=2)
        assert np.array_equal(one.x, same.x)
        assert one.choices["omega"] == 0.7
        assert one.choices["cycle"] == "W"
    assert M.knobs.smoother == "red-black"
    assert other.with_knobs(smoother="line").knobs.omega == 1.0
    assert M.with_knobs(smoother="chebyshev", interval=0.1).knobs.interval == 0.1


def test_calls_of_conjugate_gradients_agree():
    A = GridOperator.diffusion(_blocks(60, 6, 50.0, 1))
    b = _right_hand_side(A)
    M = Multigrid(A, omega=1.1, pre=2, post=2)
    solutions = [M.cg(b), cg(A, b, preconditioner=M), multigrid_cg(A, b, omega=1.1, sweeps=2)]
    assert len({solution.iterations for solution in solutions}) == 1
    for solution in solutions[1:]:
        assert np.array_equal(solution.x, solutions[0].x)


def test_copies_and_pickles_solve_alike():
    A = GridOperator.laplacian((40, 40))
    M = Multigrid(A, omega=1.2)
    b = _right_hand_side(A)
    for other in (copy.deepcopy(M), pickle.loads(pickle.dumps(M))):
        assert np.array_equal(other.solve(b).x, M.solve(b).x)


def test_storage_is_bounded():
    for A in (GridOperator.laplacian((200, 200)), GridOperator.laplacian((40, 40, 40))):
        M = Multigrid(A)
        assert 1 < M.complexity < 2
        for fine, coarse in zip(M.grids, M.grids[1:], strict=False):
            assert all(2 * c <= f + 1 for f, c in zip(fine, coarse, strict=True))


# ---- what goes wrong ------------------------------------------------------------------------


def test_not_converging_is_told():
    A = GridOperator.laplacian((40, 40))
    M = Multigrid(A)
    b = _right_hand_side(A)
    with pytest.warns(ConvergenceWarning, match="max_iterations"):
        assert M.solve(b, maxiter=2).status == "max_iterations"
    with pytest.warns(ConvergenceWarning, match="time_limit"):
        assert M.solve(b, time_limit=1e-9).status == "time_limit"
    with pytest.warns(ConvergenceWarning, match="diverged"):
        assert M.solve(b, smoother="jacobi", omega=1.99, pre=30, post=30).status == "diverged"
    with pytest.warns(ConvergenceWarning):
        M.solve(b, rtol=2.3e-16)  # beyond what rounding allows
    assert quiet(M.solve)(b, maxiter=2).iterations == 2  # no warning
    assert M.solve(b, maxiter=0, x0=M.solve(b).x).converged


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"smoother": "gauss"}, "smoother"),
        ({"cycle": "X"}, "cycle"),
        ({"omega": 2.0}, "omega"),
        ({"omega": math.nan}, "omega"),
        ({"omega": "1"}, "omega"),
        ({"interval": 0.2}, "no interval"),
        ({"smoother": "chebyshev", "omega": 1.0}, "no omega"),
        ({"smoother": "chebyshev", "interval": 1.0}, "interval"),
        ({"pre": -1}, "pre"),
        ({"post": 1.5}, "post"),
        ({"pre": 0, "post": 0}, "needs a sweep"),
        ({"coarsest": 0}, "coarsest"),
        ({"coarsest": 10**6}, "coarsest"),
    ],
)
def test_impossible_options(options, words):
    with pytest.raises(ValueError, match=words):
        Multigrid(GridOperator.laplacian((5, 5)), **options)


def test_impossible_operators():
    with pytest.raises(TypeError, match="GridOperator"):
        Multigrid(np.eye(3))
    with pytest.raises(TypeError, match="complex"):
        Multigrid(GridOperator.laplacian((5,), 1j))
    with pytest.raises(ValueError, match="empty"):
        Multigrid(GridOperator.laplacian((5, 0)))
    with pytest.raises(ValueError, match="diagonal"):
        Multigrid(GridOperator.laplacian((5, 5), -5.0))
    with pytest.raises(ValueError, match="diagonal"):
        Multigrid(GridOperator((4,), 0.0, np.array([1.0, 1.0, 0.0, 1.0]), sides="neumann"))


def test_impossible_vectors_and_calls():
    M = Multigrid(GridOperator.laplacian((5, 5)))
    with pytest.raises(ValueError, match="shape"):
        M.solve(np.ones(24))
    with pytest.raises(ValueError, match="shape"):
        M.precondition(np.ones(24))
    with pytest.raises(ValueError, match="NaN"):
        M.solve(np.full(25, np.nan))
    with pytest.raises(TypeError, match="omga"):
        M.solve(np.ones(25), omga=1.0)
    with pytest.raises(ValueError, match="rtol"):
        M.solve(np.ones(25), rtol=1e-20)
    for solver in (M.solve, M.cg):
        with pytest.raises(TypeError, match="complex"):
            solver(np.ones(25) * 1j)
    for knobs in ({"cycle": "F"}, {"pre": 2}):
        with pytest.raises(ValueError, match="not symmetric"):
            M.cg(np.ones(25), **knobs)
