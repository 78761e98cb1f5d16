"""Pictures. Matplotlib (the extra ``plot``) is imported when the first one is drawn."""

from structlin.plotting._figures import palette as palette
from structlin.plotting.matrices import compression as compression, structure as structure
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
)
