"""Fourier multipliers in Tucker form, fitted to pairs of inputs and outputs."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from structlin._backend import namespace
from structlin._errors import ConvergenceWarning
from structlin._validation import require_count
from structlin.matrices._base import adjoint_of, conjugate
from structlin.matrices._convolution import transforms
from structlin.operators.structured._fitting import (
    Estimate,
    StructuredFit,
    fitted,
    solve_hermitian,
)
from structlin.operators.structured._pairs import Pairs, energy, pairs_of
from structlin.operators.structured.fourier_multiplier import FourierMultiplier, modes_of
from structlin.tensors import Tucker, sthosvd
from structlin.tensors._arrays.unfoldings import mode_product

# a sweep that lowers the weighted misfit by less than this part of it, or a misfit of so many
# rounding errors, ends the iteration; chosen by trial
_settled, _rounding = 1e-4, 100


def fit_tucker_multiplier(
    inputs: Any,
    outputs: Any,
    *,
    modes: int | Sequence[int] | None = None,
    ranks: int | Sequence[int] = 8,
    ridge: float | Sequence[float] = 1e-12,
    held_out: float = 0.2,
    max_iterations: int = 200,
) -> StructuredFit:
    """Fit a map of periodic functions that commutes with shifts, ``û[k] = M[k] f̂[k]``.

    Parameters
    ----------
    inputs : (n, n1, …, nd) array
        Samples of the input on a periodic grid, whose end is not a point.
    outputs : (n, n1, …, nd) array
        The outputs, on the same grid.
    modes : int or sequence of int, optional
        The highest frequency that is kept, for all axes or for each; by default all that the grid
        tells apart.
    ranks : int or sequence of int
        The largest ranks of the Tucker form of ``M``, for all axes or for each.
    ridge : float or sequence of float
        The weight of ``Σ |M[k]|²``, relative to the mean of ``Σ |x_j|²``. Of several, that with the
        least error on samples held out for this choice is taken.
    held_out : float
        What part of the samples, the last ones, measures the error.
    max_iterations : int
        Sweeps of alternating least squares at most.

    Returns
    -------
    StructuredFit
        With a `FourierMultiplier` operator, which other grids can have as well.

    Raises
    ------
    ValueError
        If the shapes differ, modes are not told apart by the grid, a rank is not positive, a
        sample has a NaN or Inf, or there are too few samples to hold some out.

    Warns
    -----
    ConvergenceWarning
        If alternating least squares did not settle.

    Notes
    -----
    Without a bound on the ranks, every frequency has its own least squares, with the solution
    ``B[k]/w[k]`` for ``w = Σ |f̂|²`` and ``B = Σ û conj(f̂)``. The Tucker tensor minimises
    ``Σ_k w[k] |M[k] − B[k]/w[k]|²``: alternating least squares of the factors' rows and the core,
    starting at the truncated higher-order singular value decomposition of ``B/w``. Low ranks share
    what is known of well-excited frequencies with the others. A sweep costs ``O(K r²)`` operations
    for ``K`` frequencies and a core of ``r`` entries, whatever the number of samples.

    Examples
    --------
    >>> import numpy as np
    >>> f = np.random.default_rng(0).standard_normal((10, 16, 16))
    >>> u = (np.roll(f, 1, axis=1) + np.roll(f, -1, axis=2)) / 2
    >>> fit = fit_tucker_multiplier(f, u, modes=7, ranks=2)
    >>> fit.operator
    <FourierMultiplier 256x256 float64 = 15x15 frequencies, ranks 2x2>
    """
    pairs = pairs_of(inputs, outputs)
    shape = pairs.input_shape
    if shape != pairs.output_shape:
        raise ValueError(
            f"inputs have shape {shape} and outputs {pairs.output_shape}: a multiplier keeps the "
            "grid"
        )
    highest = modes_of(modes, shape)
    each = list(ranks) if isinstance(ranks, Sequence) else [ranks] * len(shape)
    if len(each) != len(shape):
        raise ValueError(f"ranks is {ranks!r}: pass a number, or one for each of {len(shape)} axes")
    each = [require_count("ranks", r) for r in each]
    max_iterations = require_count("max_iterations", max_iterations)

    def estimate(p: Pairs, value: float) -> Estimate:
        return _estimate(p, p.penalty(value), highest, each, max_iterations)

    return fitted(pairs, estimate, ridge, held_out, "fit_tucker_multiplier")


def _estimate(
    pairs: Pairs, penalty: float, highest: list[int], ranks: list[int], sweeps: int
) -> Estimate:
    xp = pairs.xp
    f, u = _spectra(pairs.inputs, highest), _spectra(pairs.outputs, highest)
    weights = xp.sum(xp.abs(f) ** 2, axis=0) + penalty
    weights = weights + float(xp.finfo(weights.dtype).eps) * float(xp.max(weights))
    right = xp.sum(u * conjugate(f, xp), axis=0)
    free = right / xp.astype(weights, right.dtype)
    core, factors = _start(free, ranks)
    size = math.sqrt(energy(xp.sqrt(weights) * xp.abs(free)))
    floor = _rounding * float(xp.finfo(weights.dtype).eps) * size
    before, converged, done = math.inf, size == 0, 0
    while done < sweeps and not converged:
        done += 1
        for axis in range(len(factors)):
            Z = core
            for other, F in enumerate(factors):
                Z = Z if other == axis else mode_product(Z, F, other)
            factors[axis], triangle = xp.linalg.qr(_rows(Z, weights, right, axis))
            core = mode_product(core, triangle, axis)
        core = _core(factors, weights, right)
        gap = xp.abs(Tucker(core, factors).full() - free)
        misfit = math.sqrt(energy(xp.sqrt(weights) * gap))
        converged = misfit <= floor or before - misfit <= _settled * misfit
        before = misfit
    wide = xp.complex64 if xp.finfo(pairs.dtype).bits == 32 else xp.complex128
    M = Tucker(xp.astype(core * pairs.gain, wide), [xp.astype(F, wide) for F in factors])
    real = not xp.isdtype(pairs.dtype, "complex floating")
    return Estimate(FourierMultiplier(M, pairs.input_shape, real=real), converged, done)


def _spectra(values: Any, highest: list[int]) -> Any:
    """Return the Fourier coefficients of samples at the frequencies ``−K, …, K`` of every axis.

    The transform is unitary, so that the penalty of ``‖A‖_F²`` is that of ``Σ |M[k]|²``.
    """
    xp = namespace(values)
    axes = tuple(range(1, len(highest) + 1))
    wide = xp.astype(values, xp.complex128)
    spectrum = xp.roll(
        transforms(xp).fftn(wide, axes=axes, norm="ortho"), tuple(highest), axis=axes
    )
    return spectrum[(slice(None), *(slice(0, 2 * k + 1) for k in highest))]


def _start(free: Any, ranks: list[int]) -> tuple[Any, list[Any]]:
    """Return core and factors of the truncated decomposition of what each frequency finds."""
    sizes = [min(r, n) for r, n in zip(ranks, free.shape, strict=True)]
    # the rows of an unfolded core are no more than its columns
    whole = math.prod(sizes)
    sizes = [min(r, max(whole // r, 1)) for r in sizes]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is only a start
        near = sthosvd(free, ranks=sizes)
    return near.core, list(near.factors)


def _rows(Z: Any, weights: Any, right: Any, axis: int) -> Any:
    """Return the best factor of an axis, row by row; ``Z`` is the tensor without it."""
    xp = namespace(Z)
    r, n = Z.shape[axis], weights.shape[axis]
    Z = xp.reshape(xp.moveaxis(Z, axis, 0), (r, -1))
    w = xp.astype(xp.reshape(xp.moveaxis(weights, axis, 0), (n, 1, -1)), Z.dtype)
    b = xp.reshape(xp.moveaxis(right, axis, 0), (n, 1, -1))
    Zh = adjoint_of(Z, xp)
    gram = xp.matmul(Z * w, Zh)
    return solve_hermitian(gram, xp.matmul(b, Zh))[:, 0, :]


def _core(factors: list[Any], weights: Any, right: Any) -> Any:
    """Return the best core for given factors."""
    xp = namespace(right)
    design = factors[0]
    for F in factors[1:]:
        design = design[:, None, :, None] * F[None, :, None, :]
        sizes = design.shape
        design = xp.reshape(design, (sizes[0] * sizes[1], sizes[2] * sizes[3]))
    w = xp.astype(xp.reshape(weights, (-1, 1)), design.dtype)
    # the transpose of the design plays the part of Z in the rows of a factor
    Zh = conjugate(design, xp)
    gram = xp.matmul(xp.matrix_transpose(design * w), Zh)
    found = solve_hermitian(gram, xp.matmul(xp.reshape(right, (1, -1)), Zh))
    return xp.reshape(found, tuple(F.shape[1] for F in factors))
