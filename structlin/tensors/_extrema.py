"""Largest and smallest values, and roots."""

from __future__ import annotations

from structlin.tensors._representation import Representation


class Extrema(Representation):
    """Largest and smallest values, and roots."""
