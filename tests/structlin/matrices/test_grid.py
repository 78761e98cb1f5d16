"""The grid operator against matrices assembled point by point, and its bad input."""

from __future__ import annotations

import itertools
import math
import pickle

import numpy as np
import pytest

from structlin.matrices import (
    Diagonal,
    GridOperator,
    Identity,
    Kronecker,
    diagonal,
    explain,
    is_hermitian,
    slogdet,
    solve,
    trace,
)

KINDS = ("dirichlet", "neumann", "periodic")


def assembled(grid, weights, shift, sides):
    """Return the matrix of ``s u + Σ w (u − u_neighbour)``, from the definition."""
    index = np.arange(math.prod(grid)).reshape(grid)
    A = np.diag(np.broadcast_to(shift, grid).ravel().astype(float))
    for point in np.ndindex(*grid):
        row = index[point]
        for axis, size in enumerate(grid):
            for step in (-1, 1):
                face = list(point)
                face[axis] += step > 0
                w = weights[axis][tuple(face)]
                other = list(point)
                other[axis] += step
                outside = not 0 <= other[axis] < size
                side = sides[axis][step > 0]
                if outside and (side == "neumann" or (side == "periodic" and size == 1)):
                    continue
                A[row, row] += w
                if outside and side == "dirichlet":
                    continue
                other[axis] %= size
                A[row, index[tuple(other)]] -= w
    return A


def random_weights(rng, grid, sides):
    weights = []
    for axis in range(len(grid)):
        faces = list(grid)
        faces[axis] += 1
        w = rng.uniform(0.5, 2.0, faces)
        if sides[axis][0] == "periodic":
            np.moveaxis(w, axis, 0)[-1] = np.moveaxis(w, axis, 0)[0]
        weights.append(w)
    return weights


PAIRS = [("periodic", "periodic"), *itertools.product(KINDS[:2], repeat=2)]


@pytest.mark.parametrize("grid", [(1,), (4,), (1, 3), (3, 4), (2, 3, 3), (3, 1, 2)], ids=str)
@pytest.mark.parametrize("kind", ["uniform", "graded", "variable"])
def test_products_for_all_sides(grid, kind, rng):
    n = math.prod(grid)
    X = rng.standard_normal((n, 3))
    for sides in itertools.product(PAIRS, repeat=len(grid)):
        full = random_weights(rng, grid, sides)
        if kind == "uniform":
            full = [np.full(w.shape, axis + 0.5) for axis, w in enumerate(full)]
            given = tuple(axis + 0.5 for axis in range(len(grid)))
        elif kind == "graded":
            given = []
            for axis, w in enumerate(full):
                line = np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1)[:, 0]
                shape = [1] * len(grid)
                shape[axis] = -1
                given.append(line.reshape(shape))
            full = [np.broadcast_to(g, w.shape) for g, w in zip(given, full, strict=True)]
        else:
            given = tuple(full)
        shift = rng.uniform(0.0, 1.0, grid) if kind == "variable" else 0.3
        A = GridOperator(grid, given, shift, sides=sides)
        expected = assembled(grid, full, shift, sides)
        np.testing.assert_allclose(A @ X, expected @ X, atol=1e-13)
        np.testing.assert_allclose(A @ X[:, 0], expected @ X[:, 0], atol=1e-13)
        np.testing.assert_allclose(diagonal(A), np.diag(expected), atol=1e-13)
        np.testing.assert_allclose(A.reversed() @ X, expected[::-1, ::-1] @ X, atol=1e-13)
        assert math.isclose(trace(A), np.trace(expected))
        assert is_hermitian(A)


def test_laplacian_is_the_familiar_stencil():
    A = GridOperator.laplacian((3, 3)).todense()
    assert np.array_equal(np.unique(A), [-1.0, 0.0, 4.0])
    A = GridOperator.laplacian((3, 3, 3)).todense()
    assert np.array_equal(np.unique(A), [-1.0, 0.0, 6.0])
    assert A[0, 1] == A[0, 3] == A[0, 9] == -1  # C order


def test_diffusion_takes_harmonic_means():
    kappa = np.array([[1.0, 3.0], [2.0, 4.0]])
    A = GridOperator.diffusion(kappa, sides="neumann").todense()
    assert A[0, 1] == -2 * 1 * 3 / (1 + 3)
    assert A[0, 2] == -2 * 1 * 2 / (1 + 2)
    np.testing.assert_allclose(A.sum(axis=1), 0, atol=1e-15)
    ring = GridOperator.diffusion(np.array([1.0, 3.0, 2.0]), sides="periodic").todense()
    assert ring[0, 2] == ring[2, 0] == -2 * 1 * 2 / (1 + 2)
    np.testing.assert_allclose(ring.sum(axis=1), 0, atol=1e-15)
    scaled = GridOperator.diffusion(kappa, weights=(4.0, 9.0), sides="neumann").todense()
    assert scaled[0, 1] == 9 * A[0, 1]
    assert scaled[0, 2] == 4 * A[0, 2]


def test_diffusion_lives_where_its_coefficient_lives(library):
    kappa = library.asarray([[1.0, 3.0], [2.0, 4.0]], "float32")
    A = GridOperator.diffusion(kappa, shift=np.float64(0.5), weights=np.float64(2.0))
    assert A.dtype == kappa.dtype
    dense = library.to_numpy(A.todense())
    assert dense[0, 1] == np.float32(-3.0)


