"""Tensor trains."""

from __future__ import annotations

from typing import Any


class TensorTrain:
    """A tensor as a train of cores."""

    def __init__(self, cores: Any) -> None:
        raise NotImplementedError
