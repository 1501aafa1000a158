"""Bandits: arms that pay one or nothing, and the policies that choose among them.

A policy is a function ``choose(successes, pulls, rng)``. It sees what every arm has paid and how
often it was pulled, in arrays of shape (n_runs, n_arms), and gives the arm to pull next in every
run: many runs advance together.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Policy",
    "epsilon_greedy",
    "explore_then_commit",
    "pull_arms",
    "regret",
    "thompson",
    "ucb1",
    "ucb_index",
]

Array = NDArray[np.float64]
Policy = Callable[[Array, Array, np.random.Generator], NDArray[np.intp]]


def _estimates(successes: Array, pulls: Array) -> Array:
    """Mean reward of each arm so far; infinite for an arm that has not been pulled."""
    return np.where(pulls > 0, successes / np.maximum(pulls, 1), np.inf)


def epsilon_greedy(epsilon: float) -> Policy:
    """Pull a random arm with probability epsilon, otherwise the one that looks best.

    Each arm is pulled once first. With ``epsilon=0`` this is the greedy policy.

    Parameters
    ----------
    epsilon : float
        Between 0 and 1.
    """
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon must lie between 0 and 1, got {epsilon!r}")

    def choose(successes: Array, pulls: Array, rng: np.random.Generator) -> NDArray[np.intp]:
        runs, arms = pulls.shape
        best = np.argmax(_estimates(successes, pulls), axis=1)
        explore = (rng.uniform(size=runs) < epsilon) & (pulls > 0).all(axis=1)
        return np.where(explore, rng.integers(arms, size=runs), best)

    return choose


def explore_then_commit(m: int) -> Policy:
    """Pull each arm m times in turn, then for ever the one that looked best.

    Parameters
    ----------
    m : int
        At least 1.
    """
    if not isinstance(m, int | np.integer) or m < 1:
        raise ValueError(f"m must be an integer of at least 1, got {m!r}")

    def choose(successes: Array, pulls: Array, rng: np.random.Generator) -> NDArray[np.intp]:
        # Once it has committed, the arm that was chosen is the only one with more than m pulls.
        committed = pulls.max(axis=1) > m
        best = np.argmax(_estimates(successes, pulls), axis=1)
        best = np.where(committed, np.argmax(pulls, axis=1), best)
        return np.where(pulls.min(axis=1) < m, np.argmin(pulls, axis=1), best)

    return choose


def ucb_index(successes: ArrayLike, pulls: ArrayLike) -> Array:
    """Mean plus bonus, ``sqrt(2 ln i / N)`` after i pulls in all; infinite for an arm not pulled.

    This is the index in eq-types-of-learning-ucb.

    Parameters
    ----------
    successes, pulls : array-like of shape (n_runs, n_arms)
        What each arm has paid, and how often it was pulled.
    """
    successes, pulls = np.asarray(successes, dtype=float), np.asarray(pulls, dtype=float)
    total = np.maximum(pulls.sum(axis=-1, keepdims=True), 1)
    bonus = np.sqrt(2 * np.log(total) / np.maximum(pulls, 1))
    return _estimates(successes, pulls) + bonus


def ucb1(successes: Array, pulls: Array, rng: np.random.Generator) -> NDArray[np.intp]:
    """Pull the arm with the largest upper confidence bound, eq-types-of-learning-ucb."""
    return np.argmax(ucb_index(successes, pulls), axis=1)


def thompson(successes: Array, pulls: Array, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw a mean for each arm from its posterior, and pull the arm whose draw is largest.

    The prior is uniform, so the posterior is eq-types-of-learning-beta.
    """
    return np.argmax(rng.beta(1 + successes, 1 + pulls - successes), axis=1)


def pull_arms(
    policy: Policy, means: ArrayLike, n: int, *, runs: int = 1, seed: int = 0
) -> NDArray[np.intp]:
    """Let a policy pull arms that pay 1 with fixed probabilities, otherwise 0.

    Parameters
    ----------
    policy : callable
        ``choose(successes, pulls, rng)``, as described in this module.
    means : array-like of shape (n_arms,)
        The probabilities.
    n : int
        The number of pulls.
    runs : int, default=1
        The number of independent runs.
    seed : int, default=0
        Seed of the random numbers.

    Returns
    -------
    arms : ndarray of shape (runs, n)
        Which arm was pulled, in every run and at every pull.
    """
    means = _probabilities(means)
    for name, value in (("n", n), ("runs", runs)):
        if not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} must be an integer of at least 1, got {value!r}")
    rng = np.random.default_rng(seed)
    successes, pulls = np.zeros((2, runs, means.size))
    arms, every = np.empty((runs, n), dtype=np.intp), np.arange(runs)
    for i in range(n):
        chosen = policy(successes, pulls, rng)
        successes[every, chosen] += rng.uniform(size=runs) < means[chosen]
        pulls[every, chosen] += 1
        arms[:, i] = chosen
    return arms


def regret(arms: ArrayLike, means: ArrayLike) -> Array:
    """Average regret after each pull: the sum of the gaps of the arms that were pulled.

    By eq-types-of-learning-decomposition its mean is the regret of eq-types-of-learning-regret.

    Parameters
    ----------
    arms : array-like of int of shape (runs, n)
        Which arm was pulled.
    means : array-like of shape (n_arms,)
        The probabilities.

    Returns
    -------
    regret : ndarray of shape (n,)
        The average over the runs.
    """
    means, arms = _probabilities(means), np.asarray(arms)
    if arms.ndim != 2 or arms.dtype.kind not in "iu":
        raise ValueError(f"arms must be a matrix of integers, got shape {arms.shape}")
    if arms.size == 0 or arms.min() < 0 or arms.max() >= means.size:
        raise ValueError(f"arms must be numbers from 0 to {means.size - 1}")
    return np.cumsum((means.max() - means)[arms].mean(axis=0))


def _probabilities(means: ArrayLike) -> Array:
    array = np.asarray(means, dtype=float)
    if array.ndim != 1 or array.size < 2:
        raise ValueError(f"means must be a vector of at least two numbers, got {array.shape}")
    if not ((array >= 0) & (array <= 1)).all():
        raise ValueError("means must lie between 0 and 1")
    return array
