"""Functions of several variables: Chebyshev or Fourier series in every variable, in Tucker form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec

from structlin.tensors._function.algebra import Algebra
from structlin.tensors._function.calculus import Calculus
from structlin.tensors._function.evaluation import Evaluation
from structlin.tensors._function.extrema import Extrema
from structlin.tensors._function.restriction import Restriction
from structlin.tensors._function.statistics import Statistics
from structlin.tensors._function.storage import Storage
from structlin.tensors.fit import fit
from structlin.tensors.from_arrays import from_coeffs, from_tensor, from_values
from structlin.tensors.from_cp import from_cp
from structlin.tensors.kernel_sums import from_kernel_sum

P = ParamSpec("P")


def _constructor(
    function: Callable[Concatenate[type[ChebTucker], P], ChebTucker],
) -> classmethod[ChebTucker, P, ChebTucker]:
    """Return a function whose first argument is the class as a method of it."""
    return classmethod(function)


class ChebTucker(Evaluation, Algebra, Calculus, Restriction, Extrema, Statistics, Storage):
    """A function of several variables on a box.

    ``f(x, y, …) = Σ core[p, q, …] u_p(x) v_q(y) …``, where the functions of one variable are
    series of Chebyshev polynomials, or of sines and cosines on periodic axes. `chebtucker` makes it
    from a function of arrays, and the constructors named ``from_…`` from data.

    Parameters
    ----------
    core : (r1, …, rd) array or TensorTrain
        The core.
    factors : sequence of (nk, rk) arrays
        Coefficients: a column for every function of that variable.
    domain : sequence of intervals, (d, 2) array or None
        The box: a pair ``(low, high)`` or a basis, such as ``Fourier(0, 1)``, for every axis. None
        is ``[−1, 1]`` for every axis.
    report : Construction, optional
        How the function came about.

    Raises
    ------
    TypeError
        If ``core`` is callable: `chebtucker` takes functions.
    ValueError
        If the shapes of core, factors and domain disagree.

    Examples
    --------
    >>> import numpy as np
    >>> ChebTucker(np.ones((1, 1)), [np.eye(2)[:, 1:], np.eye(3)[:, 2:]])(0.5, 1.0)  # x T₂(y)
    np.float64(0.5)
    """

    fit = _constructor(fit)
    from_coeffs = _constructor(from_coeffs)
    from_cp = _constructor(from_cp)
    from_kernel_sum = _constructor(from_kernel_sum)
    from_tensor = _constructor(from_tensor)
    from_values = _constructor(from_values)
