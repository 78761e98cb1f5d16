"""Parts of a function: smaller boxes, slices, other orders of the variables."""

from __future__ import annotations

from structlin.tensors._representation import Representation


class Restriction(Representation):
    """Parts of a function: smaller boxes, slices, other orders of the variables."""
