"""Sequences of linear systems on which solvers learn their parameters.

`STUDY` are the contextual studies of the literature [1]_: Laplacians of 10 × 10 points plus a
random multiple ``c`` of the identity, which is the context, and random right-hand sides. `FAMILIES`
are sequences that Young's formula does not cover. `DEVELOPMENT` are others, on which constants may
be chosen.

.. [1] M. Khodak, E. Chow, M.-F. Balcan and A. Talwalkar, "Learning to relax: setting solver
   parameters across a sequence of linear system instances", ICLR 2024.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
import scipy.spatial
from numpy.typing import NDArray

from structlin.matrices import GridOperator
from structlin.solvers import HeatEquation2D

OMEGAS = np.linspace(1, 1.95, 20)


class LinearSystem(NamedTuple):
    """A matrix, a right-hand side, and what is known of them beforehand."""

    A: Any
    b: NDArray[np.float64]
    context: float


@dataclass(frozen=True)
class Family:
    """Random systems ``A(c) x = b`` with a context ``c``.

    Attributes
    ----------
    name : str
        What the tables call it.
    matrix : callable
        ``matrix(c)``.
    rows : int
        Rows of the matrix.
    contexts : (float, float)
        Range that the learners are told; ``c`` may stay inside a part of it.
    draw : callable
        ``draw(rng) -> c``.
    ordering : str
        Order of the sweeps.
    """

    name: str
    matrix: Callable[[float], Any]
    rows: int
    contexts: tuple[float, float]
    draw: Callable[[np.random.Generator], float]
    ordering: str = "lexicographic"

    def systems(self, steps: int, seed: int) -> Iterator[LinearSystem]:
        """Yield the systems of a trial: equal for equal seeds, and prefixes of longer trials."""
        rng = np.random.default_rng(seed)
        for _ in range(steps):
            context = self.draw(rng)
            yield LinearSystem(self.matrix(context), truncated_normal(rng, self.rows), context)


def truncated_normal(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Return a standard normal vector, drawn until ``‖b‖ ≤ √n``."""
    while True:
        b = rng.standard_normal(n)
        if np.linalg.norm(b) <= np.sqrt(n):
            return b


def heat(nx: int = 25) -> tuple[HeatEquation2D, tuple[float, float]]:
    """Return the heat equation with a moving source, and the range of its context ``κ(t)``."""
    problem = HeatEquation2D(nx)
    values = [problem.conductivity(t) for t in np.linspace(0, 1, 1001)]
    return problem, (min(values), max(values))


def _shifted(low: float, high: float) -> Callable[[np.random.Generator], float]:
    return lambda rng: float(rng.uniform(low, high))


def _beta(low: float, width: float, a: float, b: float) -> Callable[[np.random.Generator], float]:
    return lambda rng: low + width * float(rng.beta(a, b))


def _laplacian(shape: tuple[int, ...]) -> Callable[[float], Any]:
    return lambda c: GridOperator.laplacian(shape, c)


def _pencil(make: Callable[[], tuple[Any, Any]]) -> Callable[[float], Any]:
    """Return ``c -> K + c M`` of two sparse matrices that are made when first needed."""
    matrices = functools.cache(make)

    def matrix(c: float) -> Any:
        stiffness, mass = matrices()
        return scipy.sparse.csr_array(stiffness + c * mass)

    return matrix


def nine_point(m: int) -> tuple[Any, Any]:
    """Return the compact fourth-order Laplacian (20, −4, −1) / 6 on m × m points, and 1."""
    eye = scipy.sparse.eye_array(m)
    tri = scipy.sparse.diags_array([1.0, 4.0, 1.0], offsets=[-1, 0, 1], shape=(m, m))
    # (4 + S)⊗(4 + S) = 16 + 4 (edges) + corners, with S the sum of both neighbours
    return scipy.sparse.csr_array(
        6 * scipy.sparse.kron(eye, eye) - scipy.sparse.kron(tri, tri) / 6
    ), scipy.sparse.csr_array(scipy.sparse.eye_array(m * m))


def anisotropic(m: int, ratio: float, angle: float) -> tuple[Any, Any]:
    """Return stiffness and mass of bilinear elements on m × m cells, of a conductivity tensor.

    Its axes are turned by ``angle`` and by up to a quarter turn more along the domain, the
    conductivity across is ``ratio`` times that along, and both vary by a factor of 20.
    """
    import skfem
    from skfem.helpers import dot, grad

    mesh = skfem.MeshQuad.init_tensor(np.linspace(0, 1, m + 1), np.linspace(0, 1, m + 1))
    basis = skfem.Basis(mesh, skfem.ElementQuad1())

    @skfem.BilinearForm
    def stiffness(u: Any, v: Any, w: Any) -> Any:
        x, y = w.x
        turn = angle + np.pi / 2 * x
        along = np.stack([np.cos(turn), np.sin(turn)])
        size = np.exp(1.5 * np.sin(5 * x + 1) * np.cos(4 * y))
        return size * (
            ratio * dot(grad(u), grad(v)) + (1 - ratio) * dot(along, grad(u)) * dot(along, grad(v))
        )

    return _interior(basis, stiffness, mesh.boundary_nodes())


