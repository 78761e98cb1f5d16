"""``python -m structlin``: the tour runs, draws, and its numbers are good."""

from __future__ import annotations

import re

import pytest

from structlin._commands import tour


def test_every_wing_is_visited_and_drawn(tmp_path, capsys):
    assert tour.main(["--seed", "0", "--out", str(tmp_path / "tour.svg")]) == 0
    out = capsys.readouterr().out
    said = " ".join(out.split())
    assert all(f"{name} (" in out for name in tour.stops)
    assert (tmp_path / "tour.svg").stat().st_size > 50_000
    for pattern, most in (
        (r"relative residual (\S+)\.", 1e-12),
        (r"and (\S+) from LAPACK", 1e-9),
        (r"it is off by (\S+);", 1e-7),
        (r"root mean square error (\S+);", 0.05),
        (r"largest error (\S+)\.", 1e-8),
        (r"Legendre points: \S+ ms, error (\S+)\.", 1e-12),
        (r"256 cells: (\d+) iterations", 30),
        (r"decay is known, to (\S+)\.", 1e-9),
        (r"symmetries of the equation: error (\S+)%", 1.0),
    ):
        found = re.search(pattern, said)
        assert found, pattern
        assert float(found[1]) < most, found[0]


def test_wrong_options_end_with_one_line(capsys):
    with pytest.raises(SystemExit) as stopped:
        tour.main(["--nx", "9"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
