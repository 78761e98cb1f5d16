"""Multigrid cycles fitted to pairs of forcings and solutions."""

from __future__ import annotations

import numpy as np
import pytest

from structlin import ConvergenceWarning
from structlin.bases import Grid
from structlin.operators import MultigridOperator
from structlin.operators.structured._stencils import (
    along_axes,
    applied,
    coarse,
    fitted,
    transfer,
)

scipy_fft = pytest.importorskip("scipy.fft")


def dirichlet(F: np.ndarray) -> np.ndarray:
    """Solve ``-Δu = F`` by second differences on inner points; forcings have the ends as well."""
    inner = tuple(slice(1, -1) for _ in F.shape[1:])
    axes = tuple(range(1, F.ndim))
    total = 0.0
    for axis, n in enumerate(F.shape[1:]):
        k = np.arange(1, n - 1)
        values = (2 - 2 * np.cos(k * np.pi / (n - 1))) * (n - 1) ** 2
        total = total + values.reshape(tuple(-1 if a == axis else 1 for a in range(F.ndim - 1)))
    u = np.zeros_like(F)
    spectrum = scipy_fft.dstn(F[(slice(None), *inner)], type=1, axes=axes) / total
    u[(slice(None), *inner)] = scipy_fft.idstn(spectrum, type=1, axes=axes)
    return u


@pytest.mark.parametrize("shape", [(65,), (33, 33), (20, 33), (9, 9, 12)])
def test_few_samples_tell_the_equation(shape, rng):
    F = rng.standard_normal((5, *shape))
    grid = Grid.uniform([(0, 1)] * len(shape), shape)
    learned = MultigridOperator().fit(F, dirichlet(F), grid=grid)
    assert learned.stencil_residual < 1e-10
    assert learned.held_out_error < 1e-7
    other = rng.standard_normal((2, *shape))
    expected = dirichlet(other)
    assert np.allclose(learned.predict(other), expected, atol=1e-7 * np.abs(expected).max())
    assert learned.rate < 0.4  # steps of one axis are half of those of the others
    x = other.reshape(2, -1)[0]
    assert np.allclose(learned.operator @ x, learned.predict(other[:1]).ravel())


def test_cycles_do_not_depend_on_the_number_of_points(rng):
    rates = []
    for n in (17, 65):
        F = rng.standard_normal((3, n, n))
        learned = MultigridOperator().fit(F, dirichlet(F), grid=Grid.uniform([(0, 1)] * 2, n))
        rates.append(learned.rate)
    assert max(rates) < 0.12


@pytest.mark.parametrize("kind", ["periodic", "cell"])
def test_other_sides(kind, rng):
    n = 16
    F = rng.standard_normal((6, n, n))
    if kind == "periodic":
        values = (2 - 2 * np.cos(2 * np.pi * np.arange(n) / n)) * n**2
        U = np.fft.ifft2(np.fft.fft2(F) / (values[:, None] + values + 10)).real
    else:
        values = (2 - 2 * np.cos(np.pi * np.arange(n) / n)) * n**2
        axes = (1, 2)
        U = scipy_fft.idctn(
            scipy_fft.dctn(F, axes=axes) / (values[:, None] + values + 10), axes=axes
        )
    learned = MultigridOperator().fit(F, U, grid=Grid.uniform([(0, 1)] * 2, n, kind=kind))
    assert learned.held_out_error < 1e-7


def test_a_coefficient_that_varies_asks_for_stencils_that_do(rng):
    n = 15
    x = np.linspace(0, 1, n)
    a = np.exp(np.sin(5 * x)[:, None] * np.cos(4 * x))
    A = _diffusion(a)
    F = np.zeros((30, n + 2, n + 2))
    F[:, 1:-1, 1:-1] = rng.standard_normal((30, n, n))
    U = np.zeros_like(F)
    U[:, 1:-1, 1:-1] = np.linalg.solve(A, F[:, 1:-1, 1:-1].reshape(30, -1).T).T.reshape(30, n, n)
    grid = Grid.uniform([(0, 1)] * 2, n + 2)
    learned = MultigridOperator(varying=True).fit(F, U, grid=grid)
    assert learned.held_out_error < 1e-7
    assert learned.parameters > 9 * n * n
    constant = MultigridOperator().fit(F, U, grid=grid)
    assert constant.stencil_residual > 0.1
    assert constant.held_out_error > 0.1


def _diffusion(a: np.ndarray) -> np.ndarray:
    """Return five-point diffusion with harmonic means and zeros beyond the sides."""
    n = len(a)
    A, wide = np.zeros((n * n, n * n)), np.pad(a, 1, mode="edge")
    for i in range(n):
        for j in range(n):
            for p, q in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                other = wide[i + p + 1, j + q + 1]
                weight = 2 * a[i, j] * other / (a[i, j] + other)
                A[i * n + j, i * n + j] += weight
                if 0 <= i + p < n and 0 <= j + q < n:
                    A[i * n + j, (i + p) * n + j + q] -= weight
    return A


