"""Spectral lines of data on one axis: which frequencies a function consists of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from structlin._backend import namespace, on_host
from structlin.solvers.gp_pde._posteriors.dense import decomposition

# Bins are cycles per side. The constants were chosen by trial on lines, modulated lines, chirps and
# bumps of other frequencies than the published problems, which were run beside them.
_padding = 8  # points of the spectrum per bin
_most_lines = 16
_most_stored = 2**22  # waves at uneven nodes
_broad_degree = 12  # of the amplitudes of a line that no low degree fits
_resolved = 1e-9  # a relative residual that is small enough for exact data
_pure_degree = 2  # above it the amplitude does what moving the line would
_share = 0.5  # of the degrees of freedom of the data that the lines may use up
_rounding = 16.0  # units of rounding error of the data that count as nothing left


@dataclass(frozen=True, eq=False)
class Lines:
    """The lines found in data columns.

    Attributes
    ----------
    frequencies : (q,) ndarray
        Cycles per unit of length; the first is 0, the smooth part.
    amplitudes : (q,) ndarray
        Amplitude of every line, the root mean square over the columns.
    degrees : (q,) ndarray of int
        Degree in ``x`` of the amplitude that every line needed: 0 for a pure line.
    residual : float
        What the lines leave of the data: root mean square, relative to that of the data, of the
        errors by which every value is predicted from all the others.
    floor : float
        The relative residual that counts as nothing left: rounding errors, or the noise.
    resolved : bool
        Whether the residual came down to the floor with few enough lines.
    """

    frequencies: NDArray[np.float64]
    amplitudes: NDArray[np.float64]
    degrees: NDArray[np.int64]
    residual: float
    floor: float
    resolved: bool

    def __repr__(self) -> str:
        state = "resolved" if self.resolved else "not resolved"
        shown = ", ".join(f"{f:.4g}" for f in self.frequencies[:6])
        more = ", …" if len(self.frequencies) > 6 else ""
        return f"<Lines {state}, residual {self.residual:.1e}: {shown}{more} cycles per unit>"


def find_lines(x: Any, columns: Any, noise: Any = None) -> Lines:
    """Find the spectral lines of data columns, from the data alone.

    Parameters
    ----------
    x : (n,) array
        Nodes, ascending, even or not.
    columns : (n,) or (n, k) array
        Data on the nodes.
    noise : float, optional
        The standard deviation of the noise in every column; by default rounding errors only.

    Returns
    -------
    Lines
        On the host: the search runs there, on ``n k`` numbers. Evenly spaced nodes show a frequency
        above Nyquist as its alias, which nothing in the data gives away.

    Notes
    -----
    The data, times a Blackman window, are fitted by lines whose amplitudes are polynomials of
    ``x``. The highest peak of the spectrum of what is left becomes a new line, or raises the degree
    of a line beside it. Before the next peak is looked for, steps of Gauss and Newton correct the
    frequencies, the amplitudes eliminated [1]_: pure lines are found to rounding errors.
    ``O(n m²)`` for each of the lines, of ``m`` coefficients together.

    References
    ----------
    .. [1] L. Kaufman, "A variable projection method for solving separable nonlinear least squares
       problems", BIT 15, 1975.

    Examples
    --------
    >>> x = np.linspace(0.0, 1.0, 200)
    >>> lines = find_lines(x, np.sin(2 * np.pi * 12.3 * x) + x)
    >>> lines.resolved, lines.frequencies.round(6).tolist()
    (True, [0.0, 12.3])
    """
    nodes = on_host(x)
    data = _columns_on_host(columns)
    low = float(nodes[0])
    side = float(nodes[-1]) - low
    size = float(np.max(np.abs(data), initial=0.0))
    if size == 0 or side == 0:
        nothing = np.zeros(1)
        return Lines(nothing, nothing, np.ones(1, np.int64), 0.0, 0.0, size == 0)
    eps = float(np.finfo(np.float32 if "32" in str(columns.dtype) else np.float64).eps)
    search = _Search((2 * nodes - low - float(nodes[-1])) / side, data / size)
    reach = float(np.max(np.abs(nodes))) / side  # how far the axis is from its origin
    target = None if noise is None else float(noise) / size
    best, since = math.inf, 0
    while True:
        relative = search.fit()
        # ∂f/∂x times the rounding error of x: the phases of fast lines carry it
        top = float(np.max(search.bins))
        floor = _rounding * eps * math.hypot(1.0, 2 * math.pi * top * reach)
        if target is not None:
            floor = max(floor, 1.1 * target / search.rms)
        best, since = (relative, 0) if relative < 0.7 * best else (best, since + 1)
        full = len(search.bins) >= _most_lines or search.used > _share * len(nodes)
        if relative <= floor or full or since > 8:
            break
        if not search.grow():
            break
    residual = search.left_out()
    resolved = residual <= max(30 * floor, _resolved) if target is None else residual <= 1.5 * floor
    order = np.argsort(np.asarray(search.bins) != 0, kind="stable")
    return Lines(
        frequencies=np.asarray(search.bins)[order] / side,
        amplitudes=np.asarray(search.amplitudes)[order] * size,
        degrees=np.asarray(search.degrees)[order],
        residual=residual,
        floor=floor,
        resolved=bool(resolved and search.used <= _share * len(nodes)),
    )


class _Search:
    """Lines at ``bins`` cycles per side with amplitudes of ``degrees``, fitted to the data."""

    def __init__(self, t: NDArray[np.float64], data: NDArray[np.float64]) -> None:
        self.t = t  # the nodes on [-1, 1]
        self.data = data
        n = len(t)
        self.rms = math.sqrt(float(np.mean(data**2)))
        phase = np.pi * (t + 1) * (n - 1) / n + np.pi / n  # no weight is zero
        window = 0.42 - 0.5 * np.cos(phase) + 0.08 * np.cos(2 * phase)
        gaps = np.gradient(t) if n > 1 else np.ones(1)
        self.even = n > 1 and float(np.ptp(gaps)) < 1e-6 * float(np.mean(gaps))
        self.weight = window * np.sqrt(gaps / np.mean(gaps))
        self.goal = self.weight[:, None] * data
        padding = _padding if self.even else _padding // 2
        self.fine = np.arange(padding * (n - 1) // 2 + 1) / padding  # cycles per side
        self.waves: NDArray[np.complex128] | None = None  # of uneven nodes
        self.bins = [0.0]
        self.degrees = [5]
        self.amplitudes = [0.0]
        self.used = 0

    def _terms(self, q: int) -> NDArray[np.float64]:
        powers = chebyshev.chebvander(self.t, self.degrees[q])
        if self.bins[q] == 0:
            return np.asarray(powers)
        phase = (np.pi * self.bins[q]) * self.t
        return np.hstack([powers * np.cos(phase)[:, None], powers * np.sin(phase)[:, None]])

    def _model(self) -> NDArray[np.float64]:
        return np.hstack([self._terms(q) for q in range(len(self.bins))])

    def fit(self) -> float:
        """Fit, correct the frequencies while that helps, and return the relative residual."""
        rounds = 2 if _broad_degree in self.degrees else 6
        former = list(self.bins)
        size = float(np.linalg.norm(self.goal))
        best = math.inf
        for _ in range(rounds):
            model = [self.weight[:, None] * self._terms(q) for q in range(len(self.bins))]
            u, s, vh = decomposition(np.hstack(model))
            kept = s > 1e-13 * s[0]
            u = u[:, kept]
            inner = u.T @ self.goal
            left = self.goal - u @ inner
            left -= u @ (u.T @ left)
            relative = float(np.linalg.norm(left)) / size
            if relative >= best:
                self.bins = former
                break
            worth = relative < 0.8 * best
            best, self.left, self.used = relative, left, int(np.sum(kept))
            former = list(self.bins)
            coefficients = np.split(
                (vh[kept].T / s[kept]) @ inner, np.cumsum([m.shape[1] for m in model])[:-1]
            )
            self.amplitudes = [math.sqrt(float(np.sum(c**2)) / c.shape[1]) for c in coefficients]
            if not worth or not self._correct(coefficients, u):
                break
        return best

    def _correct(self, coefficients: list[NDArray[np.float64]], u: NDArray[np.float64]) -> bool:
        """Move the frequencies by a step of Gauss and Newton; tell whether any moved."""
        slopes, places = [], []
        for q, (bin_, degree) in enumerate(zip(self.bins, self.degrees, strict=True)):
            if bin_ == 0 or degree > _pure_degree:
                continue
            cosines, sines = np.split(self._terms(q), 2, axis=1)
            c, s = np.split(coefficients[q], 2)
            slope = (np.pi * self.t * self.weight)[:, None] * (cosines @ s - sines @ c)
            whole = float(np.linalg.norm(slope))
            slope -= u @ (u.T @ slope)  # what the amplitudes cannot do (Kaufman)
            if float(np.linalg.norm(slope)) > 1e-6 * whole:
                slopes.append(np.reshape(slope, (-1,)))
                places.append(q)
        if not places:
            return False
        steps = np.linalg.lstsq(np.stack(slopes, axis=1), np.reshape(self.left, (-1,)))[0]
        for q, step in zip(places, steps.tolist(), strict=True):
            self.bins[q] = self._folded(self.bins[q] + max(-0.5, min(0.5, step)))
        return True

    def grow(self) -> bool:
        """Make the highest peak of the spectrum of the residual a line, or widen one beside it."""
        power = self._spectrum(self.left)
        if not np.any(power > 0):
            return False
        i = int(np.argmax(power))
        peak = self.fine[i]
        if 0 < i < len(power) - 1 and min(power[i - 1], power[i + 1]) > 0:
            a, b, c = np.log(power[i - 1 : i + 2])
            if a - 2 * b + c < 0:
                peak += 0.5 * (a - c) / (a - 2 * b + c) * (self.fine[1] - self.fine[0])
        distances = np.abs(np.asarray(self.bins) - peak)
        reaches = np.asarray(self.degrees) / 3 + 2.2  # how far beside a line what is left peaks
        near = int(np.argmin(distances - reaches))
        broad = np.asarray(self.degrees) == _broad_degree
        band = np.any(broad & (distances < 2.5 * reaches)) or np.sum(distances < 6) > 2
        if distances[near] > reaches[near]:
            self._add(peak, _broad_degree if band else 0)
        elif self.degrees[near] < _broad_degree:
            pure = self.bins[near] > 0 and self.degrees[near] < _pure_degree
            self.degrees[near] = self.degrees[near] + 1 if pure else _broad_degree
        else:  # a band, which takes several broad lines beside each other
            side = 1.0 if peak >= self.bins[near] else -1.0
            moved = self.bins[near] + side * max(distances[near], _broad_degree / 4)
            self._add(self._folded(moved), _broad_degree)
        return True

    def _folded(self, bin_: float) -> float:
        """Return the frequency below Nyquist's that even nodes show a frequency as."""
        bin_, top = abs(bin_), 0.5 * (len(self.t) - 1)
        return 2 * top - bin_ if self.even and bin_ > top else bin_

    def _add(self, bin_: float, degree: int) -> None:
        self.bins.append(float(bin_))
        self.degrees.append(degree)
        self.amplitudes.append(0.0)

    def _spectrum(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the power of columns, summed, at the frequencies ``fine``."""
        if self.even:
            n = len(self.t)
            made = np.fft.rfft(columns, _padding * (n - 1), axis=0)[: len(self.fine)]
            return np.asarray(np.sum(np.abs(made) ** 2, axis=1))
        power = []
        step = max(_most_stored // len(self.t), 1)
        for start in range(0, len(self.fine), step):
            if len(self.fine) > step or self.waves is None:
                chunk = self.fine[start : start + step]
                self.waves = np.exp(np.multiply.outer(-1j * np.pi * chunk, self.t))
            power.append(np.sum(np.abs(self.waves @ columns) ** 2, axis=1))
        return np.concatenate(power)

    def left_out(self) -> float:
        """Return the relative error with which all other values predict each."""
        u, s, _ = decomposition(self._model())
        u = u[:, s > 1e-13 * s[0]]
        left = self.data - u @ (u.T @ self.data)
        left -= u @ (u.T @ left)
        free = np.maximum(1 - np.sum(u**2, axis=1), 1e-3)
        return math.sqrt(float(np.mean((left / free[:, None]) ** 2))) / self.rms


def _columns_on_host(columns: Any) -> NDArray[np.float64]:
    xp = namespace(columns)
    if columns.ndim == 1:
        columns = columns[:, None]
    flat = on_host(xp.reshape(columns, (-1,)))
    return np.reshape(flat, tuple(columns.shape))
