"""What every driver says of how its answer came about."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from structlin._errors import ConvergenceWarning


@dataclass(frozen=True, eq=False, kw_only=True)
class Report:
    """What a driver did.

    Attributes
    ----------
    method : str
        What was done, and why where it was chosen automatically.
    converged : bool
        Whether the accuracy asked for was reached, as far as the error estimate tells.
    error_estimate : float
        What it measures stands with the driver; NaN where it has none.
    passes : int
        How often the matrix was read, or multiplied with a block of vectors.
    iterations : int
        Steps of the iteration; 0 for direct methods.
    seed : int or None
        The key of all random numbers; None where there were none.
    """

    method: str
    converged: bool = True
    error_estimate: float = float("nan")
    passes: int = 0
    iterations: int = 0
    seed: int | None = None


def warn_unconverged(report: Report, cure: str, stacklevel: int = 3) -> None:
    """Warn of a result that is not what was asked for, and say what to do."""
    if not report.converged:
        warnings.warn(
            f"{report.method} did not converge: error estimate {report.error_estimate:.3g} after "
            f"{report.passes} passes; {cure}",
            ConvergenceWarning,
            stacklevel=stacklevel,
        )