def finite_elements(points: int, seed: int) -> tuple[Any, Any]:
    """Return stiffness and mass of linear triangles on random points in the unit disc."""
    import skfem
    from skfem.models.poisson import laplace

    rng = np.random.default_rng(seed)
    radius, turn = np.sqrt(rng.random(points)), 2 * np.pi * rng.random(points)
    around = 2 * np.pi * np.arange(int(3 * np.sqrt(points))) / int(3 * np.sqrt(points))
    xy = np.concatenate(
        [
            0.97 * radius * np.stack([np.cos(turn), np.sin(turn)]),
            np.stack([np.cos(around), np.sin(around)]),
        ],
        axis=1,
    )
    mesh = skfem.MeshTri(xy, scipy.spatial.Delaunay(xy.T).simplices.T.copy())
    basis = skfem.Basis(mesh, skfem.ElementTriP1())
    return _interior(basis, laplace, mesh.boundary_nodes())


def _interior(basis: Any, stiffness: Any, boundary: Any) -> tuple[Any, Any]:
    """Assemble stiffness and mass, and scale the interior block to a stiffness diagonal of 1."""
    from skfem.models.poisson import mass

    inside = np.setdiff1d(np.arange(basis.N), boundary)
    blocks = [
        scipy.sparse.csr_array(form.assemble(basis))[inside][:, inside]
        for form in (stiffness, mass)
    ]
    scale = scipy.sparse.diags_array(blocks[0].diagonal() ** -0.5)
    K, M = (scipy.sparse.csr_array(scale @ block @ scale) for block in blocks)
    return K, M / M.diagonal().mean()


STUDY = {
    "high": Family(
        "5-point, high variance",
        _laplacian((10, 10)),
        100,
        (-0.15, 0.65),
        _beta(-0.15, 0.6, 0.5, 1.5),
    ),
    "low": Family(
        "5-point, low variance",
        _laplacian((10, 10)),
        100,
        (-0.15, 0.65),
        _beta(-0.15, 0.6, 2.0, 6.0),
    ),
}

FAMILIES = {
    "9-point": Family(
        "9-point", _pencil(lambda: nine_point(12)), 144, (-0.1, 0.6), _beta(-0.1, 0.6, 0.5, 1.5)
    ),
    "anisotropic": Family(
        "anisotropic, variable coefficients",
        _pencil(lambda: anisotropic(16, 0.03, 0.4)),
        225,
        (-0.02, 0.3),
        _beta(-0.015, 0.3, 0.5, 1.5),
    ),
    "finite elements": Family(
        "finite elements, unstructured",
        _pencil(lambda: finite_elements(250, 3)),
        250,
        (-0.005, 0.2),
        _beta(-0.004, 0.2, 0.5, 1.5),
    ),
}


def _jumps(m: int) -> Callable[[float], Any]:
    """Return ``c -> A + c`` where half of the grid conducts a hundred times as well."""
    rng = np.random.default_rng(7)
    inside = np.where(rng.random((m, m)) < 0.5, 0.01, 1.0)
    return lambda c: GridOperator.diffusion(inside, c)


DEVELOPMENT = {
    "line": Family("1-D", _laplacian((40,)), 40, (0.0, 0.2), _shifted(0.0, 0.2)),
    "wide": Family(
        "5-point, 20 x 20", _laplacian((20, 20)), 400, (-0.04, 0.3), _beta(-0.04, 0.25, 0.5, 2.0)
    ),
    "cube": Family(
        "7-point, 7 x 7 x 7", _laplacian((7, 7, 7)), 343, (-0.4, 1.5), _beta(-0.4, 1.5, 0.7, 1.5)
    ),
    "red-black": Family(
        "5-point, red-black",
        _laplacian((14, 14)),
        196,
        (-0.08, 0.5),
        _beta(-0.08, 0.5, 1.0, 3.0),
        "red-black",
    ),
    "jumps": Family("jumps, 12 x 12", _jumps(12), 144, (0.0, 0.1), _beta(0.0, 0.08, 0.6, 1.5)),
    "bilinear": Family(
        "bilinear elements",
        _pencil(lambda: anisotropic(12, 1.0, 0.0)),
        121,
        (-0.02, 0.4),
        _beta(-0.01, 0.4, 0.5, 1.5),
    ),
    "mesh": Family(
        "finite elements, coarse",
        _pencil(lambda: finite_elements(120, 11)),
        120,
        (-0.01, 0.4),
        _beta(-0.005, 0.35, 1.0, 2.0),
    ),
    "multicolor": Family(
        "finite elements, coloured",
        _pencil(lambda: finite_elements(160, 5)),
        160,
        (-0.01, 0.3),
        _shifted(-0.008, 0.25),
        "multicolor",
    ),
}
