"""Variable coefficients: against the equations, written one by one; counts of iterations."""

from __future__ import annotations

import math
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from structlin import ConvergenceWarning
from structlin.bases import Grid, dct
from structlin.solvers import Poisson, Robin
from structlin.solvers.elliptic import variable
from tests.solvers.elliptic.finite_volumes import mean, product_of, reference
from tests.solvers.elliptic.test_poisson import boundary_of, loose, problems, quietly


@settings(max_examples=15)
@given(
    problems(),
    st.sampled_from([0.0, 0.7]),
    st.sampled_from(["harmonic", "arithmetic"]),
    st.sampled_from(["auto", "pcg", "multigrid"]),
)
def test_solves_the_equations(problem, shift, face, method):
    grid, bc, f, data = problem
    if loose(bc) and shift == 0:
        data, f = {}, f - mean(grid, f)
    coef = np.exp(np.random.default_rng(1).standard_normal(grid.shape))
    expected = reference(grid, bc, f, data, shift=shift, coef=coef, harmonic=face == "harmonic")
    solver = Poisson(grid, bc=bc, shift=shift, coef=coef, mean=face, method=method, rtol=1e-12)
    u = quietly(solver, f, boundary_of(grid, data))
    np.testing.assert_allclose(u, expected, atol=1e-9 * max(1, np.abs(expected).max()))


def jumps(n: int, high: float, rng: Any = 1) -> np.ndarray:
    """Return a coefficient with two values, by the sign of a random function."""
    k = np.pi * np.arange(n)
    spectrum = 1 / (k[:, None] ** 2 + k**2 + 9) * np.random.default_rng(rng).standard_normal((n, n))
    spectrum[0, 0] = 0
    return np.where(dct(spectrum, type=3) >= 0, high, 1.0)


def smooth(x, y):
    return np.exp(2 * np.sin(2 * np.pi * x) * np.cos(3 * y))


def iterations(n: int, coef: Any, **options: Any) -> int:
    solver = Poisson(Grid.uniform([(0, 1), (0, 1)], n), coef=coef, rtol=1e-8, **options)
    found = solver.solution(1.0)
    assert found.converged
    return found.iterations


@pytest.mark.parametrize("n", [33, 65, 129, pytest.param(1025, marks=pytest.mark.slow)])
def test_iterations_do_not_grow(n):
    assert iterations(n, jumps(n, 4.0)) <= 25
    assert iterations(n, smooth) <= 12


def test_the_method_follows_the_coefficient():
    grid = Grid.uniform([(0, 1), (0, 1)], 129)
    few = Poisson(grid, coef=jumps(129, 4.0)).solution(1.0)
    assert few.choices == {"method": "pcg", "scaled": False}
    # smooth, whatever the contrast
    wild = Poisson(grid, coef=lambda x, y: smooth(x, y) ** 4).solution(1.0)
    assert wild.choices == {"method": "pcg", "scaled": True}
    assert wild.iterations <= 30
    many = Poisson(grid, coef=jumps(129, 1e4)).solution(1.0)
    assert many.choices == {"method": "multigrid"}
    assert many.iterations <= 20
    assert "by multigrid" in repr(Poisson(grid, coef=jumps(129, 1e4)))


