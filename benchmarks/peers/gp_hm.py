"""A stand-in for the published Gaussian process for high-frequency equations, with autograd.

The objective, start and optimiser are those of S. Fang, M. Cooley, D. Long, S. Li, M. Kirby and
S. Zhe, "Solving high frequency and multi-scale PDEs with Gaussian processes", ICLR 2024: a product
kernel of Student-t or Gaussian spectral mixtures, 1e-6 on the diagonal of every factor, Adam with
learning rate 0.01. Written anew on PyTorch, in double precision, for even nodes, one or two axes,
constant coefficients and Dirichlet data on all sides; the Toeplitz matrices are made of one row
instead of entry by entry, which makes a step many times faster.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
Orders = tuple[int, ...]


@dataclass
class Run:
    """Where the training stands: losses, seconds, and the mean at points."""

    losses: list[float]
    seconds: float
    mean: Callable[..., Any]


def covariance(d: Any, kernel: Mapping[str, Any], order: int, family: str) -> Any:
    """Return ``k``, or its second derivative, at lags ``d ≥ 0``."""
    z, m = d[:, None], 2 * math.pi * kernel["frequency"]
    cosine, sine = torch.cos(m * z), torch.sin(m * z)
    if family == "student":
        a = math.sqrt(5) * torch.exp(kernel["log_scale"])
        decay = torch.exp(-a * z)
        g0 = (1 + a * z + (a * z) ** 2 / 3) * decay
        g1 = -(a**2 / 3) * z * (1 + a * z) * decay
        g2 = -(a**2 / 3) * (1 + a * z - (a * z) ** 2) * decay
    else:
        a = torch.exp(kernel["log_scale"])
        g0 = torch.exp(-a * z**2)
        g1 = -2 * a * z * g0
        g2 = (4 * a**2 * z**2 - 2 * a) * g0
    terms = g0 * cosine if order == 0 else g2 * cosine - 2 * m * g1 * sine - m**2 * g0 * cosine
    if order == 1:
        terms = g1 * cosine - m * g0 * sine
    return (torch.exp(kernel["log_weight"]) * terms).sum(1)


def train(
    axes: tuple[Any, ...],
    terms: Mapping[Orders, float],
    source: Any,
    boundary: Any,
    *,
    nonlinearity: Callable[[Any], Any] | None = None,
    frequency: float = 20.0,
    boundary_weight: float = 200.0,
    components: int = 30,
    steps: int = 100,
    time_limit: float = math.inf,
    family: str = "student",
) -> Run:
    """Train for a number of steps or of seconds.

    Parameters
    ----------
    axes : tuple of (n_j,) ndarray
    terms : mapping of multi-index to number
    source : ndarray of grid shape
    boundary : ndarray of grid shape
        Its values on the sides are the data.
    """
    shape = tuple(len(x) for x in axes)
    f, g = torch.tensor(np.array(source)), torch.tensor(np.array(boundary))
    lags = [torch.tensor(x - x[0]) for x in axes]
    places = [(torch.arange(n)[:, None] - torch.arange(n)[None, :]) for n in shape]
    u = torch.zeros(shape, requires_grad=True)
    log_tau, log_v = (torch.zeros((), requires_grad=True) for _ in range(2))
    kernels = [
        {
            "log_weight": torch.full((components,), -math.log(components)).requires_grad_(),
            "log_scale": torch.zeros(components).requires_grad_(),
            "frequency": (torch.linspace(0, 1, components) * frequency).requires_grad_(),
        }
        for _ in axes
    ]
    parameters = [u, log_tau, log_v, *(p for kernel in kernels for p in kernel.values())]
    adam = torch.optim.Adam(parameters, lr=1e-2)

    def matrix(axis: int, order: int) -> Any:
        row = covariance(lags[axis], kernels[axis], order, family)
        made = row[places[axis].abs()]
        return made * torch.sign(places[axis]) if order == 1 else made

    def factors() -> list[Any]:
        return [
            torch.linalg.cholesky(matrix(k, 0) + 1e-6 * torch.eye(n)) for k, n in enumerate(shape)
        ]

    def along(apply: Callable[[Any], Any], X: Any, axis: int) -> Any:
        moved = X.movedim(axis, 0)
        return apply(moved.reshape(shape[axis], -1)).reshape(moved.shape).movedim(0, axis)

    def loss() -> Any:
        L = factors()
        alpha = u
        for k, factor in enumerate(L):
            alpha = along(lambda X, F=factor: torch.cholesky_solve(X, F), alpha, k)
        total = -0.5 * (u * alpha).sum()
        for factor, n in zip(L, shape, strict=True):
            total = total - (u.numel() / n) * torch.log(torch.diagonal(factor)).sum()
        gap, count = u - g, 0
        misfit = torch.zeros(())
        for k, n in enumerate(shape):
            for side in (0, n - 1):
                part = gap.select(k, side)
                misfit, count = misfit + (part**2).sum(), count + part.numel()
        total = total + boundary_weight * 0.5 * (count * log_tau - torch.exp(log_tau) * misfit)
        residual = -f
        for orders, c in terms.items():
            X = u
            for k, order in enumerate(orders):
                if order:
                    X = along(
                        lambda Y, F=L[k], k=k, order=order: (
                            matrix(k, order) @ torch.cholesky_solve(Y, F)
                        ),
                        X,
                        k,
                    )
            residual = residual + c * X
        if nonlinearity is not None:
            residual = residual + nonlinearity(u)
        misfit = (residual**2).sum()
        return -(total + 0.5 * u.numel() * log_v - 0.5 * torch.exp(log_v) * misfit)

    losses: list[float] = []
    begun = time.perf_counter()
    while len(losses) < steps and time.perf_counter() - begun < time_limit:
        adam.zero_grad()
        value = loss()
        value.backward()
        adam.step()
        losses.append(float(value.detach()))
    seconds = time.perf_counter() - begun

    def mean(*points: Any) -> Any:
        with torch.no_grad():
            X = u
            for k, (x, factor) in enumerate(zip(points, factors(), strict=True)):
                distances = torch.tensor(np.abs(x[:, None] - axes[k][None, :]))
                cross = covariance(distances.ravel(), kernels[k], 0, family)
                solved = torch.cholesky_solve(X.movedim(k, 0).reshape(shape[k], -1), factor)
                left = cross.reshape(distances.shape) @ solved
                rest = [n for j, n in enumerate(X.shape) if j != k]
                X = left.reshape(len(x), *rest).movedim(0, k)
            return X.numpy()

    return Run(losses, seconds, mean)
