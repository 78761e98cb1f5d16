"""The damped Jacobi method, relaxation by lines, and block coordinate descent."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, strategies as st

from structlin import ConvergenceWarning
from structlin.matrices import GridOperator
from structlin.solvers import block_coordinate_descent, jacobi, line_sor, sor, ssor_cg
from structlin.solvers.relaxation._blocks import prepared_blocks

GRIDS = [(7,), (6, 8), (4, 3, 6), (1, 5), (5, 1), (2, 4, 2), (1, 1)]
RULES = ("cyclic", "random", "greedy", "gauss-southwell-lipschitz", "gauss-southwell-q")
BLOCKS = ("tree", 1, 4, [[5, 0, 3], [1, 2, 4, 6, 7, 8, 9, 10, 11]])


def grid_operator(grid, sides, variable, seed):
    rng = np.random.default_rng(seed)
    if variable:
        return GridOperator.diffusion(rng.uniform(0.1, 2.0, grid), shift=0.3, sides=sides)
    return GridOperator.laplacian(grid, shift=0.3, sides=sides)


def block_sweeps(dense, b, blocks, omega, sweeps):
    """Return the residual norms of relaxation by blocks, in their order."""
    x, norms = np.zeros(len(b)), []
    for _ in range(sweeps):
        for rows in blocks:
            block = dense[np.ix_(rows, rows)]
            x[rows] += omega * np.linalg.solve(block, (b - dense @ x)[rows])
        norms.append(np.linalg.norm(b - dense @ x))
    return norms


# the Jacobi method


def test_jacobi_iterates(library, rng):
    A = GridOperator.diffusion(rng.uniform(0.5, 2.0, (4, 5)), shift=0.2)
    dense, b = A.todense(), rng.standard_normal((4, 5))
    like = GridOperator(
        (4, 5), tuple(library.asarray(w) for w in A.weights), library.asarray(A.shift)
    )
    solution = jacobi(like, library.asarray(b), omega=0.8)
    x, step = np.zeros(20), 0.8 / np.diag(dense)
    norms = [np.linalg.norm(b)]
    for _ in range(solution.iterations):
        x = x + step * (b.ravel() - dense @ x)
        norms.append(np.linalg.norm(b.ravel() - dense @ x))
    np.testing.assert_allclose(solution.residual_norms, norms, rtol=1e-6)
    np.testing.assert_allclose(library.to_numpy(solution.x).ravel(), x, rtol=1e-6)


def test_jacobi_converges_at_the_rate_of_theory():
    A = GridOperator.laplacian((15, 15))
    norms = jacobi(A, np.ones(225), omega=0.8).residual_norms
    # eigenvalues of D⁻¹A lie in 1 ± cos(π/16)
    assert norms[-1] / norms[-2] == pytest.approx(1 - 0.8 * (1 - math.cos(math.pi / 16)), rel=1e-6)


def test_jacobi_takes_arrays_and_diverges_where_it_must(rng):
    A = np.full((5, 5), 0.9) + 0.1 * np.eye(5)  # D⁻¹A has the eigenvalue 4.6
    with pytest.warns(ConvergenceWarning, match="diverged"):
        jacobi(A, np.ones(5), omega=0.5)
    assert jacobi(A, np.ones(5), omega=2 / 4.7).converged
    with pytest.raises(ValueError, match="in row 2"):
        jacobi(np.diag([1.0, 2.0, 0.0]), np.ones(3))
    with pytest.raises(ValueError, match="0 < omega < 2"):
        jacobi(A, np.ones(5), omega=2.0)


# relaxation by lines


@pytest.mark.parametrize("grid", GRIDS)
@given(
    sides=st.sampled_from(["dirichlet", "neumann", "periodic"]),
    variable=st.booleans(),
    zebra=st.booleans(),
    axis=st.integers(0, 2),
    omega=st.floats(0.5, 1.6),
    seed=st.integers(0, 1000),
)
def test_lines_are_solved_one_after_the_other(grid, sides, variable, zebra, axis, omega, seed):
    axis %= len(grid)
    others = [size for i, size in enumerate(grid) if i != axis]
    odd = sides == "periodic" and any(size > 1 and size % 2 for size in others)
    A = grid_operator(grid, sides, variable, seed)
    b = np.random.default_rng(seed).standard_normal(grid)
    options = {"axis": axis, "ordering": "zebra" if zebra and not odd else "lexicographic"}
    found = line_sor.quiet(A, b, omega=omega, maxiter=5, rtol=1e-6, **options)
    points = np.moveaxis(np.arange(b.size).reshape(grid), axis, -1).reshape(-1, grid[axis])
    parity = np.indices(others).sum(0).ravel() % 2 if others else np.zeros(1)
    order = np.argsort(parity, kind="stable") if "zebra" in options.values() else slice(None)
    norms = block_sweeps(A.todense(), b.ravel(), points[order], omega, found.iterations)
    np.testing.assert_allclose(found.residual_norms[1:], norms, rtol=1e-6, atol=1e-9)
    assert found.x.shape == grid


@pytest.mark.parametrize("ordering", ["zebra", "lexicographic"])
@pytest.mark.parametrize("sides", ["dirichlet", "periodic", ("neumann", "periodic")])
def test_lines_on_every_library(library, ordering, sides, rng):
    dtype = "complex128" if library.name == "numpy" else "float32"
    entries = rng.uniform(0.5, 2.0, (2, 4)).astype(np.finfo(dtype).dtype)
    A = GridOperator.diffusion(library.asarray(entries), shift=0.4, sides=sides)
    b = rng.standard_normal((2, 4)).astype(dtype)
    if dtype == "complex128":
        b = b + 1j * rng.standard_normal((2, 4))
    rtol = 1e-4 if dtype == "float32" else 1e-9
    for axis in (0, 1):
        solution = line_sor(
            A, library.asarray(b), omega=1.15, axis=axis, ordering=ordering, rtol=rtol
        )
        assert solution.x.dtype == library.dtype(dtype)
        x = library.to_numpy(solution.x).ravel()
        residual = b.ravel() - library.to_numpy(A.todense()) @ x
        assert np.linalg.norm(residual) <= 1.01 * rtol * np.linalg.norm(b)


def test_lines_take_the_strong_axis():
    A = GridOperator.laplacian((30, 20), weights=(50.0, 1.0))
    b = np.ones(600)
    along = line_sor(A, b, omega=1.0)
    assert along.choices == {"omega": 1.0, "ordering": "zebra", "axis": 0}
    assert 10 * along.iterations < line_sor.quiet(A, b, omega=1.0, axis=1).iterations


def test_lines_follow_youngs_theory():
    # block Jacobi radius of lines on an m x m Laplacian: c/(2 − c) with c = cos(π/(m + 1))
    c = math.cos(math.pi / 21)
    beta = c / (2 - c)
    norms = line_sor(GridOperator.laplacian((20, 20)), np.ones(400), omega=1.0).residual_norms
    assert norms[-1] / norms[-2] == pytest.approx(beta**2, rel=1e-6)


def test_bad_lines_are_told():
    A = GridOperator.laplacian((4, 5), weights=(0.0, 1.0), sides="neumann")
    with pytest.raises(ValueError, match=r"block of line \(0,\) is not positive definite"):
        line_sor(A, np.ones(20), omega=1.0, axis=1)
    periodic = GridOperator.laplacian((4, 5), weights=(0.0, 1.0), sides="periodic")
    with pytest.raises(ValueError, match="not positive definite"):
        line_sor(periodic, np.ones(20), omega=1.0, axis=1)
    A = GridOperator.laplacian((4, 5), shift=0.5, sides="periodic")
    with pytest.raises(ValueError, match="axis 1 is periodic with 5 points"):
        line_sor(A, np.ones(20), omega=1.0, axis=0, ordering="zebra")
    with pytest.raises(ValueError, match="axis is 2: the grid has axes 0 to 1"):
        line_sor(A, np.ones(20), omega=1.0, axis=2)
    with pytest.raises(ValueError, match="'zebra' or 'lexicographic'"):
        line_sor(A, np.ones(20), omega=1.0, ordering="red-black")
    with pytest.raises(TypeError, match="block_coordinate_descent"):
        line_sor(A.tosparse(), np.ones(20), omega=1.0)
    with pytest.raises(ValueError, match=r"b has shape \(3,\)"):
        line_sor(A, np.ones(3), omega=1.0)
    assert line_sor(GridOperator.laplacian((0, 3)), np.zeros(0), omega=1.0).x.shape == (0,)
    assert line_sor(A, np.zeros(20), omega=1.0).iterations == 0


# block coordinate descent


@pytest.mark.parametrize("blocks", BLOCKS, ids=str)
@pytest.mark.parametrize("rule", RULES)
def test_descent_solves_and_never_rises(rule, blocks, rng):
    A = GridOperator.diffusion(rng.uniform(0.2, 2.0, (3, 4)), shift=0.1)
    dense, b = A.todense(), rng.standard_normal((3, 4))
    exact = np.linalg.solve(dense, b.ravel())
    iterates = [np.zeros((3, 4))]
    solution = block_coordinate_descent(
        A, b, blocks=blocks, rule=rule, omega=1.2, rng=1, callback=iterates.append
    )
    np.testing.assert_allclose(solution.x.ravel(), exact, atol=1e-6)
    errors = [x.ravel() - exact for x in iterates]
    energies = [e @ dense @ e for e in errors]
    assert all(b <= a * (1 + 1e-9) + 1e-25 for a, b in itertools.pairwise(energies))
    again = block_coordinate_descent(A, b, blocks=blocks, rule=rule, omega=1.2, rng=1)
    assert abs(again.iterations - solution.iterations) <= 1
    by_rows = block_coordinate_descent(
        A.tosparse(), b.ravel(), blocks=blocks, rule=rule, omega=1.2, rng=1
    )
    assert by_rows.iterations == again.iterations


def test_single_rows_in_turn_are_relaxation():
    A, b = GridOperator.laplacian((10, 10)), np.ones(100)
    for omega in (1.0, 1.5):
        descent = block_coordinate_descent(A, b, blocks=1, omega=omega)
        points = sor(A, b, omega=omega, ordering="lexicographic")
        assert descent.iterations == points.iterations
        np.testing.assert_allclose(descent.residual_norms, points.residual_norms, rtol=1e-6)


def test_rows_of_the_grid_in_turn_are_line_relaxation(rng):
    A = GridOperator.diffusion(rng.uniform(0.2, 2.0, (7, 5)), shift=0.1)
    b = rng.standard_normal(35)
    descent = block_coordinate_descent(A, b, blocks=5, omega=1.3)
    by_lines = line_sor(A, b, omega=1.3, axis=1, ordering="lexicographic")
    assert descent.iterations == by_lines.iterations
    np.testing.assert_allclose(descent.residual_norms, by_lines.residual_norms, rtol=1e-6)


@given(n=st.integers(1, 9), seed=st.integers(0, 1000), complex_entries=st.booleans())
def test_greedy_rules_choose_what_they_say(n, seed, complex_entries):
    rng = np.random.default_rng(seed)
    C = rng.standard_normal((2 * n, 2 * n))
    if complex_entries:
        C = C + 1j * rng.standard_normal((2 * n, 2 * n))
    C = np.where(rng.random((2 * n, 2 * n)) < 0.5, C, 0)
    A = C @ C.conj().T + np.eye(2 * n)
    b = rng.standard_normal(2 * n) + (1j if complex_entries else 0) * rng.standard_normal(2 * n)
    blocks = [np.arange(2 * k, 2 * k + 2) for k in range(n)]
    inside = [A[np.ix_(rows, rows)] for rows in blocks]
    score = {
        "greedy": lambda k, r: np.linalg.norm(r) ** 2,
        "gauss-southwell-lipschitz": lambda k, r: (
            np.linalg.norm(r) ** 2 / np.abs(inside[k]).sum(1).max()
        ),
        "gauss-southwell-q": lambda k, r: (r.conj() @ np.linalg.solve(inside[k], r)).real,
    }
    for rule, value in score.items():
        x = np.zeros_like(b)
        for _ in range(2 * n):  # two sweeps
            r = b - A @ x
            k = int(np.argmax([value(k, r[rows]) for k, rows in enumerate(blocks)]))
            x[blocks[k]] += np.linalg.solve(inside[k], r[blocks[k]])
        found = block_coordinate_descent.quiet(
            scipy.sparse.csr_array(A), b, blocks=2, rule=rule, maxiter=2, rtol=1e-14
        )
        np.testing.assert_allclose(found.x, x, atol=1e-8 * (1 + np.abs(x).max()))


@given(n=st.integers(1, 40), density=st.floats(0.0, 0.3), seed=st.integers(0, 1000))
def test_trees_are_trees_and_solved_exactly(n, density, seed):
    rng = np.random.default_rng(seed)
    C = np.where(rng.random((n, n)) < density, rng.standard_normal((n, n)), 0)
    C = C + C.T
    A = scipy.sparse.csr_array(C + (1 + np.abs(C).sum(1).max()) * np.eye(n))
    b = rng.standard_normal(n)
    few = block_coordinate_descent.quiet(A, b, maxiter=1)
    known = prepared_blocks(A, "tree")
    blocks = [known.rows[s:e] for s, e in itertools.pairwise(known.start)]
    assert sorted(np.concatenate(blocks)) == list(range(n))
    for rows in blocks:
        graph = A[rows][:, rows]
        edges = (graph.nnz - rows.size) // 2
        parts, _ = scipy.sparse.csgraph.connected_components(graph)
        assert edges == rows.size - parts  # a forest
    norms = block_sweeps(A.toarray(), b, blocks, 1.0, 1)
    np.testing.assert_allclose(few.residual_norms[1:], norms[: few.iterations], atol=1e-9)


@pytest.mark.parametrize("grid", [(30,), (9, 12), (5, 6, 4)])
def test_grids_need_at_most_two_forests(grid):
    A = GridOperator.laplacian(grid, shift=0.1)
    solution = block_coordinate_descent(A, np.ones(A.shape[0]))
    assert solution.choices["blocks"] == min(2, len(grid))
    if len(grid) == 1:
        assert solution.iterations == 1  # a line is one tree


def test_bad_blocks_are_told(rng):
    A = GridOperator.laplacian((3, 4))
    b = np.ones(12)
    for blocks, match in (
        ("trees", "use 'tree'"),
        (0, "at least one row"),
        ([[0, 1], [1, 2]], "row 1 is in 2 blocks"),
        ([range(11)], "row 11 is in 0 blocks"),
        ([range(12), [12]], "rows 0 to 11"),
        ([[0.5]], r"blocks\[0\]"),
        ([[]], r"blocks\[0\]"),
    ):
        with pytest.raises(ValueError, match=match):
            block_coordinate_descent(A, b, blocks=blocks)
    with pytest.raises(TypeError, match="blocks is None"):
        block_coordinate_descent(A, b, blocks=None)
    with pytest.raises(ValueError, match="rule is 'best'"):
        block_coordinate_descent(A, b, rule="best")
    with pytest.raises(TypeError, match="csr_array"):
        block_coordinate_descent(np.eye(3), np.ones(3))
    skew = scipy.sparse.csr_array([[2.0, 1.0], [0.0, 2.0]])
    with pytest.raises(ValueError, match="not Hermitian"):
        block_coordinate_descent(skew, np.ones(2))
    indefinite = scipy.sparse.csr_array([[1.0, 2.0], [2.0, 1.0]])
    for blocks in ("tree", 2):
        with pytest.raises(ValueError, match="not positive definite"):
            block_coordinate_descent(indefinite, np.ones(2), blocks=blocks)
    with pytest.raises(ValueError, match="NaN or Inf"):
        block_coordinate_descent(scipy.sparse.csr_array([[np.nan]]), np.ones(1))
    empty = block_coordinate_descent(scipy.sparse.csr_array((0, 0)), np.zeros(0))
    assert empty.converged


def test_descent_stays_on_the_host(library):
    if library.name == "numpy":
        return
    A = GridOperator.laplacian((3, 4), like=library.asarray(np.ones(1)))
    with pytest.raises(TypeError, match="on the CPU only"):
        block_coordinate_descent(A, library.asarray(np.ones(12)))


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_the_units_of_matrix_and_right_hand_side_do_not_matter(scale, rng):
    A = GridOperator.diffusion(rng.uniform(0.2, 2.0, (5, 6)), shift=0.1)
    b = np.ones(30)
    for solve in (
        lambda A, b: jacobi(A, b, omega=0.9),
        lambda A, b: line_sor(A, b, omega=1.2),
        lambda A, b: block_coordinate_descent(A, b, rule="gauss-southwell-q", blocks=4),
    ):
        expected = solve(A, b).x
        np.testing.assert_allclose(solve(scale * A, b).x * scale, expected, rtol=1e-6)
        np.testing.assert_allclose(solve(A, scale * b).x / scale, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "exponent"),
    [("float32", -100), ("float32", 110), ("float64", -900), ("float64", 900)],
)
def test_the_unit_of_the_matrix_does_not_matter(kind, exponent, rng):
    b = rng.standard_normal(42).astype(kind)
    for solve in (
        lambda A: line_sor(A, b, omega=1.2, rtol=1e-4),
        lambda A: block_coordinate_descent(A, b, rtol=1e-4),
        lambda A: block_coordinate_descent(A, b, blocks=5, rule="greedy", rtol=1e-4),
        lambda A: jacobi(A, b, rtol=1e-4),
    ):
        one, other = (
            solve(GridOperator.laplacian((6, 7), weights=unit, dtype=kind))
            for unit in (1.0, 2.0**exponent)
        )
        assert one.iterations == other.iterations
        x = other.x.astype("float64") * 2.0**exponent
        np.testing.assert_allclose(x, one.x, rtol=1e-3, atol=1e-3)


def test_callbacks_may_write_into_what_they_get(rng):
    A, b = GridOperator.laplacian((5, 6)), rng.standard_normal(30)
    for solve in (
        lambda **options: sor(A, b, omega=1.2, **options),
        lambda **options: ssor_cg(A, b, omega=1.2, **options),
        lambda **options: jacobi(A, b, **options),
        lambda **options: line_sor(A, b, omega=1.2, **options),
        lambda **options: block_coordinate_descent(A, b, **options),
    ):
        solution = solve(callback=lambda x: x.fill(np.nan))
        assert solution.converged
        assert solution.iterations == solve().iterations


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_entries_of_a_matrix_that_are_not_finite_are_named(bad):
    A = GridOperator.laplacian((5,)).tosparse()
    A[2, 3] = bad
    for solve in (sor, ssor_cg, block_coordinate_descent):
        with pytest.raises(ValueError, match=r"A has a NaN or Inf at \[2, 3\]"):
            solve(A, np.ones(5), omega=1.0)
    with pytest.raises(ValueError, match="A has a NaN or Inf"):
        jacobi(A.toarray(), np.ones(5))
