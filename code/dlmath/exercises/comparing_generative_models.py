"""Checkers for the exercises of the chapter that compares generative models."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


# comparing-hole


def _hole(rng: np.random.Generator) -> Arguments:
    return {"delta": float(rng.uniform(0.05, 0.4)), "a": float(rng.uniform(0.7, 3))}


def _two(delta: float, a: float) -> tuple[Array, Array]:
    """Return the probabilities of the event and of its complement under both laws."""
    inside = delta * np.exp(-a)
    return np.array([delta, 1 - delta]), np.array([inside, 1 - inside])


def _kl(p: Array, q: Array) -> float:
    return float(p @ np.log(p / q))


@exercise("comparing-hole", _hole, returns=("the total variation", "the divergence"))
def comparing_hole(delta: float, a: float) -> tuple[float, float]:
    """Total variation and divergence of a law with a hole."""
    p, q = _two(delta, a)
    return float(np.abs(p - q).sum()) / 2, _kl(p, q)


@comparing_hole.mistake(
    "The total variation is half of the integral of the modulus: a factor 2 is missing."
)
def _hole_doubled(delta: float, a: float) -> tuple[float, float]:
    p, q = _two(delta, a)
    return float(np.abs(p - q).sum()), _kl(p, q)


@comparing_hole.mistake(
    "This is the divergence the other way round: the mean has to be taken over p."
)
def _hole_reversed(delta: float, a: float) -> tuple[float, float]:
    p, q = _two(delta, a)
    return float(np.abs(p - q).sum()) / 2, _kl(q, p)


@comparing_hole.mistake("The rest has not been scaled up: the probabilities of q sum to one.")
def _hole_leaking(delta: float, a: float) -> tuple[float, float]:
    p, _ = _two(delta, a)
    q = p * np.array([np.exp(-a), 1])
    return float(np.abs(p - q).sum()) / 2, _kl(p, q)


@comparing_hole.mistake(
    "The exponent has the wrong sign: the event has become more probable, and its probability is "
    "to be multiplied by exp(-a)."
)
def _hole_hill(delta: float, a: float) -> tuple[float, float]:
    p, q = _two(delta, a)
    grown = min(delta * np.exp(a), 1 - 1e-9)
    q = np.array([grown, 1 - grown])
    return float(np.abs(p - q).sum()) / 2, _kl(p, q)


@comparing_hole.mistake("The two numbers are in the wrong order: total variation first.")
def _hole_swapped(delta: float, a: float) -> tuple[float, float]:
    p, q = _two(delta, a)
    return _kl(p, q), float(np.abs(p - q).sum()) / 2


# comparing-front


def _costs(rng: np.random.Generator) -> Arguments:
    costs = rng.integers(0, 6, size=(int(rng.integers(14, 18)), 2)).astype(float)
    first = int(np.lexsort(costs.T[::-1])[0])
    # A twin of the best model, and one with the same first cost: ties must be told apart.
    return {"costs": np.vstack([costs, costs[first], costs[first] + [0, 1], costs[first] - [0, 1]])}


def _unbeaten(beats: Array) -> Array:
    """Say of each column whether no row beats it."""
    return np.asarray(~beats.any(axis=0))


@exercise("comparing-front", _costs, returns="which models are beaten by none")
def comparing_front(costs: Array) -> Array:
    """Models that no other beats."""
    pairs = costs[:, np.newaxis]
    return _unbeaten(np.all(pairs <= costs, axis=2) & np.any(pairs < costs, axis=2))


@comparing_front.mistake(
    "A model that is worse in one cost and equal in the other counts as unbeaten: beating needs "
    "only one cost that is really smaller."
)
def _front_strict(costs: Array) -> Array:
    pairs = costs[:, np.newaxis]
    return _unbeaten(np.all(pairs < costs, axis=2))


@comparing_front.mistake(
    "Every model is beaten here, by itself or by its twin: equal costs beat nobody."
)
def _front_weak(costs: Array) -> Array:
    pairs = costs[:, np.newaxis]
    return _unbeaten(np.all(pairs <= costs, axis=2))


@comparing_front.mistake("These are the models that are beaten.")
def _front_beaten(costs: Array) -> Array:
    return ~comparing_front.reference(costs)


@comparing_front.mistake(
    "Small costs are good: this is the front for the largest, as if each cost had the other sign. "
    "They are also the models that beat nobody: is the axis that of the one that beats?"
)
def _front_largest(costs: Array) -> Array:
    return comparing_front.reference(-costs)


# comparing-thermometer


def _spins(rng: np.random.Generator) -> Arguments:
    size = int(rng.integers(4, 7))
    rough = rng.normal(size=(int(rng.integers(5, 9)), size, size))
    smooth = rough + np.roll(rough, 1, axis=1) + np.roll(rough, 1, axis=2)
    spins = np.where(smooth > 0, 1, -1)
    return {"spins": spins, "K": float(rng.uniform(0.2, 0.6))}


def _field(spins: Array) -> Array:
    return np.sum([np.roll(spins, step, axis) for step in (1, -1) for axis in (1, 2)], axis=0)


@exercise("comparing-thermometer", _spins, returns="the needle")
def comparing_thermometer(spins: Array, K: float) -> float:
    """Mean of h (s - tanh K h)."""
    h = _field(spins)
    return float(np.mean(h * (spins - np.tanh(K * h))))


@comparing_thermometer.mistake(
    "The factor h before the bracket is missing: without it both signs of the field cancel."
)
def _needle_without_h(spins: Array, K: float) -> float:
    return float(np.mean(spins - np.tanh(K * _field(spins))))


@comparing_thermometer.mistake(
    "The neighbours across the boundary are missing: the lattice is a torus."
)
def _needle_open(spins: Array, K: float) -> float:
    padded = np.pad(spins, ((0, 0), (1, 1), (1, 1)))
    h = padded[:, 2:, 1:-1] + padded[:, :-2, 1:-1] + padded[:, 1:-1, 2:] + padded[:, 1:-1, :-2]
    return float(np.mean(h * (spins - np.tanh(K * h))))


@comparing_thermometer.mistake("Only two of the four neighbours are in h.")
def _needle_two(spins: Array, K: float) -> float:
    h = np.roll(spins, -1, axis=1) + np.roll(spins, -1, axis=2)
    return float(np.mean(h * (spins - np.tanh(K * h))))


@comparing_thermometer.mistake(
    "This is the sum over the sites: divide by their number N as well as by that of configurations."
)
def _needle_sum(spins: Array, K: float) -> float:
    return comparing_thermometer.reference(spins, K) * spins[0].size


@comparing_thermometer.mistake(
    "The sum over all sites and configurations is not divided: a mean over both is asked for."
)
def _needle_total(spins: Array, K: float) -> float:
    return comparing_thermometer.reference(spins, K) * spins.size


@comparing_thermometer.mistake(
    "There is a factor 2 in the hyperbolic tangent: the flip costs 2 h s, but s itself has the "
    "mean tanh(K h)."
)
def _needle_twice(spins: Array, K: float) -> float:
    return comparing_thermometer.reference(spins, 2 * K)


# comparing-length


def _magnets(rng: np.random.Generator) -> Arguments:
    size = int(rng.integers(5, 8))
    rough = rng.normal(size=(int(rng.integers(30, 40)), size, size)) + rng.normal(size=(1, 1, 1))
    rough = rough + rng.choice([-0.9, 0.9], (len(rough), 1, 1))
    return {"spins": np.where(rough > 0, 1, -1)}


def _structure(spins: Array, wave: int) -> Array:
    """Return the squared sums of every configuration at one wave number along the first axis."""
    size = spins.shape[1]
    phase = np.exp(2j * np.pi * wave * np.arange(size) / size)
    return np.abs(spins.sum(axis=2) @ phase) ** 2


@exercise("comparing-length", _magnets, returns="the correlation length")
def comparing_length(spins: Array) -> float:
    """Second-moment correlation length."""
    ratio = _structure(spins, 0).mean() / _structure(spins, 1).mean()
    return float(np.sqrt(ratio - 1) / (2 * np.sin(np.pi / spins.shape[1])))


@comparing_length.mistake("The factor 2 before the sine is missing.")
def _length_twice(spins: Array) -> float:
    return 2 * comparing_length.reference(spins)


@comparing_length.mistake("This is the square of the length: a root is missing.")
def _length_square(spins: Array) -> float:
    ratio = _structure(spins, 0).mean() / _structure(spins, 1).mean()
    return float((ratio - 1) / (2 * np.sin(np.pi / spins.shape[1])))


@comparing_length.mistake(
    "The sine has the whole wave number 2 pi/L in it; half of it belongs there, pi/L."
)
def _length_whole(spins: Array) -> float:
    size = spins.shape[1]
    return comparing_length.reference(spins) * float(
        np.sin(np.pi / size) / np.sin(2 * np.pi / size)
    )


@comparing_length.mistake("One is not subtracted from the quotient.")
def _length_without_1(spins: Array) -> float:
    ratio = _structure(spins, 0).mean() / _structure(spins, 1).mean()
    return float(np.sqrt(ratio) / (2 * np.sin(np.pi / spins.shape[1])))
