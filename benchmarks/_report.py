"""How a record of measurements is told: the machine, and the tables."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import Any

import _threads
from _limits import caches

PACKAGES = (
    "structlin", "numpy", "scipy", "numba", "cupy", "jax", "torch", "pyamg", "pylops",
    "pykronecker", "sklearn",
)  # fmt: skip


def machine() -> dict[str, Any]:
    """Describe the machine, what runs on it, and when."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "caches": caches(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {p: _version(p) for p in PACKAGES if p in sys.modules},
        "threads": _threads.stated(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _version(package: str) -> str:
    own = getattr(sys.modules[package], "__version__", None)
    return own or importlib.metadata.version(package)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((s.partition(":")[2].strip() for s in lines if s.startswith("model name")), "")


def markdown(content: dict[str, Any]) -> str:
    """Tell the content of a record as tables."""
    machine = content["machine"]
    lines = [f"# {content['title']}", ""]
    if content["void"]:
        lines += [f"**VOID**: {'; '.join(content['void'])}.", ""]
    lines += [
        f"{machine['cpu']}, {machine['cores']} cores, "
        f"{machine['threads']['asked']} thread(s) used, Python {machine['python']}, "
        + ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
        + f"; {machine['date']}, load {machine['load']['begin'][0]:.1f} before and "
        f"{machine['load']['end'][0]:.1f} after.",
        f"Ratios are ratios of medians; a limit binds within {content['noise']:.0%}.",
    ]
    for case in content["cases"]:
        first = next(iter(case["contestants"].values()))["median"]
        lines += ["", f"## {case['case']}", "", "| | median | minimum | × the first |"]
        lines += ["|---|---|---|---|"]
        limits = {
            f"{'limit' if limit['binds'] else 'yardstick'}: {name}": limit
            for name, limit in case["limits"].items()
        }
        for name, times in {**case["contestants"], **limits}.items():
            cells = (_seconds(times["median"]), _seconds(times["minimum"]))
            lines.append(f"| {name} | {' | '.join(cells)} | {times['median'] / first:.2f} |")
        if case["bars"]:
            lines.append("")
        lines += [
            f"- {bar['faster']} against {bar['slower']}: {bar['ratio']:.2f}×, "
            f"wanted at least {bar['at_least']:g}×: {'met' if bar['met'] else 'MISSED'}"
            for bar in case["bars"]
        ]
    if content["figures"]:
        lines += ["", "## Figures", "", "| | value | bar | |", "|---|---|---|---|"]
    for figure in content["figures"]:
        bars = [
            f"{words} {figure[key]:g} {figure['unit']}".strip()
            for key, words in (("at_most", "at most"), ("at_least", "at least"))
            if figure[key] is not None
        ]
        verdict = ("met" if figure["met"] else "MISSED") if bars else ""
        value = f"{figure['value']:.4g} {figure['unit']}".strip()
        lines.append(f"| {figure['name']} | {value} | {', '.join(bars)} | {verdict} |")
    if content["missing"]:
        lines.append("")
    lines += [f"- {name} took no part: {why}" for name, why in content["missing"].items()]
    return "\n".join(lines) + "\n"


def _seconds(value: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if value * factor >= 1.0:
            return f"{value * factor:.4g} {unit}"
    return f"{value * 1e9:.4g} ns"
