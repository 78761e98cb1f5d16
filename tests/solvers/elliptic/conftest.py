"""Fixtures of elliptic solvers."""

from __future__ import annotations

import pytest

from structlin.solvers.elliptic import _transforms


@pytest.fixture(params=["matrices", "transforms"])
def way(request, monkeypatch):
    """Multiply short axes by matrices, as usual, or transform all even ones."""
    if request.param == "transforms":
        monkeypatch.setattr(_transforms, "_longest", 0)
