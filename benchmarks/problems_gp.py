"""Boundary value problems with known solutions, for benchmarks and tests of PDE solvers.

`ACCEPTANCE` are the problems of the reference: P1 to P7 (linear), V1 (advection), A1 to A3
(Allen-Cahn), a chirp and a narrow bump. `DEVELOPMENT` are others, on which constants may be chosen:
other frequencies, three dimensions, Neumann data, uneven nodes, variable coefficients.

Solutions are sums of products of functions of one coordinate; sources follow from their derivatives
in closed form. Coefficients are numbers, or functions of the coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from structlin.bases import Grid
from structlin.solvers.gp_pde.nonlinearity import Nonlinearity

Orders = tuple[int, ...]


class Univariate:
    """A function of one coordinate with its derivatives: ``f(x, order=0)``; they multiply."""

    def __init__(self, derivative: Callable[[Any, int], Any]) -> None:
        self.derivative = derivative

    def __call__(self, x: Any, order: int = 0) -> Any:
        """Return the derivative of an order at points."""
        return self.derivative(x, order)

    def __mul__(self, other: Univariate) -> Univariate:
        def leibniz(x: Any, order: int) -> Any:
            return sum(
                math.comb(order, k) * self(x, k) * other(x, order - k) for k in range(order + 1)
            )

        return Univariate(leibniz)

    def __add__(self, other: Univariate) -> Univariate:
        return Univariate(lambda x, order: self(x, order) + other(x, order))

    def __rmul__(self, number: float) -> Univariate:
        return Univariate(lambda x, order: number * self(x, order))


def sine(frequency: float, quarters: int = 0) -> Univariate:
    """``sin(ωx + quarters π/2)``, with exact quarter turns."""

    def derivative(x: Any, order: int) -> Any:
        turn = (quarters + order) % 4
        wave = np.sin(frequency * x) if turn % 2 == 0 else np.cos(frequency * x)
        return (-1.0 if turn > 1 else 1.0) * frequency**order * wave

    return Univariate(derivative)


def cosine(frequency: float) -> Univariate:
    """``cos(ωx)``."""
    return sine(frequency, 1)


def polynomial(*coefficients: float, centre: float = 0.0) -> Univariate:
    """``Σ cₖ (x − centre)ᵏ``."""
    p = np.polynomial.Polynomial(coefficients)
    return Univariate(lambda x, order: p.deriv(order)(x - centre) if order else p(x - centre))


def chirp(rate: float) -> Univariate:
    """``sin(rate x²)``; derivatives up to the second."""

    def derivative(x: Any, order: int) -> Any:
        s, c, slope = np.sin(rate * x * x), np.cos(rate * x * x), 2 * rate * x
        return (s, slope * c, 2 * rate * c - slope**2 * s)[order]

    return Univariate(derivative)


def bump(centre: float, width: float) -> Univariate:
    """``exp(−((x − centre)/width)²)``; derivatives up to the second."""

    def derivative(x: Any, order: int) -> Any:
        z = (x - centre) / width
        return (1.0, -2 * z / width, (4 * z * z - 2) / width**2)[order] * np.exp(-z * z)

    return Univariate(derivative)


def layer(centre: float, steepness: float, height: float = 1.0) -> Univariate:
    """``height tanh(steepness (x − centre))``; derivatives up to the second."""

    def derivative(x: Any, order: int) -> Any:
        t = np.tanh(steepness * (x - centre))
        s = steepness
        return height * (t, s * (1 - t * t), -2 * s * s * t * (1 - t * t))[order]

    return Univariate(derivative)


ONE = polynomial(1.0)


@dataclass(frozen=True, eq=False)
class Problem:
    """A boundary value problem ``Σ c_α ∂^α u + N(u, …) = f`` with a known solution.

    Attributes
    ----------
    name : str
    grid : Grid
        The nodes that are given.
    products : tuple of tuple of Univariate
        The solution is their sum: one function per axis and product.
    terms : mapping of multi-index to number or callable
        The linear operator.
    frequency : float
        The scale of frequencies the published method starts from, in cycles per unit length.
    nonlinearity : Nonlinearity or None
    sides : {"all", "inflow"} or mapping
        Dirichlet data on all sides; on the sides where advection enters; or, by ``(axis, side)``,
        the order of the normal derivative given there (0 or 1).
    goal : float
        The relative L2 error to reach, where one is set; NaN elsewhere.
    boundary_weight : float
        The weight of the boundary in the published objective.
    """

    name: str
    grid: Grid
    products: tuple[tuple[Univariate, ...], ...]
    terms: Mapping[Orders, Any]
    frequency: float = 20.0
    nonlinearity: Nonlinearity | None = None
    sides: Any = "all"
    goal: float = math.nan
    boundary_weight: float = 200.0
    note: str = field(default="", repr=False)

    @property
    def ndim(self) -> int:
        """How many coordinates there are."""
        return self.grid.ndim

    def u(self, *coordinates: Any) -> Any:
        """Return the solution at broadcast coordinates."""
        return self.derivative((0,) * self.ndim, *coordinates)

    def derivative(self, orders: Orders, *coordinates: Any) -> Any:
        """Return a derivative of the solution at broadcast coordinates."""
        return sum(
            math.prod(g(x, k) for g, x, k in zip(product, coordinates, orders, strict=True))
            for product in self.products
        )

    def rhs(self, *coordinates: Any) -> Any:
        """Return the source at broadcast coordinates."""
        total: Any = 0.0
        for alpha, coefficient in self.terms.items():
            c = coefficient(*coordinates) if callable(coefficient) else coefficient
            total = total + c * self.derivative(alpha, *coordinates)
        if self.nonlinearity is not None:
            orders = self.nonlinearity.arguments(self.ndim)
            arguments = [self.derivative(k, *coordinates) for k in orders]
            total = total + self.nonlinearity.value(*arguments)
        return total

    @property
    def boundary(self) -> Any:
        """What `solve_linear_pde` takes as ``boundary``."""
        if isinstance(self.sides, str) and self.sides == "all":
            return self.u
        from structlin.solvers.gp_pde import Neumann

        entries: dict[Any, Any] = {}
        for (axis, side), order in self._sides().items():
            values = self.side_values(axis, side, order)
            entries[axis, side] = Neumann(values) if order else values
        return entries

    def _sides(self) -> Mapping[tuple[int, int], int]:
        if isinstance(self.sides, str):
            last = (0,) if self.sides == "inflow" else (0, -1)
            return {(axis, side): 0 for axis in range(self.ndim) for side in last}
        return dict(self.sides)

    def side_values(self, axis: int, side: int, order: int = 0) -> Any:
        """Return ``∂u/∂x_axis`` of an order on a side: an array without that axis.

        It is the derivative along the axis, not along the outward normal.
        """
        mesh = list(self.grid.mesh())
        place = self.grid.axes[axis][0 if side == 0 else -1]
        mesh[axis] = place * np.ones((1,) * self.ndim)
        orders = tuple(order if k == axis else 0 for k in range(self.ndim))
        shape = tuple(1 if k == axis else n for k, n in enumerate(self.grid.shape))
        values = np.broadcast_to(self.derivative(orders, *mesh), shape)
        return np.squeeze(values, axis=axis).copy()

    def test_axes(self, count: int | None = None) -> tuple[Any, ...]:
        """Return the axes of the test grid: 300 even points each, 60 in three dimensions."""
        n = count or (60 if self.ndim == 3 else 300)
        return tuple(np.linspace(low, high, n) for low, high in self.grid.sides)

    def exact(self, axes: Sequence[Any] | None = None) -> Any:
        """Return the solution on the tensor grid of the test points."""
        axes = self.test_axes() if axes is None else axes
        return np.array(Grid(*axes).evaluate(self.u, "u"))

    def error(self, values: Any, axes: Sequence[Any] | None = None) -> float:
        """Return the relative L2 error of values on the test grid."""
        exact = self.exact(axes)
        if values.shape != exact.shape:
            raise ValueError(f"values of shape {values.shape} on test points {exact.shape}")
        return float(np.linalg.norm(values - exact) / np.linalg.norm(exact))


def allen_cahn() -> Nonlinearity:
    """``u(u² − 1)``."""
    return Nonlinearity(lambda u: u * (u * u - 1), lambda u: 3 * u * u - 1)


def burgers() -> Nonlinearity:
    """``u u_x`` in one dimension."""
    return Nonlinearity(
        lambda u, slope: u * slope, [lambda u, slope: slope, lambda u, slope: u], [(0,), (1,)]
    )


def even(length: float, n: int, ndim: int = 1) -> Grid:
    """Return even nodes on ``[0, length]`` in every dimension."""
    return Grid(*(np.linspace(0.0, length, n) for _ in range(ndim)))


ROUND = 2 * math.pi
D2: dict[Orders, Any] = {(2,): 1.0}
LAPLACE2: dict[Orders, Any] = {(2, 0): 1.0, (0, 2): 1.0}
LAPLACE3: dict[Orders, Any] = {(2, 0, 0): 1.0, (0, 2, 0): 1.0, (0, 0, 2): 1.0}

single = ((sine(100),),)
modulated = ((sine(6) * cosine(100),),)
pair = sine(6) * cosine(20)
three_scales = sine(1) + 0.1 * sine(20) + cosine(100)

ACCEPTANCE: dict[str, Problem] = {
    p.name: p
    for p in (
        Problem("P1", even(ROUND, 400), single, D2, 20, goal=1e-8, note="sin 100x"),
        Problem(
            "P2",
            even(1.0, 900),
            ((sine(1) + 0.1 * sine(20) + 0.05 * cosine(100),),),
            D2,
            30,
            goal=1e-8,
            note="sin x + 0.1 sin 20x + 0.05 cos 100x",
        ),
        Problem("P3", even(ROUND, 400), modulated, D2, 20, goal=1e-8, note="sin 6x cos 100x"),
        Problem(
            "P4",
            even(ROUND, 900),
            ((polynomial(0.0, 1.0) * sine(200),),),
            D2,
            50,
            goal=1e-8,
            note="x sin 200x",
        ),
        Problem(
            "P5",
            even(1.0, 400),
            ((sine(500) + polynomial(0.0, 0.0, -2.0, centre=0.5),),),
            D2,
            100,
            goal=1e-6,
            note="sin 500x − 2(x − ½)²",
        ),
        Problem(
            "P6",
            even(ROUND, 400, 2),
            ((sine(100), sine(100)),),
            LAPLACE2,
            20,
            goal=1e-8,
            note="sin 100x sin 100y",
        ),
        Problem(
            "P7",
            even(ROUND, 200, 2),
            ((pair, ONE), (ONE, pair)),
            LAPLACE2,
            20,
            goal=1e-6,
            note="sin 6x cos 20x + sin 6y cos 20y",
        ),
        Problem(
            "A1",
            even(ROUND, 400),
            single,
            D2,
            20,
            nonlinearity=allen_cahn(),
            goal=1e-6,
            note="Allen-Cahn, sin 100x",
        ),
        Problem(
            "A2",
            even(ROUND, 400),
            modulated,
            D2,
            20,
            nonlinearity=allen_cahn(),
            goal=1e-6,
            note="Allen-Cahn, sin 6x cos 100x",
        ),
        Problem(
            "A3",
            even(1.0, 400, 2),
            ((three_scales, three_scales),),
            LAPLACE2,
            30,
            nonlinearity=allen_cahn(),
            goal=1e-6,
            note="Allen-Cahn, (sin x + 0.1 sin 20x + cos 100x)(the same of y)",
        ),
        Problem(
            "V1",
            even(1.0, 200, 2),
            ((sine(1), cosine(200)), (-1.0 * cosine(1), sine(200))),
            {(1, 0): 200.0, (0, 1): 1.0},
            40,
            goal=1e-6,
            boundary_weight=500.0,
            note="advection 200 u_x + u_y = 0, sin(x − 200y)",
        ),
        Problem(
            "V1 inflow",
            even(1.0, 200, 2),
            ((sine(1), cosine(200)), (-1.0 * cosine(1), sine(200))),
            {(1, 0): 200.0, (0, 1): 1.0},
            40,
            sides="inflow",
            goal=1e-5,
            boundary_weight=500.0,
            note="the same with data at x = 0 and y = 0 only",
        ),
        Problem("chirp", even(1.0, 400), ((chirp(150.0),),), D2, 50, goal=1e-4, note="sin 150x²"),
        Problem(
            "bump",
            even(1.0, 400),
            ((bump(0.6, 0.02) + polynomial(0.0, 1.0),),),
            D2,
            20,
            goal=1e-4,
            note="exp(−((x − 0.6)/0.02)²) + x",
        ),
    )
}


def uneven(n: int, length: float, seed: int) -> Any:
    """Return nodes whose gaps differ by up to a factor of three, the ends included."""
    gaps = np.random.default_rng(seed).uniform(0.5, 1.5, n - 1)
    x = np.concatenate([[0.0], np.cumsum(gaps)])
    return length * x / x[-1]


DEVELOPMENT: dict[str, Problem] = {
    p.name: p
    for p in (
        Problem(
            "two tones",
            even(3.0, 500),
            ((sine(37.3) + 0.3 * cosine(91.7),),),
            D2,
            20,
            note="sin 37.3x + 0.3 cos 91.7x",
        ),
        Problem(
            "Helmholtz",
            even(2.0, 600),
            ((polynomial(1.0, -0.5) * sine(83.0),),),
            {(2,): 1.0, (0,): 150.0},
            20,
            note="u″ + 150u = f, (1 − x/2) sin 83x",
        ),
        Problem(
            "variable coefficients",
            even(2.0, 500),
            ((sine(61.0) + cosine(7.0),),),
            {
                (2,): lambda x: 1 + 0.5 * np.sin(3 * x),
                (1,): lambda x: 1.5 * np.cos(3 * x),
                (0,): -2.0,
            },
            20,
            note="((1 + ½ sin 3x) u′)′ − 2u = f",
        ),
        Problem(
            "uneven nodes",
            Grid(uneven(500, 2.0, 7)),
            ((sine(53.0) + 0.2 * sine(11.0),),),
            D2,
            20,
            note="sin 53x + 0.2 sin 11x",
        ),
        Problem(
            "mixed boundary",
            even(2.0, 400),
            ((cosine(47.0) + polynomial(0.0, 0.5),),),
            D2,
            20,
            sides={(0, 0): 0, (0, -1): 1},
            note="cos 47x + x/2, slope given at the right end",
        ),
        Problem(
            "first order",
            even(2.0, 400),
            ((sine(29.0) * cosine(5.0),),),
            {(1,): 1.0, (0,): 3.0},
            10,
            sides={(0, 0): 0},
            note="u′ + 3u = f, sin 29x cos 5x",
        ),
        Problem(
            "plane waves",
            Grid(np.linspace(0.0, 2.0, 120), np.linspace(-1.0, 1.0, 150)),
            ((sine(31.0), cosine(43.0)), (0.4 * cosine(17.0), sine(9.0))),
            LAPLACE2,
            10,
            note="sin 31x cos 43y + 0.4 cos 17x sin 9y",
        ),
        Problem(
            "convection",
            Grid(np.linspace(0.0, 2.0, 100), uneven(110, 1.0, 3)),
            ((sine(23.0), cosine(29.0)),),
            {
                (2, 0): 1.0,
                (0, 2): 0.5,
                (1, 0): lambda x, y: (1 + 0.3 * x) * np.cos(y),
                (0, 0): -1.0,
            },
            10,
            note="separable coefficients, one axis uneven",
        ),
        Problem(
            "Neumann side",
            even(1.0, 120, 2),
            ((cosine(41.0), sine(37.0)),),
            LAPLACE2,
            10,
            sides={(0, 0): 0, (0, -1): 1, (1, 0): 0, (1, -1): 0},
            note="slope given at x = 1",
        ),
        Problem(
            "box",
            Grid(np.linspace(0.0, 1.0, 36), np.linspace(0.0, 2.0, 40), np.linspace(-1.0, 1.0, 44)),
            ((sine(13.0), cosine(9.0), sine(17.0)),),
            LAPLACE3,
            5,
            note="sin 13x cos 9y sin 17z",
        ),
        Problem(
            "slow chirp",
            even(1.0, 300),
            ((chirp(60.0) + polynomial(0.5),),),
            D2,
            20,
            note="sin 60x² + ½",
        ),
        Problem(
            "double bump",
            even(2.0, 500),
            ((bump(0.5, 0.05) + -0.7 * bump(1.4, 0.04),),),
            D2,
            20,
            note="bumps of widths 0.05 and 0.04",
        ),
        Problem(
            "Allen-Cahn tone",
            even(2.0, 300),
            ((sine(41.0) + 0.3 * cosine(13.0),),),
            D2,
            10,
            nonlinearity=allen_cahn(),
            note="sin 41x + 0.3 cos 13x",
        ),
        Problem(
            "Allen-Cahn square",
            even(1.0, 90, 2),
            ((sine(19.0) + 0.5 * cosine(3.0), cosine(23.0)),),
            LAPLACE2,
            10,
            nonlinearity=allen_cahn(),
            note="(sin 19x + ½ cos 3x) cos 23y",
        ),
        Problem(
            "Burgers layer",
            even(1.0, 300),
            ((layer(0.5, 10.0, -1.0),),),
            {(2,): -0.05},
            10,
            nonlinearity=burgers(),
            note="−0.05 u″ + u u′ = 0, −tanh(10(x − ½))",
        ),
        Problem(
            "Burgers tone",
            even(2.0, 300),
            ((sine(31.0) + polynomial(1.0, 0.5),),),
            {(2,): -0.1},
            10,
            nonlinearity=burgers(),
            note="−0.1 u″ + u u′ = f, sin 31x + 1 + x/2",
        ),
    )
}

PROBLEMS: dict[str, Problem] = {**ACCEPTANCE, **DEVELOPMENT}
