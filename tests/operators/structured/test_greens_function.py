"""Green's functions learned from solvers and from pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from structlin.bases import Grid
from structlin.operators import GreensFunction, HierarchicalLowRank
from structlin.operators.structured._cluster_tree import cluster_tree
from structlin.operators.structured._interpolation import interpolation
from structlin.testing import check_operator


def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the Green's function of ``-u'' = f`` with zeros at the ends of (0, 1)."""
    return np.minimum(x[:, None], y) * (1 - np.maximum(x[:, None], y))


def convection(n: int, speed: float, shift: complex = 0.0) -> np.ndarray:
    """Return the inverse of ``-u'' + speed u' + shift u`` on n inner points."""
    h, eye = 1 / (n + 1), np.eye(n)
    up, down = np.eye(n, k=1), np.eye(n, k=-1)
    A = (2 * eye - up - down) / h**2 + speed * (up - down) / (2 * h) + shift * eye
    return np.linalg.inv(A)


@pytest.mark.parametrize("structure", ["hierarchical", "low rank"])
def test_the_kernel_of_poissons_equation(structure):
    grid = Grid(np.linspace(0, 1, 257))
    x = grid.axes[0]
    A = kernel(x, x) * grid.weights()
    learned = GreensFunction(rank=40, structure=structure, rng=0).learn(lambda f: f @ A.T, grid)
    points = np.linspace(0, 1, 33)  # every eighth point of the grid
    # off the diagonal the kernel has rank 1; as a whole, its values fall as 1/(π k)²
    tolerance = 1e-12 if structure == "hierarchical" else 3 / (math.pi**2 * 40)
    assert np.allclose(learned(points), kernel(points, points), atol=tolerance)
    assert np.allclose(learned(points[:3], points), kernel(points[:3], points), atol=tolerance)
    columns = learned.column(points[[3, 9]])
    assert np.allclose(columns, kernel(points[[3, 9]], x), atol=tolerance)
    assert learned.error_estimate < (1e-12 if structure == "hierarchical" else 1e-3)
    f = np.sin(3 * np.pi * x)
    assert np.allclose(learned.predict(f), f / (9 * np.pi**2), atol=1e-3)
    assert learned.predict(np.zeros((2, 3, 257))).shape == (2, 3, 257)


def test_solves_grow_as_the_logarithm_of_the_points():
    counts = []
    for n in (129, 1025):
        grid = Grid(np.linspace(0, 1, n))
        A = kernel(grid.axes[0], grid.axes[0]) / (n - 1)
        learned = GreensFunction(rank=2, rng=0).learn(lambda f, A=A: f @ A.T, grid)
        assert learned.error_estimate < 1e-12
        counts.append(learned.solves)
    # three more sizes of boxes, of which each takes two times rank and oversampling
    assert counts[1] - counts[0] == 3 * 2 * (2 + 6)


def test_kernels_that_are_not_symmetric_need_the_adjoint():
    A = convection(200, 20.0)
    grid = Grid(np.linspace(0, 1, 202)[1:-1])
    learned = GreensFunction(rank=4, symmetric=False, rng=0).learn(
        lambda f: f @ A.T, grid, adjoint=lambda f: f @ A, weights=1 / 201
    )
    assert np.allclose(learned.operator.todense(), A, atol=1e-10 * np.abs(A).max())
    with pytest.raises(ValueError, match="needs adjoint="):
        GreensFunction(symmetric=False).learn(lambda f: f @ A.T, grid)
    with pytest.raises(ValueError, match="not symmetric, pass symmetric=False"):
        GreensFunction().learn(lambda f: f @ A.T, grid, weights=1.0)


def test_complex_kernels_are_symmetric_without_conjugates():
    A = convection(150, 0.0, -(20.0**2) - 15j)
    grid = Grid(np.linspace(0, 1, 152)[1:-1])
    learned = GreensFunction(rank=4, rng=0).learn(lambda f: f @ A.T, grid, weights=1.0)
    assert np.allclose(learned.operator.todense(), A, atol=1e-10 * np.abs(A).max())
    check = np.ones(150) + 1j * np.arange(150)
    assert np.allclose(learned.operator.H @ check, A.conj().T @ check, atol=1e-9)


def test_two_axes():
    n = 15
    values = (2 - 2 * np.cos(np.arange(1, n + 1) * np.pi / (n + 1))) * (n + 1) ** 2
    S = np.sqrt(2 / (n + 1)) * np.sin(
        np.pi * np.outer(np.arange(1, n + 1), np.arange(1, n + 1)) / (n + 1)
    )

    def solve(F):
        return S @ ((S @ F @ S) / (values[:, None] + values)) @ S

    x = np.linspace(0, 1, n + 2)[1:-1]
    full = GreensFunction(rank=30, leaf=16, rng=0).learn(solve, Grid(x, x), weights=1.0)
    assert full.error_estimate < 1e-10
    few = GreensFunction(rank=6, leaf=16, rng=0).learn(solve, Grid(x, x), weights=1.0)
    assert 1e-10 < few.error_estimate < 0.05
    assert few.operator.parameters < full.operator.parameters
    point = np.array([[x[4], x[9]]])
    spike = np.zeros((n, n))
    spike[4, 9] = 1.0
    assert np.allclose(full.column(point)[0], solve(spike), atol=1e-8)


