"""What ``import structlin`` costs beside ``import numpy``, in alternating fresh interpreters."""

import subprocess
import sys

import harness


def start(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True)


def main() -> int:
    record = harness.Record("import", "Start of a fresh interpreter and an import")
    times = record.race(
        "one interpreter each",
        {
            "import numpy": lambda: start("-c", "import numpy"),
            "import structlin": lambda: start("-c", "import structlin"),
            "structlin.Kronecker": lambda: start("-c", "import structlin; structlin.Kronecker"),
            "structlin.solvers": lambda: start("-c", "import structlin; structlin.solvers"),
            "nothing": lambda: start("-c", ""),
        },
        rounds=41,
    )
    milliseconds = {name: 1e3 * t.median for name, t in times.items()}
    numpy = milliseconds["import numpy"]
    record.figure(
        "import structlin − import numpy",
        milliseconds["import structlin"] - numpy,
        "ms",
        at_most=60.0,
    )
    for name in ("structlin.Kronecker", "structlin.solvers"):
        record.figure(f"{name} − import numpy", milliseconds[name] - numpy, "ms")
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
