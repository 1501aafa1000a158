"""Train the restricted Boltzmann machines of the book, and measure them by exact sums and by AIS.

The machines learn the training half of the digits in black and white (a pixel counts as ink from
level 8 on). Learning rate, penalty and the number of steps were chosen with 718 of its 898
pictures for training and the other 180 to judge; ``--choose`` repeats the comparison of penalties.
The test half is used for the printed figures only.

    python data/train_boltzmann.py

It takes about three minutes of CPU and writes ``data/models/rbm-digits-*.npz`` with their records.
Every random choice has a seed.
"""

import argparse
import time

import numpy as np
from dlmath.datasets import load_digits
from dlmath.generative import RBM, ship
from sklearn.model_selection import train_test_split

SCRIPT = "data/train_boltzmann.py"
MACHINES = {
    "rbm-digits-20": RBM(hidden=20, steps=8000, eta=0.2),
    "rbm-digits-64": RBM(hidden=64, steps=8000, eta=0.2, lam=5e-4),
    "rbm-digits-256": RBM(hidden=256, steps=8000, eta=0.2, lam=5e-4),
}


def partition(machine: RBM, chains: int = 500, temperatures: int = 5000) -> dict[str, float]:
    """Measure log Z: exactly where the smaller layer permits, and from below and above."""
    samples = machine.sample(chains, seed=1, burn_in=5000)
    below = machine.ais(chains, temperatures, seed=2)
    above = machine.reverse_ais(samples, temperatures=temperatures, seed=3)
    found = {
        "ais": below.log_partition,
        "ais_error": below.error,
        "reverse_ais": above.log_partition,
        "reverse_ais_error": above.error,
    }
    if machine.hidden <= 20:
        found["exact"] = machine.log_partition()
    return found


def train(name: str, machine: RBM) -> None:
    """Train one machine, ship it, and measure it as shipped."""
    digits = load_digits()
    train, test = (1 * (half >= 8) for half in (digits.train, digits.test))
    begin = time.process_time()
    machine.fit(train, progress=True)
    seconds = time.process_time() - begin
    shipped = ship(machine, name, script=SCRIPT, cpu_seconds=seconds)
    begin = time.process_time()
    measures = partition(shipped)
    # What is best known of log Z; AIS alone would flatter.
    log_partition = measures.get("exact", (measures["ais"] + measures["reverse_ais"]) / 2)
    measures |= {
        "nats_train": -shipped.log_prob(train, log_partition).mean(),
        "nats_test": -shipped.log_prob(test, log_partition).mean(),
        "judging_cpu_seconds": round(time.process_time() - begin, 1),
    }
    ship(machine, name, script=SCRIPT, cpu_seconds=seconds, measures=measures)
    print(name, f"{seconds:.1f} s", measures, flush=True)


def choose() -> None:
    """Compare hyperparameters on a part of the training half."""
    digits = load_digits()
    ink = 1 * (digits.train >= 8)
    inner, held_out = train_test_split(
        ink, train_size=718, stratify=digits.train_labels, random_state=1
    )
    for hidden in (20, 64, 256):
        for lam in (0.0, 1.5e-4, 5e-4, 1.5e-3):
            machine = RBM(hidden=hidden, steps=8000, eta=0.2, lam=lam).fit(inner)
            log_partition = machine.log_partition("ais", chains=200, temperatures=1500)
            nats = -machine.log_prob(held_out, log_partition).mean()
            print(f"{hidden=}, {lam=}: {np.round(nats, 2)} nats", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--choose", action="store_true", help="compare hyperparameters only")
    if parser.parse_args().choose:
        choose()
    else:
        for name, machine in MACHINES.items():
            train(name, machine)
