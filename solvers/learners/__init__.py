"""Learners: choose a parameter, are told what it cost, and choose better."""

from structlin.solvers.learners._context import ContextSpace as ContextSpace
from structlin.solvers.learners._learner import (
    Learner as Learner,
    Outcome as Outcome,
    Play as Play,
)
from structlin.solvers.learners.cheb_cb import ChebCB as ChebCB
from structlin.solvers.learners.choice import Choice as Choice
from structlin.solvers.learners.context_binned import ContextBinned as ContextBinned
from structlin.solvers.learners.golden_section import GoldenSection as GoldenSection
from structlin.solvers.learners.quadratic_surrogate import QuadraticSurrogate as QuadraticSurrogate
from structlin.solvers.learners.restart import RestartOnDrift as RestartOnDrift
from structlin.solvers.learners.spectral import SpectralLearner as SpectralLearner
from structlin.solvers.learners.thompson import ThompsonSampling as ThompsonSampling
from structlin.solvers.learners.tsallis_inf import TsallisINF as TsallisINF
