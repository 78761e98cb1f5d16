"""How strong every component of a prior is, learned from the data by their evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from structlin._backend import device, namespace, on_host
from structlin.solvers.gp_pde._features import Features
from structlin.solvers.gp_pde._posteriors.dense import decomposition

# chosen by trial
_rounds, _few_rounds, _many_features = 8, 3, 300
_least_log_weight = -80.0  # a component this weak is pruned: 4e-18 of its size
_least_data = 4  # data per component; fewer would fit any weights
_doubt = 2.0  # nats of evidence that do not suffice to call the smooth part weak


def learned(
    features: Features, A: Any, y: Any, *, noisy: bool = False, rounds: int | None = None
) -> Features:
    """Return features with the weight of every component that the data make likely.

    Parameters
    ----------
    features : Features
        With ``m`` columns in components; the first component is the smooth part.
    A : (n, m) array
        Rows that measure the features, over the standard deviations of the data.
    y : (n,) array
        The data, over their standard deviations.
    noisy : bool
        Whether the data have noise, so that they may be unable to tell how large the smooth part
        is. Its weight is then the largest that the data do not contradict, by 2 nats.
    rounds : int, optional
        How many updates; by default 8, and 3 for more than 300 features.

    Returns
    -------
    Features
        `Features.reweighted` by the logarithms of the weights found; as they were for fewer than
        four data per component.

    Notes
    -----
    The evidence of ``y = A z + noise``, ``z_k ~ N(0, w_q)`` for the features of component ``q``, is
    maximal where ``w_q = Σ z_k² / Σ γ_k``, with the posterior mean ``z`` and the share ``γ_k`` of
    the variance of a weight that the data take away [1]_. With no prior on ``log w`` (Jeffreys'),
    components the data do not need fall to zero. ``O(n m² + rounds m³)``.

    References
    ----------
    .. [1] D. J. C. MacKay, "Bayesian interpolation", Neural Computation 4, 1992.
    """
    xp = namespace(A)
    if A.shape[0] < _least_data * (int(np.max(features.components)) + 1):
        return features
    if A.shape[0] > A.shape[1]:
        q, A = xp.linalg.qr(A)
        y = q.T @ y
    labels = features.components
    count = int(np.max(labels)) + 1
    sizes = np.bincount(labels, minlength=count)
    logs = np.zeros(count)
    if rounds is None:
        rounds = _rounds if A.shape[1] <= _many_features else _few_rounds

    def decomposed(logs: NDArray[np.float64]) -> tuple[Any, Any, Any]:
        gains = np.exp(0.5 * logs)[labels]
        scaled = A * xp.asarray(gains.tolist(), dtype=A.dtype, device=device(A))[None, :]
        u, s, vh = decomposition(scaled)
        return u.T @ y, s, vh

    for _ in range(rounds):
        c, s, vh = decomposed(logs)
        shares = s * s / (s * s + 1)
        z = vh.T @ (s / (s * s + 1) * c)
        gamma = vh.T**2 @ shares
        energy = np.bincount(labels, on_host(z) ** 2, count)
        known = np.bincount(labels, on_host(gamma), count)
        tiny = float(np.finfo(np.float64).tiny)
        steps = np.log(np.maximum(energy, tiny)) - np.log(np.maximum(known, 1e-3))
        steps = np.where(sizes > 0, steps, 0.0)
        logs = np.maximum(logs + steps, _least_log_weight)
        if float(np.max(np.abs(steps))) < 0.05:
            break

    if noisy:
        trial = np.concatenate([[logs[0]], np.arange(-70.0, 7.0, 2.0)])
        trial = np.sort(trial[trial >= logs[0]])
        found = []
        for log in trial:
            c, s, _ = decomposed(np.concatenate([[log], logs[1:]]))
            # the misfit and the prior together, but for what no weight changes
            change = xp.sum(c * c / (s * s + 1)) - xp.sum(c * c)
            found.append(-0.5 * float(change + xp.sum(xp.log1p(s * s))))
        evidence = np.asarray(found)
        logs[0] = trial[np.flatnonzero(evidence >= np.max(evidence) - _doubt)[-1]]
    return features.reweighted(logs)
