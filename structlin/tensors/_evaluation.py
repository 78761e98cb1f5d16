"""Values at points and on grids."""

from __future__ import annotations

from structlin.tensors._representation import Representation


class Evaluation(Representation):
    """Values at points and on grids."""
