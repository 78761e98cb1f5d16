"""Sums, products, quotients and powers."""

from __future__ import annotations

from structlin.tensors._representation import Representation


class Algebra(Representation):
    """Sums, products, quotients and powers."""
