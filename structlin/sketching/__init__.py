"""Randomized linear algebra: sketching operators, row sampling, and the drivers built on them."""

from structlin.sketching.gaussian import Gaussian as Gaussian, Rademacher as Rademacher
from structlin.sketching.row_blocks import RowBlocks as RowBlocks, Summand as Summand
from structlin.sketching.sparse_stack import CountSketch as CountSketch, SparseStack as SparseStack
