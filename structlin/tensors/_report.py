"""What a construction says of how its function came about."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from structlin._errors import ConvergenceWarning


@dataclass(frozen=True, kw_only=True)
class Construction:
    """How a function was made.

    Attributes
    ----------
    method : str
        What was done, and why where it was chosen automatically.
    tol : float
        The error that was asked for, relative to the largest value; what is made of the function
        is compressed to the same tolerance.
    converged : bool
        Whether the tolerance was reached, as far as the error estimate tells. What is made of
        functions has converged if they all have.
    error_estimate : float
        The largest error that was seen at points that had no part in the construction, relative to
        the largest value; NaN where none was measured.
    evaluations : int
        How many values of the function were used.
    iterations : int
        Rounds of refinement.
    seed : int or None
        The key of all random numbers; None where there were none.
    """

    method: str
    tol: float
    converged: bool = True
    error_estimate: float = float("nan")
    evaluations: int = 0
    iterations: int = 0
    seed: int | None = None


@dataclass(frozen=True, kw_only=True)
class Compression:
    """How a tensor was compressed.

    Attributes
    ----------
    method : str
        What was done, and why where it was chosen automatically.
    converged : bool
        Whether the tolerance was reached, or the iteration came to rest.
    error_estimate : float
        ``‖T − T̃‖ / ‖T‖`` in the Frobenius norm: the error itself, not a bound.
    iterations : int
        Sweeps of an iteration; 0 for direct methods.
    seed : int or None
        The key of all random numbers; None where there were none.
    """

    method: str
    converged: bool = True
    error_estimate: float = float("nan")
    iterations: int = 0
    seed: int | None = None


def warn_unresolved(report: Construction, cure: str, stacklevel: int = 3) -> None:
    """Warn of a function that is not what was asked for, and say what to do."""
    if not report.converged:
        count = report.evaluations
        effort = f" after {count} evaluations" if count else ""  # some take coefficients only
        warnings.warn(
            f"{report.method} did not reach tol={report.tol:.3g}: the error is about "
            f"{report.error_estimate:.3g} of the largest value{effort}; {cure}",
            ConvergenceWarning,
            stacklevel=stacklevel,
        )
