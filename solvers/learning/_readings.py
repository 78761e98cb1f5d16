"""What a user's solver tells of a call: its cost, whether it failed, and how it converged."""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Callable, Mapping
from typing import Any, Literal

import array_api_compat as compat
import numpy as np

from structlin._validation import first_nonfinite
from structlin.solvers._solution import Solution
from structlin.solvers.learners import Outcome
from structlin.solvers.learners._learner import max_loss
from structlin.solvers.learning._costs import observed_rate, observed_reduction

Loss = Literal["iterations", "seconds"] | Callable[[Any], float]


@dataclasses.dataclass(frozen=True)
class Reading:
    """What is known of a call.

    Attributes
    ----------
    loss : float or None
        Its cost; None where it told none, or there was nothing to do.
    failure : str or None
        Why its answer is none: the status of a `Solution`, ``"not converged"``, or ``"NaN"``.
    rate, reduction : float or None
        As in `Outcome`.
    """

    loss: float | None
    failure: str | None = None
    rate: float | None = None
    reduction: float | None = None

    def outcome(self, penalty: float) -> Outcome | None:
        """Return what the learner is told; ``penalty`` is the least that a failure costs."""
        if self.failure is not None:
            loss = min(max(self.loss or 0.0, penalty), max_loss)
            return Outcome(loss, True, self.rate, self.reduction)
        if self.loss is None:
            return None
        return Outcome(self.loss, False, self.rate, self.reduction)


def checked_loss(loss: Any) -> Loss:
    """Return the kind of loss, or say which there are."""
    if loss in ("iterations", "seconds") or (callable(loss) and not isinstance(loss, str)):
        return loss  # type: ignore[no-any-return]
    raise ValueError(
        f"loss is {loss!r}: pass 'iterations', 'seconds', or a function of what the solver returns"
    )


def read(returned: Any, loss: Loss, seconds: float, name: str) -> Reading:
    """Return what a solver's result tells, as `SolverTuner` documents it.

    Raises
    ------
    TypeError
        If it tells nothing of the kind.
    ValueError
        If the loss is negative.
    """
    x, info = _parts(returned, name)
    known = _told(info)
    if known is None and loss == "iterations":
        raise TypeError(
            f"{name} returned {type(returned).__name__} without iterations: return a Solution, a "
            "number, {'iterations': …}, or a pair of the answer and one of these; or measure "
            "loss='seconds'"
        )
    failure, iterations, norms = known or (None, None, None)
    value: float | None
    if loss == "seconds":
        value = seconds
    elif callable(loss):
        value = _number(loss(returned), "the loss") or None  # 0: there was nothing to do
    else:
        value = _number(iterations, f"the loss that {name} returned") or None
    if value is not None and not math.isfinite(value):
        failure, value = failure or ("NaN" if math.isnan(value) else "infinite loss"), None
    if failure is None and compat.is_array_api_obj(x) and first_nonfinite(x) is not None:
        failure = "NaN"
    try:
        norms = np.asarray(() if norms is None else norms, dtype=np.float64)
        norms = norms.reshape(len(norms))
    except (TypeError, ValueError):
        raise TypeError(f"{name} returned residual_norms {norms!r}: pass real numbers") from None
    if not len(norms):
        return Reading(value, failure)
    return Reading(value, failure, observed_rate(norms), observed_reduction(norms))


def wait_for(returned: Any) -> None:
    """Wait until what a solver returned is computed, where a GPU may still be at it."""
    parts = returned if isinstance(returned, tuple) else (getattr(returned, "x", returned),)
    for part in parts:
        if compat.is_cupy_array(part):
            part.device.synchronize()


def _parts(returned: Any, name: str) -> tuple[Any, Any]:
    """Return the answer and the information of a call, None for what there is not."""
    if isinstance(returned, Solution):
        return returned.x, returned
    if compat.is_array_api_obj(returned) and returned.shape:
        return returned, None
    if not isinstance(returned, tuple) or len(returned) != 2:
        return None, returned
    x, info = returned
    if isinstance(info, numbers.Integral) and not isinstance(info, bool):
        raise TypeError(
            f"{name} returned (x, {info}), which could be the exit code of a SciPy solver or a "
            "number of iterations: return (x, {'iterations': …, 'converged': …}), or wrap the "
            "SciPy solver by scipy_solver(…)"
        )
    return x, info


def _told(info: Any) -> tuple[str | None, Any, Any] | None:
    """Return failure, iterations and residual norms; None if the information has none of them."""
    if isinstance(info, Solution):
        return None if info.converged else info.status, info.iterations, info.residual_norms
    if isinstance(info, Mapping):
        failure = None if info.get("converged", True) else str(info.get("status", "not converged"))
        if failure is None and "iterations" not in info:
            return None
        return failure, info.get("iterations", 0), info.get("residual_norms")
    if isinstance(info, numbers.Real) and not isinstance(info, bool | np.bool_):
        value = float(info)
        failure = "NaN" if math.isnan(value) else "infinite loss" if math.isinf(value) else None
        return failure, 0.0 if failure else value, None
    return None


def _number(value: Any, name: str) -> float:
    if not isinstance(value, numbers.Real) or isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} is {value!r}: it must be a real number")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError(f"{name} is {value}: it must lie between 0 and {max_loss:g}") from None
    if number < 0 or max_loss < number < math.inf:
        raise ValueError(f"{name} is {number}: it must lie between 0 and {max_loss:g}")
    return number
