"""Train the model of Ising configurations, and let physics judge it.

Usage: ``python data/train_ising.py [judge]``; with ``judge``, nothing is trained, and the shipped
model is judged again. ``flow-ising`` learns configurations of 8 x 8 spins at eight temperatures,
which it is told as labels. Its training data are samples of Wolff's algorithm; what it is judged by
are exact values and its own samples, of which a few are kept in the record.

It takes about three minutes of CPU.
"""

import sys
import time

import numpy as np
import torch
from dlmath.datasets import simulate_ising
from dlmath.generative import PeriodicFlow, load_trained, ship
from dlmath.ising import jackknife, pack_spins
from dlmath.trained import trained_record

NAME, SCRIPT = "flow-ising", "data/train_ising.py"
SIZE, TEMPERATURES = 8, (1.6, 1.9, 2.1, 2.27, 2.4, 2.6, 3.0, 4.0)
TRAINED_ON, JUDGED_BY, KEPT = 4096, 2048, 48
MODEL = PeriodicFlow(levels=2, width=16, classes=8, label_dropout=0.0, steps=3000)
SAMPLER, STEPS = "midpoint", 10


def train() -> None:
    """Train on all temperatures at once, and ship the model."""
    spins = simulate_ising(TRAINED_ON, SIZE, TEMPERATURES, seed=0)
    labels = np.repeat(np.arange(len(TEMPERATURES)), TRAINED_ON)
    begin = time.process_time()
    MODEL.fit((spins.reshape(len(labels), -1) + 1) / 2, labels, progress=sys.stderr.isatty())
    ship(MODEL, NAME, script=SCRIPT, cpu_seconds=time.process_time() - begin)


def judge() -> None:
    """Draw configurations at each temperature, and record what they say of themselves."""
    model, begin = load_trained(NAME), time.process_time()
    found, kept, middle = [], [], []
    for label, temperature in enumerate(TEMPERATURES):
        raw = model.sample(
            JUDGED_BY, seed=label, sampler=SAMPLER, steps=STEPS, labels=label, decode=False
        )
        spins = np.where(raw > 0, 1, -1).astype(np.int8).reshape(-1, SIZE, SIZE)
        found.append(jackknife(spins, temperature))
        kept.append(pack_spins(spins[:KEPT]))
        middle.append(float(np.mean(np.abs(raw) < 0.5)))
        print(temperature, found[-1].energy, found[-1].thermometer, middle[-1], flush=True)
    measures = {
        "temperatures": list(TEMPERATURES),
        "size": SIZE,
        "samples": JUDGED_BY,
        "evaluations": 2 * STEPS,
        "undecided": [round(value, 6) for value in middle],
        "observables": {
            name: [[float(f"{v:.6g}") for v in np.ravel(row[name])] for row in found]
            for name in found[0]
        },
        "configurations": kept,
        "judging_cpu_seconds": round(time.process_time() - begin, 1),
    }
    seconds = trained_record(NAME)["cpu_seconds"]
    ship(model, NAME, script=SCRIPT, cpu_seconds=seconds, measures=measures)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:2] != ["judge"]:
        train()
    judge()
