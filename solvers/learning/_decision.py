"""What a layer chose for a system."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from structlin.solvers.learners._learner import Play
from structlin.solvers.learning._keys import Key


@dataclasses.dataclass(slots=True, eq=False)
class Decision:
    """What `RelaxationLayer.ask` chose for a system, to be told what it cost.

    Attributes
    ----------
    solver : str
        Name of the solver to use.
    parameters : mapping
        What to call it with besides the system.
    key : Key
        What the system has in common with those that are learned from together.
    play : Play
        The learner's own decision.
    """

    solver: str
    parameters: Mapping[str, Any]
    key: Key
    play: Play
