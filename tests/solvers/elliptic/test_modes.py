"""Modes: eigenvectors of the Laplacian, and changes to them that are inverse to each other."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from structlin.bases import Grid
from structlin.solvers import Modes, Robin
from tests.solvers.elliptic.finite_volumes import (
    CONDITIONS,
    KINDS,
    axis_of,
    mean,
    product_of,
    reference,
)


def _cases() -> list[tuple[str, Any, Any]]:
    pairs = list(itertools.product(CONDITIONS, repeat=2))
    return [
        (kind, *pair)
        for kind in KINDS
        for pair in (pairs if kind != "periodic" else [("periodic", "periodic")])
    ]


def _zero_where_given(modes: Modes, u: np.ndarray) -> np.ndarray:
    out = np.zeros_like(u)
    out[(..., *modes.interior)] = u[(..., *modes.interior)]
    return out


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("kind", "low", "high"), _cases())
def test_modes_are_eigenvectors(kind: str, low: Any, high: Any, rng: np.random.Generator) -> None:
    for n in (2, 5, 8):
        grid = axis_of(kind, n, rng)
        modes = Modes(grid, [(low, high)])
        u = _zero_where_given(modes, rng.standard_normal(n))
        back = modes.from_modes(modes.to_modes(u))
        np.testing.assert_allclose(back, u, atol=1e-12)
        # (−Δ + 1) of the solution for u is u: by the equations, one by one
        solved = modes.from_modes(modes.to_modes(u) / (modes.eigenvalues + 1))
        expected = reference(grid, [(low, high)], u, {}, shift=1.0)
        np.testing.assert_allclose(solved, expected, atol=1e-12)
        squares = float(np.sum(modes.to_modes(u) ** 2)) * modes.volume
        width = sum(np.diff(grid.box[0]))
        assert math.isclose(squares, width * mean(grid, u**2), rel_tol=1e-10, abs_tol=1e-300)


def test_axes_together(rng: np.random.Generator) -> None:
    axes = [axis_of("graded nodes", 5, rng), axis_of("cell", 4, rng), axis_of("periodic", 6, rng)]
    grid = product_of(axes)
    bc = [("dirichlet", Robin(0.5)), ("neumann", "dirichlet"), ("periodic", "periodic")]
    modes = Modes(grid, bc)
    u = _zero_where_given(modes, rng.standard_normal((3, *grid.shape)))
    C = modes.to_modes(u)
    assert C.shape == (3, *modes.shape) == (3, 4, 4, 6)
    np.testing.assert_allclose(modes.from_modes(C), u, atol=1e-12)
    solved = modes.from_modes(C / (modes.eigenvalues + 1))
    expected = reference(grid, bc, u[1], {}, shift=1.0)
    np.testing.assert_allclose(solved[1], expected, atol=1e-12)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_array_libraries(library: Any, dtype: str, rng: np.random.Generator) -> None:
    for kind, bc in (("node", "neumann"), ("cell", "dirichlet"), ("periodic", None)):
        for n in (7, 8):
            like = library.asarray(np.empty(0))
            grid = Grid.uniform([(0, 1), (0, 2)], (n, 5), kind=kind, like=like)
            modes = Modes(grid, bc)
            u = rng.standard_normal((2, n, 5)).astype(dtype)
            if dtype.startswith("complex"):
                u = (u + 1j * rng.standard_normal(u.shape)).astype(dtype)
            C = modes.to_modes(library.asarray(u))
            assert C.dtype == library.dtype(dtype)
            host = Modes(Grid.uniform([(0, 1), (0, 2)], (n, 5), kind=kind), bc)
            eps = np.finfo(dtype).eps
            np.testing.assert_allclose(library.to_numpy(C), host.to_modes(u), atol=100 * eps)
            back = library.to_numpy(modes.from_modes(C))
            np.testing.assert_allclose(back, u, atol=100 * eps)


def test_constants_are_exact_on_graded_grids(rng: np.random.Generator) -> None:
    modes = Modes(Grid(np.sort(rng.random(50))), "neumann")
    assert modes.eigenvalues[0] == 0
    C = modes.to_modes(np.ones(50))
    np.testing.assert_allclose(C[1:], 0, atol=1e-10 * abs(C[0]))


def test_names_and_repr() -> None:
    modes = Modes(Grid(np.linspace(0, 1, 6), np.array([0.0, 1.0, 3.0])))
    assert modes.names((1, 0)) == "mode (1, 0): 2 half waves along axis 0, eigenvector 0 of axis 1"
    assert "sine × vectors" in repr(modes)


def test_conditions_are_checked() -> None:
    nodes, ring = Grid.uniform([(0, 1)], 5), Grid.uniform([(0, 1)], 5, kind="periodic")
    with pytest.raises(ValueError, match="last node is the first one again"):
        Modes(nodes, "periodic")
    with pytest.raises(ValueError, match="kind='periodic'"):
        Modes(Grid.uniform([(0, 1)], 5, kind="cell"), ["periodic"])
    with pytest.raises(ValueError, match="no sides"):
        Modes(ring, "dirichlet")
    with pytest.raises(ValueError, match="no sides"):
        Modes(ring, [("dirichlet", "periodic")])
    with pytest.raises(ValueError, match="1 axes"):
        Modes(nodes, ["dirichlet", "neumann"])
    with pytest.raises(ValueError, match="'open'"):
        Modes(nodes, "open")
    with pytest.raises(ValueError, match="pair"):
        Modes(nodes, [("dirichlet",)])
    with pytest.raises(TypeError, match="list"):
        Modes(nodes, 3)
    with pytest.raises(ValueError, match="finite real"):
        Robin(math.inf)
    with pytest.raises(ValueError, match="shorter"):
        Modes(Grid.uniform([(0, 1)], 4, kind="cell"), Robin(-9.0))
    with pytest.raises(ValueError, match="spectral"):
        Modes(Grid.legendre([(0, 1)], 5))
    with pytest.raises(ValueError, match="last axes"):
        Modes(nodes).to_modes(np.ones(4))
    # one condition for all passes periodic axes by
    mixed = Grid.uniform([(0, 1), (0, 1)], 5, kind=("cell", "periodic"))
    assert Modes(mixed, "neumann").sides[1] == ("periodic", "periodic")
