"""The compiled kernels of learners do what their plain source does."""

from __future__ import annotations

import pytest

from structlin.solvers.learners import (
    ChebCB,
    ContextBinned,
    ThompsonSampling,
    TsallisINF,
    _tsallis_tables,
    cheb_cb,
    thompson,
)
from tests.solvers.learners.learners import CASES, leaves, play, saved

KINDS = (TsallisINF, ContextBinned, ChebCB, ThompsonSampling)
OURS = [case for case in CASES if isinstance(case.make(rng=0), KINDS)]


@pytest.mark.parametrize("case", OURS, ids=str)
@pytest.mark.parametrize("discount", [1.0, 0.95])
def test_plain_kernels_learn_the_same(case, discount, monkeypatch):
    compiled = case.make(rng=3, discount=discount)
    expected = play(compiled, case, 120)
    for module in (_tsallis_tables, cheb_cb, thompson):
        monkeypatch.setattr(module, "compiled", lambda plain: plain)
    learner = case.make(rng=3, discount=discount)
    assert play(learner, case, 120) == expected
    for (_, value), (_, other) in zip(leaves(saved(learner)), leaves(saved(compiled)), strict=True):
        assert value == (pytest.approx(other, rel=1e-9) if type(other) is float else other)