def test_multiples_and_adjoints_stay_grid_operators():
    A = GridOperator.laplacian((3, 4), shift=0.5 + 1j)
    assert isinstance(2 * A, GridOperator)
    np.testing.assert_allclose((2j * A).todense(), 2j * A.todense())
    assert A.T is A
    np.testing.assert_allclose(A.H.todense(), A.todense().conj().T)
    assert not is_hermitian(A)
    assert isinstance(Kronecker(A, np.eye(2)).factors[0], GridOperator)
    again = pickle.loads(pickle.dumps(A))
    assert np.array_equal(again.todense(), A.todense())


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"grid": 5}, TypeError, "grid is 5: pass a tuple"),
        ({"grid": "33"}, TypeError, "grid is '33'"),
        ({"grid": (2.5, 3)}, TypeError, "2.5"),
        ({"grid": (-3, -3)}, ValueError, "negative"),
        ({"grid": ()}, ValueError, "1 to 3"),
        ({"grid": (2, 2, 2, 2)}, ValueError, "1 to 3"),
        ({"weights": None}, TypeError, r"weights\[0\] is None"),
        ({"weights": "a"}, TypeError, r"weights\[0\] is 'a'"),
        ({"weights": (1.0,)}, ValueError, "1 weights .* 2 axes"),
        ({"weights": math.nan}, ValueError, r"weights\[0\] is nan"),
        ({"weights": np.ones((3, 3))}, ValueError, "does not broadcast"),
        ({"weights": (np.full((4, 1), np.inf), 1.0)}, ValueError, r"weights\[0\] .* \[0, 0\]"),
        ({"shift": [1.0]}, TypeError, "shift is"),
        ({"shift": math.inf}, ValueError, "shift is inf"),
        ({"shift": np.ones(7)}, ValueError, "does not broadcast"),
        ({"sides": "robin"}, ValueError, "unknown"),
        ({"sides": ("dirichlet",)}, ValueError, "1 sides .* 2 axes"),
        ({"sides": (("periodic", "neumann"), "neumann")}, ValueError, "on both sides"),
        ({"sides": None}, TypeError, "sides"),
        ({"sides": ("dirichlet", None)}, ValueError, "sides None are unknown"),
        ({"shift": 10**400}, ValueError, "finite"),
        ({"shift": 1j, "dtype": "float64"}, ValueError, "complex"),
    ],
    ids=str,
)
def test_bad_input_is_told(kwargs, error, message):
    with pytest.raises(error, match=message):
        GridOperator(**{"grid": (3, 3), **kwargs})


def test_periodic_faces_are_one():
    with pytest.raises(ValueError, match="one face"):
        GridOperator((3,), np.array([1.0, 1.0, 1.0, 2.0]), sides="periodic")


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_diffusion_needs_positive_coefficients(bad):
    with pytest.raises(ValueError, match="coefficient"):
        GridOperator.diffusion(np.array([1.0, bad]))
    with pytest.raises(TypeError, match="complex"):
        GridOperator.diffusion(np.array([1.0, 1j]))


def test_extreme_coefficients_keep_their_means():
    for scale in (1e-200, 1e200):
        A = GridOperator.diffusion(np.array([1.0, 3.0]) * scale, sides="neumann").todense()
        np.testing.assert_allclose(A / scale, [[1.5, -1.5], [-1.5, 1.5]])


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"weights": 1e300}, "finite in float32"),
        ({"weights": 1e-300}, "vanishes in float32"),
        ({"weights": np.ones((1, 1)) * 1j}, "complex"),
        ({"weights": 3e38}, "the diagonal"),
    ],
)
def test_what_the_data_type_cannot_hold_is_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        GridOperator((3, 3), **kwargs, dtype="float32")


def test_later_changes_of_the_arrays_do_not_reach_the_operator():
    w = np.ones(4)
    A = GridOperator((3,), w, 1.0)
    w[:] = 5.0
    np.testing.assert_array_equal(A @ np.ones(3), [2.0, 1.0, 2.0])


def test_sums_that_change_the_diagonal_stay_grid_operators(rng):
    A = GridOperator.laplacian((3, 4), weights=(0.5, 2.0), sides=["periodic", "neumann"])
    d = rng.uniform(1.0, 2.0, 12)
    expected = A.todense()
    one, by = Identity(12), Diagonal(d)
    for total, matrix in (
        (A + one, np.eye(12)),
        (one + A, np.eye(12)),
        (A + 3 * one, 3 * np.eye(12)),
        (3 * one + A, 3 * np.eye(12)),
        (A + by, np.diag(d)),
        (by + A, np.diag(d)),
        (A - one, -np.eye(12)),
        (A + 2 * A, 2 * expected),
    ):
        assert isinstance(total, GridOperator)
        np.testing.assert_allclose(total.todense(), expected + matrix, atol=1e-14)


@pytest.mark.parametrize("sides", ["dirichlet", "periodic", ["neumann", ("dirichlet", "neumann")]])
def test_sparse_form_and_direct_solution(sides, rng):
    A = GridOperator.diffusion(rng.uniform(0.5, 2.0, (4, 5)), shift=0.3, sides=sides)
    np.testing.assert_allclose(A.tosparse().toarray(), A.todense(), atol=1e-14)
    b = rng.standard_normal((20, 2))
    np.testing.assert_allclose(A.todense() @ solve(A, b), b, atol=1e-12)
    np.testing.assert_allclose(slogdet(A), np.linalg.slogdet(A.todense()), rtol=1e-12)
    for size in (1, 2):
        small = GridOperator.laplacian(
            (size,), shift=1.0, sides=sides if isinstance(sides, str) else sides[:1]
        )
        np.testing.assert_allclose(small.tosparse().toarray(), small.todense())


def test_a_large_grid_is_solved_directly():
    A = GridOperator.laplacian((150, 150))
    x = solve(A, np.ones(22_500))
    np.testing.assert_allclose(A @ x, 1.0, atol=1e-9)
    assert "sparse LU" in repr(explain("solve", A))
