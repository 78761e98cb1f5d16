"""What the projections onto structures return."""

from __future__ import annotations

from typing import Any, NamedTuple

from structlin.matrices._base import LinearOperator


class Nearest(NamedTuple):
    """A structured approximation of a matrix, and how far it is off.

    It unpacks: ``operator, relative_error = nearest_lowrank(W, 5)``. Where the approximation is
    iterated and does not settle, the function that returns it warns with a
    :class:`structlin.ConvergenceWarning`.

    Parameters
    ----------
    operator : LinearOperator
        The approximation.
    relative_error : scalar
        ‖W − operator‖ / ‖W‖ in the Frobenius norm, a real scalar of the array library of W; 0
        where W is zero and so is the operator.
    """

    operator: LinearOperator
    relative_error: Any