@pytest.mark.parametrize("symmetric", [True, False])
def test_pairs_tell_a_kernel_of_low_rank(symmetric, rng):
    grid = Grid(np.linspace(0, 1, 129))
    x = grid.axes[0]
    modes = np.sqrt(2) * np.sin(np.pi * np.arange(1, 6) * x[:, None])
    G = (modes * [5.0, -4.0, 3.0, 2.0, 1.0]) @ modes.T
    F = rng.standard_normal((40, 129))
    U = F @ (G * grid.weights()).T
    learned = GreensFunction(rank=5, structure="low rank", symmetric=symmetric)
    if symmetric:  # which knows the rows as well
        learned.fit(F, U, grid=grid)
        assert np.allclose(learned(x), G, atol=1e-8)
        assert learned.error_estimate < 1e-10
    else:  # only on what 32 forcings span, of 129
        with pytest.warns(UserWarning, match=r"held out is .* pass more pairs"):
            learned.fit(F, U, grid=grid)
        assert learned.error_estimate > 0.1
        assert np.allclose(learned.predict(F[:5]), U[:5], atol=1e-8)


def test_array_libraries_agree(library):
    x = library.asarray(np.linspace(0, 1, 65), np.float32)
    grid = Grid(x)
    host = np.linspace(0, 1, 65)
    A = library.asarray(kernel(host, host) / 64, np.float32)
    learned = GreensFunction(rank=2, leaf=8, rng=0, tol=1e-5).learn(lambda f: f @ A, grid)
    f = library.asarray(np.sin(np.pi * host)[None, :], np.float32)
    u = learned.predict(f)
    assert u.dtype == library.dtype("float32")
    assert np.allclose(library.to_numpy(u)[0], np.sin(np.pi * host) / np.pi**2, atol=1e-3)
    values = learned(np.array([0.5]), np.array([0.25]))
    assert library.to_numpy(values) == pytest.approx(0.125, abs=1e-4)


def test_what_does_not_fit_is_refused(rng):
    grid = Grid(np.linspace(0, 1, 65))
    with pytest.raises(ValueError, match="call learn or fit first"):
        GreensFunction().predict(np.ones((1, 65)))
    with pytest.raises(ValueError, match="structure is 'dense'"):
        GreensFunction(structure="dense")
    with pytest.raises(ValueError, match="rank is 0"):
        GreensFunction(rank=0)
    with pytest.raises(ValueError, match="returned shape"):
        GreensFunction().learn(lambda f: f[:, :3], grid)
    with pytest.raises(ValueError, match="sample 0 of the solutions has a NaN"):
        GreensFunction().learn(lambda f: f * np.nan, grid)
    F = rng.standard_normal((10, 65))
    with pytest.raises(ValueError, match="pairs tell a kernel of low rank"):
        GreensFunction().fit(F, F, grid=grid)
    low = GreensFunction(structure="low rank")
    with pytest.raises(ValueError, match="pass grid="):
        low.fit(F, F)
    with pytest.raises(ValueError, match="but the grid has"):
        low.fit(F, F, grid=Grid(np.linspace(0, 1, 64)))
    with pytest.warns(UserWarning, match=r"held out is .* pass more pairs"):
        learned = low.fit(F, F, grid=grid)
    with pytest.raises(ValueError, match="the last axes"):
        learned.predict(F[:, :5])
    with pytest.raises(ValueError, match=r"point 1 is 1\.5, outside the box"):
        learned(np.array([0.5, 1.5]))


@settings(max_examples=10)
@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 9))
def test_the_tree_has_every_point_once(n, m, leaf):
    grid = Grid(np.arange(n) + 0.0, np.arange(m) + 0.0)
    tree = cluster_tree(grid, leaf)
    assert np.array_equal(np.sort(tree.order), np.arange(n * m))
    assert max(cluster.size for cluster in tree.leaves) <= leaf
    index = np.arange(n * m).reshape(n, m)
    for pairs in tree.levels:
        for pair in pairs:
            for half in pair:
                inside = tree.order[half.start : half.stop]
                assert set(inside) == set(index[half.slices].ravel())


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_hierarchical_matrices_are_operators(dtype, library, rng):
    def made(*shape):
        values = rng.standard_normal(shape)
        return library.asarray(values + (1j * values[::-1] if dtype[0] == "c" else 0), dtype)

    leaves = [((0, 2), made(2, 2)), ((2, 5), made(3, 3))]
    blocks = [
        ((0, 2), (2, 5), made(2, 1), made(3, 1)),
        ((2, 5), (0, 2), made(3, 2), made(2, 2)),
    ]
    A = HierarchicalLowRank(leaves, blocks, [4, 0, 2, 1, 3])
    check_operator(A, rng=0)
    assert A.largest_rank == 2
    assert A.parameters == 4 + 9 + 5 + 10
    with pytest.raises(ValueError, match="pass leaves"):
        HierarchicalLowRank([])


