"""Small instances of every structure, one function each, by families.

The entry of a structure here gives it every shared test of this package, and a name in
``structlin.testing.operators(structure=…)``. Shapes with a zero and singular matrices belong to it.
"""

from structlin.testing._instances import (
    algebra,
    elementary,
    kronecker,
    kronecker_sparse,
    low_rank,
    monarch,
    sketching,
    toeplitz,
    transforms,
)

families = (
    algebra,
    elementary,
    kronecker,
    kronecker_sparse,
    low_rank,
    monarch,
    sketching,
    toeplitz,
    transforms,
)
