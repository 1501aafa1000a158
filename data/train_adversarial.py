"""Train the models of the chapter on adversarial networks: ``models/gan-*`` and ``models/wgan-*``.

Usage: ``python data/train_adversarial.py [NAME ...]``, or ``make train``. Takes about five minutes
of one core and writes for each model an ``.npz`` and its record. Every random choice has a seed.

What was decided how: the form of the games (widths, R1 of strength one in every fourth step, Adam's
decays) is that of a first version of each, with a learning rate of 2e-4, which was judged on half B
of the digits. The rest was chosen on half A alone, by training on two thirds of it and judging
against the other third: learning rates from 2e-4 to 5e-4, the number of steps, and in the
Wasserstein game the critic's steps for each of the generator's and the length of the run.
``gan-digits-no-r1`` has the settings of ``gan-digits`` and no penalty. Half B judges what is
shipped.

The games on eight Gaussians are there to be looked at, and their settings were chosen, among a
dozen or so, for what they show. 21 moments of each are recorded, with 64 samples of the generator
(not averaged) and the discriminator's log odds on a grid.
"""

import sys
import time
from typing import Any

import numpy as np
import torch
from dlmath.datasets import load_digits, make_eight_gaussians
from dlmath.generative import GAN, judge_digits, ship
from dlmath.interactive._adversarial import count_modes, signed_bytes

SCRIPT = "data/train_adversarial.py"
DIGITS = {
    "gan-digits": GAN(levels=17, eta=5e-4),
    "gan-digits-no-r1": GAN(levels=17, eta=5e-4, penalty=None),
    "wgan-digits": GAN(
        levels=17,
        loss="wasserstein",
        penalty="gradient",
        gamma=20.0,
        critic_steps=2,
        eta=5e-4,
        steps=3000,
        average=0.998,
        decay=True,
    ),
}
PLANE: dict[str, Any] = {
    "latent": 2,
    "widths": (48, 48),
    "steps": 600,
    "batch_size": 64,
    "every": 1,
    "gamma": 0.3,
    "average": 0.0,
}
EIGHT = {
    "gan-eight": GAN(**PLANE, eta=1e-3),
    "gan-eight-no-r1": GAN(**PLANE, eta=1e-2, penalty=None),
    "gan-eight-collapse": GAN(**PLANE, eta=1e-3, generator_steps=10),
}
MOMENTS = 12
FRAMES = 21
SHOWN = 64
CELLS = 16
LIMIT = 3.2
ODDS_LIMIT = 6.0


def train_digits(name: str) -> None:
    """Train one model on the digits, ship it and record how it is judged."""
    model, digits = DIGITS[name], load_digits()
    watched: dict[str, list] = {"steps": [], "samples": []}
    moments = set(np.geomspace(model.steps / 60, model.steps, MOMENTS).astype(int) - 1)

    def watch(k: int, now: GAN) -> None:
        if k in moments:
            watched["steps"].append(k + 1)
            watched["samples"].append(now.sample(4495, seed=1))

    begin = time.process_time()
    model.fit(digits.train, progress=True, watch=watch if name == "wgan-digits" else None)
    seconds = time.process_time() - begin
    shipped = ship(model, name, script=SCRIPT, cpu_seconds=seconds)
    seen = judge_digits(shipped.sample(4495, seed=0))
    measures: dict[str, Any] = dict(seen)
    if name == "wgan-digits":
        gaps = -np.array(model.losses_)
        measures["steps_on_the_way"] = watched["steps"]
        measures["gap"] = [
            round(float(gaps[max(0, k - 50) : k].mean()), 4) for k in watched["steps"]
        ]
        measures["fd_on_the_way"] = [round(judge_digits(s).fd, 2) for s in watched["samples"]]
    ship(model, name, script=SCRIPT, cpu_seconds=seconds, measures=measures)
    print(f"{name}: {seconds:.0f} s, FD {seen.fd:.1f}, precision {seen.precision:.2f}")


def train_eight(name: str) -> None:
    """Play on eight Gaussians and record what is to be seen."""
    model, points = EIGHT[name], make_eight_gaussians(4000, seed=1)
    axis = np.linspace(-LIMIT, LIMIT, CELLS)
    grid = np.column_stack([side.ravel() for side in np.meshgrid(axis, axis)])
    steps = np.linspace(1, model.steps, FRAMES).astype(int)
    samples, odds, found = [], [], []

    def watch(k: int, now: GAN) -> None:
        if k + 1 in steps:
            many = now.sample(2000, seed=1)
            samples.append(many[:SHOWN])
            odds.append(now.log_odds(grid))
            found.append(count_modes(many))

    begin = time.process_time()
    model.fit(points, progress=True, watch=watch)
    seconds = time.process_time() - begin
    measures = {
        "steps": steps.tolist(),
        "limit": LIMIT,
        "odds_limit": ODDS_LIMIT,
        "loss": float(np.mean(model.losses_[-200:])),
        "modes": [modes for modes, _ in found],
        "share": [round(share, 3) for _, share in found],
        "samples": signed_bytes(samples, LIMIT),
        "odds": signed_bytes(odds, ODDS_LIMIT),
    }
    ship(model, name, script=SCRIPT, cpu_seconds=seconds, measures=measures)
    print(f"{name}: {seconds:.0f} s, modes {measures['modes']}, shares {measures['share']}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for wanted in sys.argv[1:] or [*DIGITS, *EIGHT]:
        (train_digits if wanted in DIGITS else train_eight)(wanted)
