"""Derivatives, integrals, inner products and norms."""

from __future__ import annotations

from structlin.tensors._representation import Representation


class Calculus(Representation):
    """Derivatives, integrals, inner products and norms."""
