"""Functions in files."""

from __future__ import annotations

from structlin.tensors._representation import Representation


class Storage(Representation):
    """Functions in files."""
