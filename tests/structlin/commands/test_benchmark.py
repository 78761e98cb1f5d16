"""``python -m structlin benchmark``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from structlin._commands.benchmark import PROBLEMS, main

results = Path(__file__).parents[3] / "benchmarks" / "results"


def test_the_table_has_a_row_for_every_method(capsys):
    run = ["operators", "--problem", "advection-boxes", "--train", "200", "--test", "5"]
    assert main([*run, "--no-cache"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("advection boxes: 200 samples to learn from, 5 to test, in ")
    assert lines[1].split()[:2] == ["method", "test"]
    names = ("linear regression", "kernel ", "kernel, what is known used")
    rows = [next(line for line in lines[3:] if line.startswith(name)) for name in names]
    error, unit = rows[0].split()[2:4]
    assert unit == "%"
    assert float(error) < 1e-6  # the map is linear, in 40 unknowns
    assert rows[0].split()[6] == "-"  # a linear map has no bands


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        ([], "suite"),
        (["solvers"], "invalid choice"),
        (["operators", "--problem", "wave"], "invalid choice"),
        (["operators", "--train", "2"], "not a whole number"),
    ],
)
def test_wrong_arguments_end_with_one_line(argv, complaint, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", [name for name, p in PROBLEMS.items() if p.peer is not None])
def test_the_peer_is_what_was_recorded(name):
    last = json.loads((results / f"fno_{name}.json").read_text(encoding="utf-8"))["curve"][-1]
    method, error, seconds = PROBLEMS[name].peer
    assert method == f"FNO, {last['epoch']} epochs, recorded"
    assert error == pytest.approx(last["test %"], rel=0.01)
    assert seconds == pytest.approx(last["cpu s"], rel=0.01)
