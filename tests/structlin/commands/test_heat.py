"""``python -m structlin heat``: it runs, it draws, and it says plainly what it cannot do."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from structlin._commands._arguments import unwritable
from structlin._commands.heat import _compared, main

SMALL = ["--nx", "10", "--steps", "120"]


def run(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "structlin", "heat", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
    )


def rows(output):
    """Return the table's numbers by solver."""
    lines = output.split("---\n")[1].split("\n\n")[0].splitlines()
    return {line[:28].strip(): line[28:].split() for line in lines}


def test_runs_prints_and_draws(tmp_path):
    finished = run(*SMALL, cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert (tmp_path / "structlin_heat.png").stat().st_size > 50_000
    table = rows(finished.stdout)
    assert len(table) == 6
    for name, (iterations, seconds, difference) in table.items():
        assert float(seconds) >= 0
        if name.startswith("fast direct"):
            assert (iterations, difference) == ("-", "-")
        else:
            assert int(iterations) > 0
            assert float(difference) < 1e-6
    assert "Drew structlin_heat.png." in finished.stdout


def test_same_seed_same_counts_and_the_best_is_the_best(capsys):
    tables = []
    for seed in ("3", "3", "4"):
        assert main([*SMALL, "--no-plot", "--seed", seed]) == 0
        table = rows(capsys.readouterr().out)
        tables.append({name: numbers[0] for name, numbers in table.items()})
    assert tables[0] == tables[1]
    assert tables[0]["SOR, learned ω"] != tables[2]["SOR, learned ω"]
    best = next(int(count) for name, count in tables[0].items() if "best of 20" in name)
    assert best <= int(tables[0]["SOR, ω = 1"])


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((30, 120), "75% fewer iterations than"),
        ((150, 120), "25% more iterations than"),
        ((300, 120), "2.5 times as many iterations as"),
    ],
)
def test_gains_and_losses_are_told_alike(counts, words):
    run, other = (SimpleNamespace(iterations=np.array([count])) for count in counts)
    assert _compared(run, other) == words


def test_no_plot_draws_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*SMALL, "--no-plot"]) == 0
    assert "Drew nothing: --no-plot was given." in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_works_without_matplotlib(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "matplotlib" else find(name),
    )
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main([*SMALL, "--out", "unused.png"]) == 0
    assert "Drew nothing: matplotlib is not installed" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--nx", "1"], "--nx: '1' is not a whole number in [2, 4096]"),
        (["--nx", "100000"], "--nx: '100000' is not a whole number in"),
        (["--nx", "9" * 23], f"--nx: '{'9' * 23}' is not"),
        (["--nx", "ten"], "--nx: 'ten' is not"),
        (["--steps", "0"], "--steps: '0' is not a whole number in [1, 1000000]"),
        (["--steps", "1" + "0" * 30], "--steps: '1000"),
        (["--steps", "1.5"], "--steps"),
        (["--seed", "-1"], "--seed: '-1' is not a whole number in [0, "),
        (["--out", "missing/picture.png"], "--out: cannot write to 'missing/picture.png': No such"),
        (["--out", "."], "--out"),
        (["--out", "picture.xyz"], "its name must end in one of"),
        (["--out", "picture.pgf"], "its name must end in one of"),
        (["--out", "x" * 300 + ".png"], "File name too long"),
        (["--speed", "9"], "unrecognized arguments: --speed 9"),
    ],
)
def test_bad_values_end_with_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("python -m structlin heat: error: ")
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_bad_values_as_a_program(tmp_path):
    finished = run("--nx", "0", cwd=tmp_path)
    assert finished.returncode == 2
    assert re.fullmatch(r"python -m structlin heat: error: .*\n", finished.stderr)


def test_an_existing_picture_is_kept_until_there_is_a_new_one(tmp_path):
    picture = tmp_path / "old.png"
    picture.write_bytes(b"old")
    assert unwritable(picture) is None
    assert picture.read_bytes() == b"old"


def test_links_are_kept(tmp_path):
    link, target = tmp_path / "link.png", tmp_path / "target.png"
    link.symlink_to(target)
    assert unwritable(link) is None
    assert link.is_symlink()
    assert not target.exists()
    link.unlink()
    link.symlink_to(link)
    assert "cannot write" in unwritable(link)
    assert link.is_symlink()


def test_every_kind_of_picture_that_is_offered_can_be_drawn(tmp_path):
    from matplotlib.figure import Figure

    kinds = unwritable(Path("picture.xyz")).partition("one of ")[2].split(", ")
    assert {"png", "pdf", "svg"} <= set(kinds)
    for kind in kinds:
        Figure().savefig(tmp_path / f"picture.{kind}")


def test_too_little_memory_ends_with_one_line(monkeypatch, capsys):
    def fail(*arguments):
        raise MemoryError

    monkeypatch.setattr("structlin._commands.heat._simulate", fail)
    assert main([*SMALL, "--no-plot"]) == 2
    assert capsys.readouterr().err == (
        "python -m structlin heat: error: out of memory: pass a smaller --nx\n"
    )


def test_no_progress_bar_below_a_second(capsys):
    assert main(["--nx", "4", "--steps", "5", "--no-plot"]) == 0
    assert capsys.readouterr().err == ""


def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    assert all(option in out for option in ("--nx", "--steps", "--seed", "--out", "--no-plot"))


def test_the_picture_goes_where_it_is_told(tmp_path: Path):
    assert main([*SMALL, "--out", str(tmp_path / "picture.svg")]) == 0
    assert (tmp_path / "picture.svg").read_text().startswith("<?xml")
