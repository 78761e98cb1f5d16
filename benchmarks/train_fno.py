"""Train the Fourier neural operator of neuraloperator on the data sets, as a peer to set beside.

Settings are those common for the two problems: four layers, GELU, coordinates as further channels,
relative L2 loss, AdamW with OneCycle, batches of 20; 16 modes and width 64 for Burgers, 12 modes
(24 two-sided) and width 32 with padding for Darcy. Nothing is selected on the test samples: the
figure is that of the last epoch. The curve is written after every epoch, so a cut run counts.

    OMP_NUM_THREADS=1 python benchmarks/train_fno.py burgers --epochs 500
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from neuralop.models import FNO

RESULTS = Path(__file__).parent / "results"
SETTINGS: dict[str, dict[str, Any]] = {
    # neuralop counts modes of both signs, the literature one sign
    "burgers": {"n_modes": (32,), "hidden_channels": 64, "domain_padding": None},
    "darcy": {"n_modes": (24, 24), "hidden_channels": 32, "domain_padding": 0.1},
}
BATCH, PEAK, DECAY, WARM = 20, 1e-3, 1e-4, 0.2


def samples(problem: str, file: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and outputs of 1200 samples: of the package, or of a file beside."""
    if file is not None:
        made = np.load(file)
        return made["inputs"], made["outputs"]
    from structlin.operators import datasets

    data = getattr(datasets, problem)(1200, rng=0)
    return data.inputs, data.outputs


def relative(predicted: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """Return the relative L2 error of every sample."""
    return (predicted - true).flatten(1).norm(dim=1) / true.flatten(1).norm(dim=1)


def train(problem: str, epochs: int, file: str | None, folder: Path, train_count: int) -> None:
    torch.manual_seed(0)
    arrays = (torch.tensor(array, dtype=torch.float32)[:, None] for array in samples(problem, file))
    inputs, outputs = arrays
    # statistics of the training samples alone
    inputs = (inputs - inputs[:train_count].mean()) / inputs[:train_count].std()
    mean, spread = outputs[:train_count].mean(0), outputs[:train_count].std(0)
    spread = spread.clamp(min=1e-3 * float(spread.max()))  # nodes where all outputs are equal
    x, y, x_test, y_test = (
        inputs[:train_count],
        outputs[:train_count],
        inputs[-200:],
        outputs[-200:],
    )

    model = FNO(in_channels=1, out_channels=1, n_layers=4, **SETTINGS[problem])
    optimiser = torch.optim.AdamW(model.parameters(), PEAK, weight_decay=DECAY)
    batches = math.ceil(train_count / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, PEAK, total_steps=epochs * batches, pct_start=WARM
    )
    numbers = sum(p.numel() * (2 if p.is_complex() else 1) for p in model.parameters())
    record: dict[str, Any] = {
        "how": {
            "problem": problem,
            "train": train_count,
            "test": 200,
            "model": f"neuraloperator {version('neuraloperator')} FNO, torch {torch.__version__}",
            "layers": 4,
            **SETTINGS[problem],
            "real parameters": numbers,
            "loss": "relative L2, outputs normalised at every node",
            "optimiser": f"AdamW, weight decay {DECAY:g}",
            "schedule": f"OneCycle, peak {PEAK:g}, warm-up {WARM:g}, {epochs} epochs",
            "batch": BATCH,
            "seed": 0,
            "threads": torch.get_num_threads(),
            "precision": "float32",
            "machine": platform.platform(),
            "note": "other jobs ran on the machine: CPU seconds are the fairer measure",
        },
        "curve": [],
    }
    saved = folder / f"fno_{problem}_{train_count}.pt"
    name = problem if train_count == 1000 else f"{problem}_{train_count}"
    target, wall, cpu, start = RESULTS / f"fno_{name}.json", 0.0, 0.0, 0
    if saved.exists():  # go on where a run was cut
        state = torch.load(saved, weights_only=False)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["random"])
        record, start = state["record"], state["epoch"] + 1
        wall, cpu = record["curve"][-1]["wall s"], record["curve"][-1]["cpu s"]
    for epoch in range(start, epochs):
        began = time.perf_counter(), time.process_time()
        model.train()
        total = 0.0
        for rows in torch.randperm(train_count).split(BATCH):
            optimiser.zero_grad()
            loss = relative(model(x[rows]) * spread + mean, y[rows]).mean()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach()) * len(rows)
        wall += time.perf_counter() - began[0]
        cpu += time.process_time() - began[1]
        model.eval()
        with torch.no_grad():
            predicted = torch.cat([model(part) for part in x_test.split(50)]) * spread + mean
        error = relative(predicted, y_test)
        record["curve"].append(
            {
                "epoch": epoch + 1,
                "train %": 100 * total / train_count,
                "test %": 100 * float(error.mean()),
                "wall s": round(wall, 2),
                "cpu s": round(cpu, 2),
            }
        )
        target.write_text(json.dumps(record, indent=1) + "\n")
        print(record["curve"][-1], flush=True)
        if epoch % 10 == 9 or epoch == epochs - 1:
            state = {
                "model": model.state_dict(),
                "optimiser": optimiser.state_dict(),
                "schedule": schedule.state_dict(),
                "random": torch.get_rng_state(),
                "record": record,
                "epoch": epoch,
            }
            torch.save(state, saved)
            np.save(folder / f"fno_{name}_predicted.npy", predicted.numpy()[:, 0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problem", choices=tuple(SETTINGS))
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--train", type=int, default=1000, help="the first so many samples")
    parser.add_argument("--data", help="an .npz file of inputs and outputs, not the package's")
    parser.add_argument("--folder", type=Path, default=Path(), help="where the model is kept")
    given = parser.parse_args()
    train(given.problem, given.epochs, given.data, given.folder, given.train)


if __name__ == "__main__":
    main()
