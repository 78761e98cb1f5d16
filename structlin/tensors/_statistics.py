"""Means, variances and sensitivities."""

from __future__ import annotations

from structlin.tensors._representation import Representation


class Statistics(Representation):
    """Means, variances and sensitivities."""