@pytest.mark.parametrize("kind", ["node", "cell", "periodic", "legendre", "chebyshev"])
def test_weights_integrate_and_interpolation_interpolates(kind):
    box = [(0.0, 2.0), (-1.0, 1.0)]
    if kind in ("node", "cell", "periodic"):
        grid = Grid.uniform(box, (9, 8), kind=kind)
    else:
        grid = getattr(Grid, kind)(box, (9, 8))
    assert np.sum(grid.weights() * np.ones(grid.shape)) == pytest.approx(4.0)
    P = interpolation(grid, np.array([[grid.axes[0][3], grid.axes[1][5]], [0.9, 0.1]]))
    assert np.allclose(P.sum(axis=1), 1)
    assert P[0, 3 * 8 + 5] == pytest.approx(1)
    linear = grid.evaluate(lambda x, y: x + 2 * y).ravel()
    assert P[1] @ linear == pytest.approx(0.9 + 0.2)


def test_zeros_and_single_points_are_learned():
    grid = Grid(np.linspace(0, 1, 9))
    for structure in ("hierarchical", "low rank"):
        zero = GreensFunction(rank=2, leaf=4, structure=structure, rng=0).learn(np.zeros_like, grid)
        assert np.all(zero.predict(np.ones((2, 9))) == 0)
    F = np.random.default_rng(0).standard_normal((5, 9))
    zero = GreensFunction(rank=2, structure="low rank").fit(F, 0 * F, grid=grid)
    assert np.all(zero.predict(F) == 0)
    one = GreensFunction(rank=2, rng=0).learn(lambda f: 3 * f, Grid(np.array([0.5])))
    assert np.allclose(one.predict(np.ones((4, 1))), 3)


def test_single_precision_stays(rng):
    F = rng.standard_normal((9, 7)).astype(np.float32)
    U = F @ (np.eye(7, dtype=np.float32) + 1)
    grid = Grid.uniform([(0, 1)], 7)
    learned = GreensFunction(rank=7, structure="low rank").fit(F, U, grid=grid, weights=1.0)
    assert learned.predict(F).dtype == np.float32
    assert np.allclose(learned.predict(F), U, atol=1e-3)


def test_what_a_solver_may_not_return():
    grid = Grid(np.linspace(0, 1, 9))
    with pytest.raises(ValueError, match="the solver returned a NoneType for forcings of shape"):
        GreensFunction(rng=0).learn(lambda f: None, grid)
    with pytest.raises(ValueError, match="solver returned shape"):
        GreensFunction(rng=0).learn(lambda f: f[:, :3], grid)
    learned = GreensFunction(rng=0).learn(lambda f: f, grid)
    with pytest.raises(ValueError, match="sample 0 of the solutions has a NaN"):
        learned.learn(lambda f: f * np.nan, Grid(np.linspace(0, 1, 5)))
    # nothing is left of what was learned on another grid
    with pytest.raises(ValueError, match="nothing has been learned"):
        learned.predict(np.ones(5))


def test_affine_solvers_and_large_errors_are_told():
    grid = Grid(np.linspace(0, 1, 65))
    x = grid.axes[0]
    A = kernel(x, x) / 64
    with pytest.raises(ValueError, match=r"affine: .* Subtract solver\(0\)"):
        GreensFunction(rank=2, rng=0).learn(lambda f: f @ A.T + 1 + x, grid)
    few = GreensFunction(rank=1, structure="low rank", oversampling=0, length_scale=0.02, rng=0)
    with pytest.warns(UserWarning, match="a larger rank= or structure='hierarchical'"):
        few.learn(lambda f: f @ np.diag(1 + x), grid)


def test_numbers_are_points_of_a_line():
    grid = Grid(np.linspace(0, 1, 65))
    x = grid.axes[0]
    A = kernel(x, x) / 64
    G = GreensFunction(rank=2, rng=0).learn(lambda f: f @ A.T, grid)
    assert G(0.25, 0.5).shape == ()
    assert np.isclose(G(0.25, 0.5), 0.125)
    assert np.isclose(G(0.25), 3 / 16)
    assert G(0.25, x).shape == G(x, 0.25).shape == (65,)
    assert np.allclose(G.column(0.5), kernel(x, np.array([0.5]))[:, 0])
