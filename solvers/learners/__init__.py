"""Learners: choose a parameter, are told what it cost, and choose better."""

from structlin.solvers.learners._context import ContextSpace as ContextSpace
from structlin.solvers.learners._learner import (
    Learner as Learner,
    Outcome as Outcome,
    Play as Play,
)
from structlin.solvers.learners.tsallis_inf import TsallisINF as TsallisINF
