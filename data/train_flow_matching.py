"""Train the flows of the chapter on flow matching: ``models/flow-eight*``.

Usage: ``python data/train_flow_matching.py``, or ``make train``. Takes 90 seconds of one core.
Every random choice has a seed.

``flow-eight`` learns from independent pairs of noise and points of the eight Gaussians. The pairs
that it makes are what ``flow-eight-straight`` learns from: one round of reflow. This second network
is small, since the page computes with it. A third network, which is not kept, sees batches that are
paired so that the sum of squared distances is least; what it reaches is recorded with the first.
Widths and numbers of steps were chosen by a few short trainings that looked at the distance of
samples from other points of the same law.
"""

import time
from typing import Any

import numpy as np
import torch
from dlmath.datasets import make_eight_gaussians
from dlmath.generative import FlowMatching, ship
from dlmath.metrics import sliced_wasserstein

SCRIPT = "data/train_flow_matching.py"
COMMON: dict[str, Any] = {
    "network": "dense",
    "layers": 3,
    "training_times": "uniform",
    "batch_size": 256,
    "eta": 3e-3,
    "average": 0.995,
}
PAIRS = 20_000
STEPS = (1, 2, 5, 20)


def judge(model: FlowMatching) -> dict[str, float]:
    """Sliced Wasserstein distances of samples from the law, after some numbers of Euler steps."""
    noise = np.random.default_rng(10).standard_normal((20_000, 2))
    real = make_eight_gaussians(20_000, seed=11)
    ends = {n: model.decode(model.transport(noise, n)) for n in STEPS}
    return {f"euler_{n}": sliced_wasserstein(points, real) for n, points in ends.items()}


def trained(model: FlowMatching, points: np.ndarray, **pairs: Any) -> tuple[FlowMatching, float]:
    """Train a model and measure the time."""
    begin = time.process_time()
    return model.fit(points, progress=True, **pairs), time.process_time() - begin


if __name__ == "__main__":
    torch.set_num_threads(1)
    points = make_eight_gaussians(PAIRS, seed=1)
    model, seconds = trained(FlowMatching(width=64, steps=5000, **COMMON), points)
    other, _ = trained(FlowMatching(width=64, steps=1000, coupling="optimal", **COMMON), points)
    first = ship(model, "flow-eight", script=SCRIPT, cpu_seconds=seconds)
    optimal = {name: round(value, 4) for name, value in judge(other).items()}
    measures: dict[str, Any] = {**judge(first), "optimal": optimal}
    ship(model, "flow-eight", script=SCRIPT, cpu_seconds=seconds, measures=measures)
    print(f"flow-eight: {seconds:.0f} s, {measures}")

    noise = np.random.default_rng(2).standard_normal((PAIRS, 2))
    ends = first.decode(first.transport(noise, 40, sampler="midpoint"))
    model, seconds = trained(
        FlowMatching(width=24, frequencies=2, steps=6000, **COMMON), ends, noise=noise
    )
    second = ship(model, "flow-eight-straight", script=SCRIPT, cpu_seconds=seconds)
    measures = judge(second)
    ship(model, "flow-eight-straight", script=SCRIPT, cpu_seconds=seconds, measures=measures)
    print(f"flow-eight-straight: {seconds:.0f} s, {measures}")
