"""The benchmarks' harness: what it times, and when it declares its own run void."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

benchmarks = Path(__file__).parents[1] / "benchmarks"

head = """
import sys, time
from pathlib import Path
import harness
import numpy as np
harness.RESULTS = Path(sys.argv[1])
record = harness.Record("probe", "A test of the harness")
product = harness.gemm(2 * 128**3, size=128)
"""


@pytest.fixture
def run(tmp_path):
    pytest.importorskip("threadpoolctl")

    def script(body: str) -> tuple[subprocess.CompletedProcess[str], Path]:
        done = subprocess.run(
            [sys.executable, "-c", head + body, str(tmp_path)],
            env={**os.environ, "PYTHONPATH": str(benchmarks), "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        return done, tmp_path

    return script


def test_a_fair_race_is_written_as_json_and_table(run):
    done, folder = run("""
times = record.race(
    "sleep",
    {"ours": lambda: time.sleep(0.004), "peer": lambda: time.sleep(0.03)},
    limits={"product": product},
    bars=[("ours", "peer", 1e-6), ("ours", "peer", 1e6)],
    units={"ours": 2},
    rounds=5,
)
assert 0.002 <= times["ours"].minimum <= times["ours"].median
assert 0.03 <= times["peer"].minimum
record.figure("decision", 3.0, "µs", at_most=10.0)
record.missing("absent peer")
sys.exit(record.write())
""")
    assert done.returncode == 0, done.stderr
    content = json.loads((folder / "probe.json").read_text(encoding="utf-8"))
    assert content["void"] == []
    assert content["machine"]["threads"]["environment"]["OMP_NUM_THREADS"] == "1"
    assert content["machine"]["threads"]["numba"] == 1
    assert all(pool["num_threads"] == 1 for pool in content["machine"]["threads"]["pools"])
    (case,) = content["cases"]
    assert [bar["met"] for bar in case["bars"]] == [True, False]
    assert case["limits"]["product"]["binds"] == ["ours", "peer"]
    table = (folder / "probe.md").read_text(encoding="utf-8")
    for words in ("| ours |", "limit: product", "MISSED", "absent peer took no part", "3 µs"):
        assert words in table
        assert words in done.stdout


def test_whoever_beats_a_limit_voids_the_run(run):
    done, folder = run("""
record.race("nothing", {"honest": lambda: time.sleep(0.01), "unfinished": lambda: None},
            limits={"product": product}, rounds=5)
sys.exit(record.write())
""")
    assert done.returncode == 1
    assert "VOID" in done.stdout
    assert not (folder / "probe.json").exists()  # the last valid record stays
    content = json.loads((folder / "probe.void.json").read_text(encoding="utf-8"))
    assert content["void"] == ["nothing: unfinished beats its limit product"]


def test_a_yardstick_may_be_beaten(run):
    done, _ = run("""
yardstick = harness.bandwidth("triad", moved=1e9, footprint=24e3, binds=[])
bound = harness.bandwidth("read", moved=8.0, footprint=8e3, binds=["ours"])
record.race("x", {"ours": lambda: time.sleep(0.004)}, rounds=5,
            limits={"yardstick": yardstick, "bound": bound})
sys.exit(record.write())
""")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "yardstick: yardstick" in done.stdout
    assert "limit: bound" in done.stdout


def test_every_result_is_waited_for_inside_the_timed_region(run):
    done, _ = run("""
class Promise:
    def block_until_ready(self):
        time.sleep(0.02)

times = record.race("promise", {"a": Promise, "b": lambda: 1.0}, rounds=5)
assert times["a"].minimum >= 0.02
waited = []
record.race("own hook", {"a": lambda: "result"}, rounds=5, force=waited.append)
assert waited and set(waited) == {"result"}
""")
    assert done.returncode == 0, done.stderr


def test_contestants_that_disagree_are_not_timed(run):
    done, _ = run("""
record.race("values", {"a": lambda: np.ones(3), "b": lambda: np.ones(3) + 1e-3}, agree=1e-6)
""")
    assert "ArithmeticError: values: b is off by 1.0e-03, over 1.0e-06" in done.stderr


def test_refuses_to_be_imported_after_numpy(run):
    done, _ = run("""
import importlib
del sys.modules["_threads"], sys.modules["harness"]
importlib.import_module("harness")
""")
    assert "import harness before NumPy" in done.stderr