def blocks(n: int, d: int, size: int, high: float, seed: int) -> np.ndarray:
    """Return a coefficient of cubes of points with one of two values each."""
    values = np.random.default_rng(seed).choice([1.0, high], (n // size,) * d)
    return np.kron(values, np.ones((size,) * d))


def lognormal(n: int, d: int, sigma: float, length: float, seed: int) -> np.ndarray:
    """Return a random field of that deviation of its logarithm and about that length."""
    waves = np.meshgrid(*[(np.pi * length * np.arange(n)) ** 2] * d, sparse=True)
    spectrum = np.random.default_rng(seed).standard_normal((n,) * d) / (1 + sum(waves)) ** 1.5
    spectrum.flat[0] = 0
    field = dct(spectrum, type=3)
    return np.exp(sigma * field / field.std())


@pytest.mark.parametrize("seed", [0, 1])
def test_rough_coefficients_take_multigrid(seed):
    """Where the potential is large everywhere, its own mean hides it."""
    for d, n in ((2, 64), (3, 16)):
        grid = Grid.uniform([(0, 1)] * d, n, kind="cell")
        for size in (1, 2, 4, 8) if d == 2 else (2, 4):
            assert Poisson(grid, coef=blocks(n, d, size, 100.0, seed)).method == "multigrid"
        for sigma in (1, 2, 3) if d == 2 else ():  # where there is room for roughness
            rough = lognormal(n, d, sigma, 2 / n, seed)
            assert Poisson(grid, coef=rough).method == "multigrid"
            assert Poisson(grid, coef=rough, bc="neumann").method == "multigrid"
        gentle = Poisson(grid, coef=lognormal(n, d, 1, 1.0, seed), rtol=1e-8).solution(1.0)
        assert gentle.choices == {"method": "pcg", "scaled": True}
        assert gentle.iterations <= 12


def test_multigrid_takes_over(monkeypatch):
    """The estimate may be wrong: then iterations go on from where they are."""
    monkeypatch.setattr(variable, "_most_condition", math.inf)
    grid = Grid.uniform([(0, 1)] * 2, 64, kind="cell")
    coef = blocks(64, 2, 8, 1e4, 0)
    F = np.stack([np.ones((64, 64)), grid.evaluate(lambda x, y: x - y)])
    found = Poisson(grid, coef=coef).solution(F)
    assert found.converged
    assert found.choices == {"method": "multigrid", "pcg_iterations": 60}
    assert 60 < found.iterations <= 100
    assert len(found.residual_norms) == found.iterations + 1
    expected = Poisson(grid, coef=coef, method="multigrid").solve(F)
    np.testing.assert_allclose(found.x, expected, atol=1e-7 * np.abs(expected).max())
    with pytest.warns(ConvergenceWarning, match="multigrid"):
        assert Poisson(grid, coef=coef, method="pcg", maxiter=70).solution(F).iterations == 70


def test_flow_through_layers_is_exact():
    """Harmonic means: one-dimensional flow through cells of different conductance."""
    grid = Grid.cells(np.array([0.0, 0.1, 0.4, 0.5, 1.0]))
    a = np.array([1.0, 10.0, 0.1, 3.0])
    u = Poisson(grid, coef=a).solve(0.0, [(0.0, 1.0)])
    widths = np.diff(grid.edges[0])
    resistance = widths / a
    expected = (np.cumsum(resistance) - resistance / 2) / resistance.sum()
    np.testing.assert_allclose(u, expected, rtol=1e-8)


@pytest.mark.parametrize("method", ["auto", "pcg", "multigrid"])
def test_a_single_cell(method):
    grid = Grid.uniform([(0, 2)], 1, kind="cell")
    coef = np.array([3.0])
    alone = Poisson(grid, bc="neumann", coef=coef, shift=2.0, method=method)
    # 2 u · 2 = f · 2 + 3 · 1, the slope at the high side being 1
    np.testing.assert_allclose(alone.solve(np.array([4.0]), [(0.0, 1.0)]), [2.75])


def test_second_order():
    """−∇·((1 + x) ∇u) for u = sin(πx) sin(πy), and Neumann conditions on one side."""
    errors = []
    for n in (32, 64):
        grid = Grid.uniform([(0, 1), (0, 1)], n, kind=("cell", "node"))

        def source(x, y):
            s, c = np.sin(np.pi * x), np.cos(np.pi * x)
            return np.sin(np.pi * y) * ((1 + x) * 2 * np.pi**2 * s - np.pi * c)

        slope = [(None, lambda x, y: -np.pi * np.sin(np.pi * y)), None]
        bc = [("dirichlet", "neumann"), "dirichlet"]
        solver = Poisson(grid, bc=bc, coef=lambda x, y: 1 + x, mean="arithmetic")
        exact = grid.evaluate(lambda x, y: np.sin(np.pi * x) * np.sin(np.pi * y))
        errors.append(math.sqrt(mean(grid, (solver.solve(source, slope) - exact) ** 2)))
    assert abs(np.log2(errors[0] / errors[1]) - 2) <= 0.06


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_array_libraries_and_batches(library, dtype, rng):
    like = library.asarray(np.empty(0))
    box, shape = [(0, 1), (0, 2)], (6, 5)
    coef = np.exp(rng.standard_normal(shape))
    for kind, bc in (("node", None), (("cell", "periodic"), "neumann")):
        grid = Grid.uniform(box, shape, kind=kind, like=like)
        host = Grid.uniform(box, shape, kind=kind)
        F = rng.standard_normal((2, *shape))
        if dtype.startswith("complex"):
            F = F + 1j * rng.standard_normal(F.shape)
        F = (F - F.mean(axis=(1, 2), keepdims=True)).astype(dtype)
        u = Poisson(grid, bc=bc, coef=library.asarray(coef)).solve(library.asarray(F))
        assert u.dtype == library.dtype(dtype)
        each = np.stack([reference(host, Poisson(host, bc=bc).sides, f, {}, coef=coef) for f in F])
        tolerance = (1e-3 if dtype in ("float32", "complex64") else 1e-8) * np.abs(each).max()
        np.testing.assert_allclose(library.to_numpy(u), each, atol=tolerance)


def test_three_dimensions(rng):
    axes = [Grid.uniform([(0, 1)], n, kind=kind) for n, kind in ((4, "node"), (3, "cell"))]
    grid = product_of([*axes, Grid(np.array([0.0, 0.2, 0.5, 1.0]))])
    bc = [("dirichlet", "neumann"), ("dirichlet", "dirichlet"), ("neumann", "neumann")]
    coef, f = np.exp(rng.standard_normal((2, *grid.shape)))
    u = Poisson(grid, bc=bc, coef=coef).solve(f)
    np.testing.assert_allclose(u, reference(grid, bc, f, {}, coef=coef), atol=1e-8)


@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_scale_does_not_matter(scale):
    grid = Grid.uniform([(0, 1), (0, 1)], 9)
    coef = jumps(9, 4.0)
    F = np.ones(grid.shape)
    u = Poisson(grid, coef=coef).solve(F)
    np.testing.assert_allclose(Poisson(grid, coef=coef).solve(scale * F) / scale, u, rtol=1e-8)
    np.testing.assert_allclose(Poisson(grid, coef=scale * coef).solve(F) * scale, u, rtol=1e-8)


def test_bad_input_is_named():
    grid = Grid.uniform([(0, 1), (0, 1)], 5)
    bad = np.ones((5, 5))
    bad[2, 3] = 0.0
    with pytest.raises(ValueError, match=r"\[2, 3\] that is not positive"):
        Poisson(grid, coef=bad)
    bad[2, 3] = np.nan
    with pytest.raises(ValueError, match=r"NaN or Inf at \[2, 3\]"):
        Poisson(grid, coef=bad)
    with pytest.raises(ValueError, match="coef is -1"):
        Poisson(grid, coef=-1.0)
    with pytest.raises(TypeError, match="complex"):
        Poisson(grid, coef=1j * np.ones((5, 5)))
    with pytest.raises(ValueError, match="shape"):
        Poisson(grid, coef=np.ones(5))
    with pytest.raises(ValueError, match="coef varies"):
        Poisson(grid, coef=jumps(5, 4.0), method="transform")
    with pytest.raises(ValueError, match="not positive definite"):
        Poisson(grid, coef=jumps(5, 4.0), shift=-1e3)
    with pytest.raises(ValueError, match="harmonic"):
        Poisson(grid, mean="geometric")
    with pytest.warns(ConvergenceWarning, match="max_iterations"):
        Poisson(grid, coef=jumps(5, 4.0), maxiter=1).solve(1.0)


@pytest.mark.parametrize("n", [65, 2049])
def test_single_precision_converges_by_default(n):
    """Warnings are errors: the default tolerance gives way to what rounding allows."""
    grid = Grid.uniform([(0, 1)], n)
    u = Poisson(grid, coef=lambda x: 1 + x).solve(np.ones(n, dtype=np.float32))
    x = grid.axes[0]
    np.testing.assert_allclose(u, np.log(1 + x) / math.log(2) - x, atol=1e-3)


@pytest.mark.parametrize("kind", ["node", "cell"])
def test_walls_that_feed_the_solution(kind, rng):
    """Numbers of Robin below zero: solved where the shift outweighs them, else an error."""
    grid = Grid.uniform([(0, 1)], 9, kind=kind)
    coef, f = np.linspace(1, 2, 9), rng.standard_normal(9)
    bc = [(Robin(-4.0), Robin(-4.0))]
    for shift in (60.0, 1e4):
        u = Poisson(grid, bc=bc, coef=coef, shift=shift).solve(f)
        expected = reference(grid, bc, f, {}, coef=coef, shift=shift)
        np.testing.assert_allclose(u, expected, atol=1e-8)
    with pytest.raises(ValueError, match="not positive definite"):
        Poisson(grid, bc=bc, coef=coef).solve(np.ones(9))


@pytest.mark.parametrize("coef", [smooth, lambda x, y: 1 + 3.0 * (x > y)])
def test_small_shifts(coef):
    """Almost constants are solutions for almost nothing, which the preconditioner knows."""
    grid = Grid.uniform([(0, 1), (0, 1)], 33, kind="cell")
    found = Poisson(grid, bc="neumann", coef=coef, shift=1e-2, rtol=1e-8).solution(1.0)
    assert found.converged
    assert found.iterations <= 40
    np.testing.assert_allclose(found.x, 100.0, rtol=1e-4)
