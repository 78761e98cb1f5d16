"""Operators learned from samples, beside scikit-learn and a Fourier neural operator.

Errors are means over test samples of relative L2 errors, in percent. The neural operator was
trained on the same samples by ``train_fno.py``; its figures are read from ``results/fno_*.json``,
which say how it was run. Samples are made once, which takes some ten minutes, and kept.
"""

import harness  # first: the threads are pinned before NumPy reads them

# isort: split
import json
import sys
import time
import warnings
from typing import Any

import numpy as np
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV

from structlin._commands.benchmark import PROBLEMS, Score, score, scores
from structlin.operators.datasets import OperatorData
from structlin.operators.errors import relative_errors
from structlin.operators.kernels import KernelOperator

BARS = {
    # by problem and method: the largest error on test samples
    ("burgers", "kernel, what is known used"): 0.15,
    ("darcy", "kernel, what is known used"): 2.1,
    ("advection-boxes", "linear regression"): 1e-10,
    ("advection-signs", "linear regression"): 11.24 + 0.3,
    ("helmholtz", "kernel, what is known used"): 1.5,
    ("navier-stokes", "kernel"): 1.0,
}


def report(record: harness.Record, name: str, found: Score) -> None:
    title = f"{name}: {found.method}"
    record.figure(f"{title}, test", found.test, "%", at_most=BARS.get((name, found.method)))
    record.figure(f"{title}, samples left out", found.left_out, "%")
    if not np.isnan(found.covered):
        calibrated = name in ("burgers", "darcy")
        record.figure(
            f"{title}, values within the 90 % bands",
            found.covered,
            "%",
            at_least=85 if calibrated else None,
            at_most=95 if calibrated else None,
        )
    record.figure(f"{title}, fit", found.fit, "s")
    record.figure(f"{title}, prediction of a sample", 1e3 * found.predict, "ms")


def ridge(record: harness.Record, name: str, train: OperatorData, test: OperatorData) -> None:
    """Record scikit-learn's kernel ridge regression, its parameters by its own cross-validation."""
    X, Y = (a.reshape(len(a), -1) for a in (train.inputs, train.outputs))
    mean, shift, size = X.mean(axis=0), Y.mean(axis=0), Y.std()
    spread = np.median(np.sum((X[:200] - X[200:400]) ** 2, axis=1))
    grid = {"gamma": [0.01 / spread, 0.1 / spread, 1 / spread], "alpha": [1e-8, 1e-5, 1e-2]}
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of matrices that are nearly singular
        search = GridSearchCV(KernelRidge(kernel="rbf"), grid, cv=5)
        search.fit(X - mean, (Y - shift) / size)
        fitted = time.perf_counter() - begin
        flat = search.predict(test.inputs.reshape(len(test), -1) - mean) * size + shift
    error = relative_errors(flat.reshape(test.outputs.shape), test.outputs)
    record.figure(f"{name}: scikit-learn KernelRidge, test", 100 * float(np.mean(error)), "%")
    record.figure(f"{name}: scikit-learn KernelRidge, fit", fitted, "s")


def neural(record: harness.Record, name: str) -> None:
    """Record the neural operator that was trained on the same samples."""
    file = harness.RESULTS / f"fno_{name}.json"
    if not file.exists():
        record.missing(f"neuraloperator on {name}", "train_fno.py was not run")
        return
    curve: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["curve"]
    for row in curve:
        if row["epoch"] in (50, 100, 200) or row is curve[-1]:
            title = f"{name}: neuraloperator FNO, {row['epoch']} epochs"
            record.figure(f"{title}, test", row["test %"], "%")
            record.figure(f"{title}, training (CPU)", row["cpu s"], "s")
    best = min(curve, key=lambda row: row["test %"])
    record.figure(f"{name}: neuraloperator FNO, lowest of all epochs, test", best["test %"], "%")


def learning_curve(record: harness.Record, name: str, data: OperatorData, bar: float) -> None:
    """Record the error by the number of samples, the test samples being the same."""
    for count in (62, 125, 250, 500):
        first, last = data.split(count, 200)
        method = KernelOperator(**PROBLEMS[name].known, progress=False, rng=0)
        found = score("kernel, what is known used", method, first, last)
        record.figure(
            f"{name}: {found.method}, {count} samples, test",
            found.test,
            "%",
            at_most=bar if count == 62 else None,
        )


def main() -> int:
    record = harness.Record("operators", "Operators learned from samples, relative L2 errors")
    chosen = sys.argv[1:] or list(PROBLEMS)
    for name in chosen:
        problem = PROBLEMS[name]
        data = problem.make(problem.train + problem.test, rng=0)
        for found in scores(problem, data, problem.train, problem.test):
            report(record, name, found)
        if name in ("burgers", "darcy"):
            ridge(record, name, *data.split(problem.train, problem.test))
            neural(record, name)
        if name == "burgers":
            learning_curve(record, name, data, bar=2.0)
    if sys.argv[1:]:
        record.name = f"operators_{'_'.join(chosen)}"
    return record.write()


if __name__ == "__main__":
    sys.exit(main())
