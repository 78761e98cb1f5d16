"""How a map between function spaces was learned."""

from __future__ import annotations

from dataclasses import dataclass

from structlin.operators.kernels._selection import Choice


@dataclass(frozen=True)
class OperatorReport:
    """How a `KernelOperator` was learned; ``print`` shows it.

    Attributes
    ----------
    samples, features : int
        How many pairs there were, and coefficients of an input.
    directions : int or None
        How many directions of change the metric has, if those were learned.
    symmetry : str
        What was used of the symmetry.
    method : str
        ``"direct"``, or how many landmarks.
    choice : Choice
        The hyper-parameters.
    nugget : float
        What was added to the diagonal of the kernel matrix.
    nugget_raised : bool
        Whether that is more than was asked for, as the matrix is ill-conditioned.
    leave_one_out : float
        The mean relative error at samples that were left out, with all their images.
    linear_leave_one_out : float
        That of the linear map.
    calibration : float
        What posterior deviations were multiplied by, beyond the size of errors, for 90 % of the
        errors at samples left out to be within 1.645 of them.
    """

    samples: int
    features: int
    directions: int | None
    symmetry: str
    method: str
    choice: Choice
    nugget: float
    nugget_raised: bool
    leave_one_out: float
    linear_leave_one_out: float
    calibration: float

    def __str__(self) -> str:
        c = self.choice
        raised = ", raised: the kernel matrix is ill-conditioned" if self.nugget_raised else ""
        better = self.linear_leave_one_out < self.leave_one_out
        advice = ", better: take LinearOperatorRegression" if better else ""
        learned = f"{self.directions} directions of change"
        metric = f"exponent {c.metric:g}" if self.directions is None else learned
        return "\n".join(
            (
                f"samples        {self.samples}, {self.features} features, {self.method}",
                f"symmetry       {self.symmetry}",
                f"kernel         {c.kernel}, length scale {c.length_scale:g} medians",
                f"metric         {metric}",
                f"nugget         {self.nugget:.1e}{raised}",
                f"leave one out  {100 * self.leave_one_out:.3g} %",
                f"linear map     {100 * self.linear_leave_one_out:.3g} %{advice}",
                f"error bars     90 % of errors at samples left out are below 1.645 of them "
                f"(scaled by {self.calibration:.3g} for that)",
            )
        )
