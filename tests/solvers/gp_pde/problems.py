"""The boundary value problems of the benchmarks, loaded from their file."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_path = Path(__file__).parents[3] / "benchmarks" / "problems_gp.py"
_spec = importlib.util.spec_from_file_location("problems_gp", _path)
problems_gp = importlib.util.module_from_spec(_spec)
sys.modules["problems_gp"] = problems_gp  # dataclasses look their module up
_spec.loader.exec_module(problems_gp)

ACCEPTANCE = problems_gp.ACCEPTANCE
DEVELOPMENT = problems_gp.DEVELOPMENT
PROBLEMS = problems_gp.PROBLEMS
Problem = problems_gp.Problem
