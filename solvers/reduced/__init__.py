"""Reduced-order models: bases from snapshots, clusters of them, and cheap nonlinear terms.

- Bases: `pod`, `StreamingPOD`; of clusters `local_pod`, by `sine_dissimilarity` and `k_medoids`.
- Few points instead of all: `deim` and `GappyPOD`, `empirical_cubature` and `galerkin_cubature`.
- Models: `ReducedModel` solves equations that are given by callables; `AdaptiveReducedModel` knows
  its error by an `ErrorIndicator`, and calls the full model where it is too large.
"""

from structlin.solvers.reduced._state import ReducedState as ReducedState
from structlin.solvers.reduced.adaptive import (
    AdaptiveReducedModel as AdaptiveReducedModel,
    ReducedSolution as ReducedSolution,
)
from structlin.solvers.reduced.basis import POD as POD
from structlin.solvers.reduced.clustering import (
    Clustering as Clustering,
    k_medoids as k_medoids,
    sine_dissimilarity as sine_dissimilarity,
)
from structlin.solvers.reduced.cubature import (
    Cubature as Cubature,
    empirical_cubature as empirical_cubature,
    galerkin_cubature as galerkin_cubature,
)
from structlin.solvers.reduced.efficiency import Efficiency as Efficiency
from structlin.solvers.reduced.gappy import GappyPOD as GappyPOD, deim as deim
from structlin.solvers.reduced.indicator import ErrorIndicator as ErrorIndicator
from structlin.solvers.reduced.local import LocalBases as LocalBases, local_pod as local_pod
from structlin.solvers.reduced.model import ReducedModel as ReducedModel
from structlin.solvers.reduced.pod import pod as pod
from structlin.solvers.reduced.streaming_pod import StreamingPOD as StreamingPOD
