"""Random generators are saved with the learners that draw from them."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from structlin.solvers import TsallisINF


def play(learner, rounds):
    arms = []
    for _ in range(rounds):
        play = learner.ask()
        learner.tell(play, (play.arm * 7 % 5) + 0.1)
        arms.append(play.arm)
    return arms


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_every_generator_of_numpy_is_saved(kind):
    rng = np.random.Generator(getattr(np.random, kind)(3))
    rng.integers(5, dtype=np.int32)  # leaves half a word in the generator
    learner = TsallisINF(6, rng=rng)
    restored = TsallisINF.from_state_dict(json.loads(json.dumps(learner.state_dict())))
    assert play(restored, 20) == play(learner, 20)


def test_other_generators_are_refused():
    class Other(np.random.PCG64):
        @property
        def state(self):
            return {"bit_generator": "Other"}

    learner = TsallisINF(6, rng=np.random.Generator(Other()))
    with pytest.raises(TypeError, match="Other cannot be saved"):
        learner.state_dict()


def test_another_process_continues_the_same_sequence():
    learner = TsallisINF(6, rng=11)
    play(learner, 25)
    program = (
        "import json, sys\n"
        "from structlin.solvers import TsallisINF\n"
        "learner = TsallisINF.from_state_dict(json.load(sys.stdin))\n"
        "arms = []\n"
        "for _ in range(30):\n"
        "    play = learner.ask()\n"
        "    arms.append(play.arm)\n"
        "    learner.tell(play, (play.arm * 7 % 5) + 0.1)\n"
        "print(json.dumps([arms, learner.state_dict()]))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(learner.state_dict()),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(answer.stdout) == [play(learner, 30), learner.state_dict()]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("MT19937", {"state": {"key": [1], "pos": 0}}),
        ("MT19937", {"state": {"key": [1] * 625, "pos": 0}}),
        ("MT19937", {"state": {"key": [0.5] * 624, "pos": 0}}),
        ("MT19937", {"state": {"key": [1] * 624, "pos": 10**6}}),
        ("MT19937", {"state": {"key": [1] * 624, "pos": -1}}),
        ("Philox", {"state": {"key": [1], "counter": [0] * 4}}),
        ("Philox", {"buffer_pos": -1000}),
        ("Philox", {"buffer": None}),
        ("SFC64", {"state": {"state": [1]}}),
        ("PCG64", {"state": {"state": 10**400, "inc": 1}}),
        ("PCG64", {"has_uint32": 0.5}),
        ("PCG64", {"bit_generator": []}),
    ],
)
def test_corrupted_generators_are_refused(kind, change):
    state = TsallisINF(3, rng=np.random.Generator(getattr(np.random, kind)(0))).state_dict()
    state["generator"] |= change
    with pytest.raises(ValueError, match="TsallisINF: its generator is corrupted"):
        TsallisINF.from_state_dict(state)
