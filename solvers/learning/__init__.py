"""Solvers that learn their parameters over a sequence of systems."""

from structlin.solvers.learning.relaxation_layer import RelaxationLayer as RelaxationLayer
