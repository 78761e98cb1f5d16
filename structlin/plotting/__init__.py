"""Pictures. Matplotlib (the extra ``plot``) is imported when the first one is drawn.

- Matrices: `structure`, `compression`.
- Randomized linear algebra: `singular_values`, `sketch_quality`, `convergence`,
  `spectral_density`.
- Functions of several variables: `slices`, `coefficients`, `ranks`, `isosurface`,
  `sampling_points`.
- Gaussian processes: `bands`, `field`, `spectral_lines`.
- Learned parameters: `regret`.
- Learned maps: `triptych`, `learning_curve`, `calibration`, `spectrum`.
- Simulations: `heat_story`, `iterations`, `omegas`, `temperature`, `shade`.
- The colours: `palette`.
"""

from structlin.plotting._figures import palette as palette
from structlin.plotting.learning import regret as regret
from structlin.plotting.matrices import compression as compression, structure as structure
from structlin.plotting.operators import (
    calibration as calibration,
    learning_curve as learning_curve,
    spectrum as spectrum,
    triptych as triptych,
)
from structlin.plotting.processes import (
    bands as bands,
    field as field,
    spectral_lines as spectral_lines,
)
from structlin.plotting.simulation import (
    heat_story as heat_story,
    iterations as iterations,
    omegas as omegas,
    shade as shade,
    temperature as temperature,
)
from structlin.plotting.sketching import (
    convergence as convergence,
    singular_values as singular_values,
    sketch_quality as sketch_quality,
    spectral_density as spectral_density,
)
from structlin.plotting.tensors import (
    coefficients as coefficients,
    isosurface as isosurface,
    ranks as ranks,
    sampling_points as sampling_points,
    slices as slices,
)