def test_scales_do_not_matter(rng):
    F = rng.standard_normal((4, 33))
    grid = Grid.uniform([(0, 1)], 33)
    learned = MultigridOperator().fit(F * 1e120, dirichlet(F) * 1e-30, grid=grid)
    assert learned.held_out_error < 1e-7
    assert np.allclose(learned.predict(F * 1e120) * 1e30, dirichlet(F), atol=1e-8)


def test_array_libraries_agree(library, rng):
    F = rng.standard_normal((4, 17, 17))
    U = dirichlet(F)
    grid = Grid.uniform([(0, 1)] * 2, 17, like=library.asarray(np.ones(1)))
    learned = MultigridOperator(rcond=1e-6).fit(
        library.asarray(F, np.float32), library.asarray(U, np.float32), grid=grid
    )
    found = learned.predict(library.asarray(F, np.float32))
    assert found.dtype == library.dtype("float32")
    assert np.allclose(library.to_numpy(found), U, atol=1e-3 * np.abs(U).max())


def test_odd_periodic_axes_are_coarsened(rng):
    n = 45
    F = rng.standard_normal((3, n, n))
    values = (2 - 2 * np.cos(2 * np.pi * np.arange(n) / n)) * n**2
    U = np.fft.ifft2(np.fft.fft2(F) / (values[:, None] + values + 1)).real
    learned = MultigridOperator().fit(F, U, grid=Grid.uniform([(0, 1)] * 2, n, kind="periodic"))
    assert learned.held_out_error < 1e-7
    assert learned.rate < 0.3
    assert "grids 45x45 → 23x23 → 12x12" in learned.report()


@pytest.mark.parametrize(
    ("kinds", "grid"),
    [
        (("wall", "wall"), (8, 9)),
        (("periodic", "cell"), (8, 9)),
        (("cell", "node"), (8, 9)),
        (("periodic", "periodic"), (13, 11)),
        (("node", "periodic"), (6, 5)),
    ],
)
def test_coarse_stencils_are_galerkin_products(kinds, grid, rng):
    periodic = tuple(kind == "periodic" for kind in kinds)
    stencil = rng.standard_normal((9, *grid))
    P, R = zip(*(transfer(n, kind) for n, kind in zip(grid, kinds, strict=True)), strict=True)
    made = coarse(stencil, P, R, periodic)
    e = rng.standard_normal((3, *made.shape[1:]))
    expected = along_axes(R, applied(stencil, along_axes(P, e), periodic))
    assert np.allclose(applied(made, e, periodic), expected)


def test_stencils_of_the_class_are_recovered(rng):
    stencil = np.broadcast_to(rng.standard_normal((9, 1, 1)), (9, 12, 10))
    u = rng.standard_normal((3, 12, 10))
    for periodic, walls in (((True, True), (False, False)), ((True, False), (False, True))):
        f = applied(stencil, u, periodic)
        found = fitted(u, f, periodic, walls, varying=False, rcond=1e-12)
        assert np.allclose(found, stencil)


def test_what_is_no_equation_warns(rng):
    F = rng.standard_normal((5, 33))
    U = np.zeros_like(F)
    U[:, 1:-1] = rng.standard_normal((5, 31))
    with pytest.warns(ConvergenceWarning, match="cycles lower the residual"):
        learned = MultigridOperator(max_cycles=3).fit(F, U, grid=Grid.uniform([(0, 1)], 33))
    assert learned.held_out_error > 0.5


def test_what_does_not_fit_is_refused(rng):
    F = rng.standard_normal((5, 9))
    grid = Grid.uniform([(0, 1)], 9)
    with pytest.raises(ValueError, match="pass grid="):
        MultigridOperator().fit(F, F)
    with pytest.raises(ValueError, match="call fit first"):
        MultigridOperator().predict(F)
    with pytest.raises(ValueError, match="not evenly spaced"):
        MultigridOperator().fit(F, F, grid=Grid(np.arange(9.0) ** 2))
    with pytest.raises(ValueError, match="but the grid has"):
        MultigridOperator().fit(F, F, grid=Grid.uniform([(0, 1)], 8))
    with pytest.raises(ValueError, match="for every point"):
        MultigridOperator(varying=True).fit(F[:4], F[:4], grid=grid)
    with pytest.raises(ValueError, match="max_cycles is 0: pass a whole number"):
        MultigridOperator(max_cycles=0)
    learned = MultigridOperator().fit(F, dirichlet(F), grid=grid)
    with pytest.raises(ValueError, match=r"have shape \(5,\) but \(9,\) is expected"):
        learned.predict(F[:, :5])
    F[3, 2] = np.inf
    with pytest.raises(ValueError, match=r"sample 3 of inputs has a NaN or Inf at \[2\]"):
        learned.predict(F)
    with pytest.raises(NotImplementedError, match="no adjoint"):
        learned.operator.H @ np.ones(9)
