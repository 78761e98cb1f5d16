"""Poisson's equation on a box, solved for coefficients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from structlin.bases import Basis, Fourier, chop
from structlin.bases.ultraspherical import dirichlet_modes
from structlin.tensors import _core
from structlin.tensors._memory import default_bytes
from structlin.tensors._report import Construction, warn_unresolved
from structlin.tensors._sums.exponential_sums import divided
from structlin.tensors.adaptive import chebtucker
from structlin.tensors.chebtucker import ChebTucker
from structlin.tensors.tucker import Tucker


def poisson(
    f: ChebTucker | complex,
    *,
    boundary: ChebTucker | Callable[..., Any] | complex = 0.0,
    shift: float = 0.0,
    max_degree: int = 512,
    max_bytes: int = default_bytes,
) -> ChebTucker:
    """Solve ``shift u − Δu = f`` on a box, with ``u`` given on its boundary.

    Parameters
    ----------
    f : ChebTucker or number
        The right-hand side. A number, such as 0 for Laplace's equation, if ``boundary`` is a
        function.
    boundary : ChebTucker, callable or number
        A function on the whole box, of which only the values on the boundary count; `chebtucker`
        builds it from a callable, with the seed 0. Periodic axes have no boundary: there it has to
        be periodic.
    shift : float
        Larger than minus the smallest eigenvalue of ``−Δ``; every number of 0 or more will do.
    max_degree : int
        The largest degree of the solution, and of a boundary built from a callable, in any
        variable.
    max_bytes : int
        The largest core that may be made.

    Returns
    -------
    ChebTucker
        The solution. Without a boundary and with ``shift=0``, that of mean zero.

    Raises
    ------
    ValueError
        If ``boundary`` lives on another box, ``shift`` is too small, or there is no boundary and no
        shift and the mean of ``f`` is not zero: no solution exists then.
    MemoryError
        If the core of the solution takes more than ``max_bytes``.

    Warns
    -----
    ConvergenceWarning
        If the coefficients of the solution have not come down to the tolerance of ``f`` at
        ``max_degree``, or a boundary built from a callable is not resolved. The solution may be
        singular at edges and corners even if ``f`` is smooth.

    Notes
    -----
    ``−Δ`` is a Kronecker sum of one operator for every axis. Their eigenfunctions (polynomials by
    `structlin.bases.ultraspherical.dirichlet_modes`, sines and cosines on periodic axes) turn the
    equation into a division by ``s = shift + λᵢ + μⱼ + …``, and

        ``1/s = ∫ exp(y − s exp(y)) dy ≈ Σ_q w_q exp(−t_q shift) exp(−t_q λᵢ) exp(−t_q μⱼ) …``

    by the trapezoidal rule of about 100 points keeps the Tucker form: nothing of the size of the
    grid is made. With degree ``n``, ranks ``r`` of ``f`` and ``s`` of the solution: ``O(n³)`` for
    every axis and ``O(r s^d)`` for every exponential. The degree is doubled until the coefficients
    come down. ``report.error_estimate`` is the size of those left out, or the error estimate of
    ``f`` or ``boundary`` if that is larger; ``shift * u - u.laplacian() - f`` is the residual, in
    which errors of the last digit are multiplied by the fourth power of the degree.

    References
    ----------
    .. [1] D. Fortunato and A. Townsend, "Fast Poisson solvers for spectral methods", IMA J. Numer.
       Anal. 40 (2020).
    .. [2] W. Hackbusch and B. N. Khoromskij, "Low-rank Kronecker-product approximation to
       multi-dimensional nonlocal operators I", Computing 76 (2006).

    Examples
    --------
    >>> import numpy as np
    >>> from structlin.tensors import chebtucker, poisson
    >>> f = chebtucker(lambda x, y: np.sin(x) * np.sin(y), [(0, np.pi), (0, np.pi)], rng=0)
    >>> u = poisson(f)
    >>> round(float(u(np.pi / 2, np.pi / 2)), 12)
    0.5
    """
    f, g = _on_one_box(f, boundary, max_degree)
    if isinstance(shift, complex) or not math.isfinite(shift):
        raise ValueError(f"shift is {shift}: pass a finite real number")
    estimates = [each.error_estimate for each in (f, g) if isinstance(each, ChebTucker)]
    given = max((error for error in estimates if not math.isnan(error)), default=0.0)
    if g is None:
        u = _solved(f, float(shift), max_degree, max_bytes)
        return _reported(u, replace(u.report, error_estimate=max(u.error_estimate, given)))
    bent = g.laplacian() if isinstance(g, ChebTucker) else 0.0
    rest = _solved(f + bent - shift * g, float(shift), max_degree, max_bytes)
    # what is left of a sum that cancels is known to fewer digits, but it is small beside g
    tol = max(each.report.tol for each in (f, g) if isinstance(each, ChebTucker))
    u = _reported(rest, replace(rest.report, tol=tol)) + g
    size, part = u.coefficients.norm(), rest.coefficients.norm()
    share = part / size if part < size else 1.0
    error = max(share * rest.report.error_estimate, given)
    return _reported(u, replace(rest.report, tol=tol, error_estimate=error))


def _on_one_box(f: Any, boundary: Any, max_degree: int) -> tuple[ChebTucker, Any]:
    """Return the right-hand side and what is given on the boundary; None if that is zero."""
    if not isinstance(f, ChebTucker):
        if not isinstance(boundary, ChebTucker):
            raise TypeError(
                f"f is {type(f).__name__} and boundary is {type(boundary).__name__}: one of them "
                "must be a ChebTucker, as chebtucker makes, to tell on which box to solve"
            )
        return boundary * 0 + f, boundary
    if isinstance(boundary, ChebTucker):
        if boundary.bases != f.bases:
            raise ValueError(
                f"f lives on {list(f.bases)} and boundary on {list(boundary.bases)}: they must "
                "be equal"
            )
        return f, boundary
    bounded = not all(basis.periodic for basis in f.bases)
    if callable(boundary):
        if bounded:
            tol = f.report.tol
            return f, chebtucker(boundary, f.bases, tol=tol, rng=0, max_degree=max_degree)
    elif not isinstance(boundary, (int, float, complex, np.number)):
        raise TypeError(
            f"boundary is {type(boundary).__name__}: pass a ChebTucker, a callable or a number"
        )
    elif not np.isfinite(boundary):
        raise ValueError(f"boundary is {boundary}: pass a finite number")
    elif not boundary:
        return f, None
    elif bounded:
        return f, boundary
    raise ValueError("all axes are periodic: there is no boundary on which to give values")


def _solved(f: ChebTucker, shift: float, max_degree: int, max_bytes: int) -> ChebTucker:
    """Solve with zero on the boundary."""
    tol, xp = f.report.tol, f.xp
    tensor = f.coefficients.recompress(tol / 100)
    tensor = tensor.astype(xp.result_type(f.dtype, xp.float64))
    free = shift == 0 and all(basis.periodic for basis in f.bases)
    if free:
        mean, size = abs(complex(f.mean())), tensor.norm()
        if mean > 8 * tol * size:
            raise ValueError(
                f"the mean of f is {mean:.3g}: without a boundary and a shift there is a solution "
                "only if it is zero, so subtract f.mean()"
            )
    sizes = [_first_size(basis, n) for basis, n in zip(f.bases, tensor.shape, strict=True)]
    rounds = 0
    while True:
        rounds += 1
        solution, terms = _in_modes(f, tensor, sizes, shift, max_bytes)
        resolved, left = True, 0.0
        for axis, basis in enumerate(f.bases):
            if basis.periodic:
                continue
            norms = _core.slice_norms(solution.core, axis, solution.factors[axis])
            coefficients = basis.sizes(norms[:, None])
            largest = float(np.max(coefficients)) or 1.0
            last = float(np.max(coefficients[-(len(coefficients) // 8) :])) / largest
            left = max(left, last)
            if last > tol or chop(coefficients, tol) == sizes[axis]:
                resolved = False
                grown = basis.refined(sizes[axis])
                sizes[axis] = min(grown, max(max_degree + 1, sizes[axis]))
        if resolved or solution.shape == tuple(sizes):
            break
    report = Construction(
        method=f"Poisson's equation by {terms} exponentials",
        tol=tol,
        converged=f.converged and resolved,
        error_estimate=left,
        iterations=rounds,
    )
    if not resolved:
        warn_unresolved(report, "raise max_degree, or ask for less by the tolerance of f", 4)
    solution = solution.astype(f.dtype)
    u = _reported(ChebTucker(solution.core, solution.factors, f.bases), report)._compressed()
    return _reported(u - u.mean(), report) if free else u


def _reported(u: ChebTucker, report: Construction) -> ChebTucker:
    """Return the same function with another report."""
    return ChebTucker(u.core, u.factors, u.bases, report=report)


def _first_size(basis: Basis, n: int) -> int:
    """Return with how many coefficients to begin, for a right-hand side of ``n``."""
    if isinstance(basis, Fourier):
        return n
    size = 33
    while size < n + 4:
        size = basis.refined(size)
    return size


def _in_modes(
    f: ChebTucker, tensor: Tucker, sizes: Sequence[int], shift: float, max_bytes: int
) -> tuple[Tucker, int]:
    """Return the solution with so many coefficients, and the number of exponentials."""
    xp, where = f.xp, f.device
    spectra, rows = [], []
    modes: list[Any] = []
    for basis, U, n in zip(f.bases, tensor.factors, sizes, strict=True):
        if isinstance(basis, Fourier):
            frequencies = 2 * math.pi / basis.width * ((np.arange(n) + 1) // 2)
            spectra.append(frequencies**2)
            rows.append(U)
            modes.append(None)
            continue
        values, forth, back = dirichlet_modes(n)
        spectra.append(values * (2 / basis.width) ** 2)
        forth, back = (xp.asarray(M, dtype=U.dtype, device=where) for M in (forth, back))
        rows.append(xp.matmul(back[:, : U.shape[0]], U))
        modes.append(forth)
    lowest = sum(float(each[0]) for each in spectra)
    if not (shift > -lowest or lowest == shift == 0):
        raise ValueError(
            f"shift is {shift:g}: it must be larger than {-lowest:g}, minus the smallest "
            "eigenvalue of the Laplacian"
        )
    in_modes = Tucker(tensor.core, rows).orthogonalize()
    quotient, terms = divided(in_modes, spectra, shift, f.report.tol / 10, max_bytes)
    factors = [
        U if M is None else xp.matmul(M, U) for M, U in zip(modes, quotient.factors, strict=True)
    ]
    return Tucker(quotient.core, factors).recompress(f.report.tol / 4), terms
