"""Tensor trains of functions of indices, by crosses of fibres."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from structlin._backend import namespace
from structlin._errors import ConvergenceWarning
from structlin._norm import norm
from structlin.sketching._random import seed_of
from structlin.tensors._memory import default_bytes
from structlin.tensors._trains.cross import Sweeper
from structlin.tensors._trains.samples import Samples
from structlin.tensors.tensor_train import TensorTrain
from structlin.tensors.tt_svd import tt_svd

# places where the error is measured after every sweep: at least, at most; else a tenth of all
_tested = 128, 4096
# entries of tensors that are taken as a whole
_few = 1000


@dataclass(frozen=True, kw_only=True)
class CrossResult:
    """A tensor train made of entries, and how it came about.

    Attributes
    ----------
    tensor : TensorTrain
        The train.
    converged : bool
        Whether the error estimate is below the tolerance.
    error_estimate : float
        The largest error at random places that had no part in the construction, relative to the
        largest entry that was seen.
    evaluations : int
        How many entries were taken.
    iterations : int
        Sweeps over the axes.
    seed : int
        The key of all random numbers.
    """

    tensor: TensorTrain
    converged: bool
    error_estimate: float
    evaluations: int
    iterations: int
    seed: int


def tt_cross(
    entries: Callable[[Any], Any],
    shape: Sequence[int],
    *,
    tol: float = 1e-10,
    rng: Any = None,
    max_rank: int = 200,
    max_sweeps: int = 10,
    max_bytes: int = default_bytes,
) -> CrossResult:
    """Return a tensor train through few entries of a tensor that is a function of its indices.

    Parameters
    ----------
    entries : callable
        Takes an (N, d) NumPy array of integers, a place in every row, and returns the (N,) entries
        there. Their array library is that of the train.
    shape : sequence of int
        Sizes of the tensor.
    tol : float
        The largest error of an entry, relative to the largest entry.
    rng : None, int or numpy.random.Generator, optional
        Makes the random places.
    max_rank : int
        The largest rank.
    max_sweeps : int
        The most sweeps over the axes.
    max_bytes : int
        The largest core, in bytes.

    Returns
    -------
    CrossResult
        The train is ``.tensor``.

    Raises
    ------
    ValueError
        If an entry is NaN or Inf (the message names its place), there are more or fewer values than
        places, or the tolerance is below the rounding errors of the values.
    MemoryError
        If a core takes more than ``max_bytes``.

    Warns
    -----
    ConvergenceWarning
        If the tolerance is not reached within ``max_rank`` and ``max_sweeps``.

    Notes
    -----
    A sweep goes from axis to axis. With ``r`` left index sets chosen, the next core needs a basis
    of the columns of the (r n, …) unfolding. Columns are taken in batches, those that the previous
    sweep chose first, then random ones, and join the basis where it does not hold them, until a
    random batch adds nothing. Rows are then chosen by QR with column pivoting, and the core
    interpolates in them. The error is measured at new random places; as long as it is too large, a
    sweep in the opposite direction follows, with a smaller tolerance and the places of the largest
    errors. About ``1.5 d n r²`` entries per sweep are taken; once they are as many as the tensor
    has, it is taken as a whole. What lives at few isolated places, and on none of the lines through
    those that were visited, is not seen by any such method. Ranks are a little larger than they
    need to be: `TensorTrain.round` brings them down.

    The choice of places is made on the host, in the order of the algorithm: entries of another
    library stay there, and only norms and places of pivots come over.

    References
    ----------
    .. [1] I. Oseledets and E. Tyrtyshnikov, "TT-cross approximation for multidimensional arrays",
       Linear Algebra Appl. 432 (2010).

    Examples
    --------
    >>> found = tt_cross(lambda i: 1.0 / (1 + np.sum(i, axis=1)), (20,) * 6, tol=1e-8, rng=0)
    >>> found.converged, found.evaluations < 20**4
    (True, True)
    """
    shape = tuple(operator.index(n) for n in shape)
    if not shape or min(shape) < 1:
        raise ValueError(f"shape is {shape}: one axis or more are needed, of length 1 or more")
    if max_rank < 1 or max_sweeps < 1:
        raise ValueError(f"max_rank is {max_rank} and max_sweeps {max_sweeps}: pass 1 or more")
    seed = seed_of(rng)
    samples = Samples(entries, shape, np.random.default_rng(seed))
    first = samples.climb()
    eps = float(namespace(first).finfo(first.dtype).eps)
    if not tol >= eps:
        raise ValueError(
            f"tol is {tol:.3g}, and {first.dtype} values hold {eps:.1e}: pass a larger tol"
        )
    sweeper = Sweeper(samples, max_rank, max_bytes)
    floor, error = tol / (2 * max(len(shape) - 1, 1)), math.inf
    for iterations in range(1, max_sweeps + 1):
        whole = math.prod(shape) <= max(samples.count, _few)
        if whole:
            found = _of_all(samples, tol, max_rank)
        else:
            found = TensorTrain(sweeper.run(max(floor, 8 * eps), reverse=iterations % 2 == 0))
        now = _error(found, samples)
        if now <= error:
            error, train = now, found
        if error <= tol or sweeper.full or whole:
            break
        floor = floor / 3
    result = CrossResult(
        tensor=train,
        converged=error <= tol,
        error_estimate=error,
        evaluations=samples.count,
        iterations=iterations,
        seed=seed,
    )
    if not result.converged:
        full = sweeper.full or whole
        reached = f"max_rank={max_rank}" if full else f"max_sweeps={max_sweeps}"
        warnings.warn(
            f"the cross approximation did not reach tol={tol:.3g} with {reached}: the error is "
            f"about {error:.3g} of the largest entry after {samples.count} evaluations; raise "
            "these bounds, or check that the tensor has low ranks",
            ConvergenceWarning,
            stacklevel=2,
        )
    return result


def _of_all(samples: Samples, tol: float, max_rank: int) -> TensorTrain:
    """Return the train of all entries, the largest error of which is within the tolerance."""
    shape = samples.shape
    values = samples(np.stack(np.unravel_index(np.arange(math.prod(shape)), shape), axis=1))
    size = norm(values)
    share = tol * samples.scale / size if size > 0 else 0.0
    return tt_svd(namespace(values).reshape(values, shape), tol=share, ranks=max_rank)


def _error(train: TensorTrain, samples: Samples) -> float:
    """Return the largest error at new random places, in units of the largest entry."""
    places = samples.random_places(min(max(samples.count // 10, _tested[0]), _tested[1]))
    values = samples(places)
    xp = namespace(values)
    gap = xp.abs(values - train.at(places))
    worst = int(xp.argmax(gap))
    samples.remember(places[worst])
    return float(gap[worst]) / (samples.scale or 1.0)
