"""Functions of several variables: Chebyshev or Fourier series in every variable, in Tucker form."""

from __future__ import annotations

from structlin.tensors._algebra import Algebra
from structlin.tensors._calculus import Calculus
from structlin.tensors._evaluation import Evaluation
from structlin.tensors._extrema import Extrema
from structlin.tensors._restriction import Restriction
from structlin.tensors._statistics import Statistics
from structlin.tensors._storage import Storage
from structlin.tensors.fit import fit
from structlin.tensors.from_arrays import from_coeffs, from_tensor, from_values
from structlin.tensors.from_cp import from_cp
from structlin.tensors.kernel_sums import from_kernel_sum


class ChebTucker(Evaluation, Algebra, Calculus, Restriction, Extrema, Statistics, Storage):
    """A function of several variables on a box.

    ``f(x, y, …) = Σ core[p, q, …] u_p(x) v_q(y) …``, where the functions of one variable are
    series of Chebyshev polynomials, or of sines and cosines on periodic axes.

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
    """

    fit = classmethod(fit)
    from_coeffs = classmethod(from_coeffs)
    from_cp = classmethod(from_cp)
    from_kernel_sum = classmethod(from_kernel_sum)
    from_tensor = classmethod(from_tensor)
    from_values = classmethod(from_values)
