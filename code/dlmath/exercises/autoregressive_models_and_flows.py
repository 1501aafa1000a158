"""Checkers for the exercises of the chapter on autoregressive models and flows."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray
Pair = tuple[Array, Array]


# flows-masks


def _ranks(rng: np.random.Generator) -> Arguments:
    d, m = int(rng.integers(4, 7)), int(rng.integers(8, 12))
    degrees = np.concatenate([np.arange(1, d), rng.integers(1, d, m - d + 1)])
    return {"ranks": rng.permutation(d) + 1, "degrees": rng.permutation(degrees)}


def _masks(first: Array, second: Array) -> Pair:
    return first.astype(float), second.astype(float)


@exercise("flows-masks", _ranks, returns=("the first mask", "the second mask"))
def flows_masks(ranks: Array, degrees: Array) -> Pair:
    """Masks of a network with one hidden layer, (from, to)."""
    return _masks(degrees >= ranks[:, None], ranks > degrees[:, None])


@flows_masks.mistake(
    "The second mask is not strict: an output of rank equal to the unit's degree would see "
    "its own variable. It must be larger, with the sign > and not >=."
)
def _masks_not_strict(ranks: Array, degrees: Array) -> Pair:
    return _masks(degrees >= ranks[:, None], ranks >= degrees[:, None])


@flows_masks.mistake(
    "The first mask is strict. Nothing forbidden gets through, but a unit may know the variable "
    "whose rank is its degree: with > here and in the second mask neighbours in the order are cut."
)
def _masks_both_strict(ranks: Array, degrees: Array) -> Pair:
    return _masks(degrees > ranks[:, None], ranks > degrees[:, None])


@flows_masks.mistake(
    "Both signs are turned round: units must see low ranks and serve high ones. So information "
    "flows from the end of the order to its beginning."
)
def _masks_reversed(ranks: Array, degrees: Array) -> Pair:
    return _masks(degrees <= ranks[:, None], ranks < degrees[:, None])


@flows_masks.mistake(
    "These masks take the variables in the order of the columns. The ranks say which place in "
    "the ordering each column has, and the first column need not be the first."
)
def _masks_by_index(ranks: Array, degrees: Array) -> Pair:
    places = np.arange(1, len(ranks) + 1)
    return _masks(degrees >= places[:, None], places > degrees[:, None])


# flows-mixture


def _orderings(rng: np.random.Generator) -> Arguments:
    R, n = int(rng.integers(3, 6)), int(rng.integers(6, 12))
    return {"by_order": rng.normal(-90, 8, n) + rng.normal(0, 2, (R, n))}


def _log_mean(by_order: Array) -> Array:
    top = by_order.max(axis=0)
    return top + np.log(np.exp(by_order - top).mean(axis=0))


@exercise("flows-mixture", _orderings, returns=("the price", "the gain"))
def flows_mixture(by_order: Array) -> tuple[float, float]:
    """Price of the average of probabilities, and its gain over a typical ordering."""
    together = _log_mean(by_order)
    return -float(together.mean()), float((together - by_order.mean(axis=0)).mean())


@flows_mixture.mistake(
    "The logarithms were averaged: this is the price of a typical ordering, and there is no gain. "
    "Average the probabilities, then take the logarithm."
)
def _mixture_of_logarithms(by_order: Array) -> tuple[float, float]:
    return -float(by_order.mean()), 0.0


@flows_mixture.mistake(
    "The probabilities were summed and not averaged: log R is missing, and the sum over all "
    "states would be R and not one."
)
def _mixture_sum(by_order: Array) -> tuple[float, float]:
    price, gain = flows_mixture.reference(by_order)
    return price - np.log(len(by_order)), gain + np.log(len(by_order))


@flows_mixture.mistake(
    "Each sample takes its best ordering. That is no law, because its probabilities sum to more "
    "than one: whoever looks at x before choosing is not predicting it."
)
def _mixture_best(by_order: Array) -> tuple[float, float]:
    best = by_order.max(axis=0)
    return -float(best.mean()), float((best - by_order.mean(axis=0)).mean())


@flows_mixture.mistake(
    "The probabilities were averaged over the samples too. Each sample has a logarithm of its "
    "own; only these are averaged over the n samples."
)
def _mixture_over_samples(by_order: Array) -> tuple[float, float]:
    top = by_order.max()
    together = top + np.log(np.exp(by_order - top).mean())
    return -float(together), float(together - by_order.mean())


@flows_mixture.mistake(
    "These are sums over the n samples. Prices are compared per sample: take means."
)
def _mixture_summed_over_samples(by_order: Array) -> tuple[float, float]:
    price, gain = flows_mixture.reference(by_order)
    return by_order.shape[1] * price, by_order.shape[1] * gain


# flows-coupling


def _layer(rng: np.random.Generator) -> Arguments:
    n, half = int(rng.integers(5, 12)), int(rng.integers(2, 4))
    return {
        "X": rng.normal(size=(n, 2 * half)),
        "A": rng.normal(size=(half, half)),
        "B": rng.normal(size=(half, half)),
    }


def _parts(X: Array, A: Array, B: Array) -> tuple[Array, Array, Array, Array]:
    half = X.shape[1] // 2
    kept, moved = X[:, :half], X[:, half:]
    return kept, moved, np.tanh(kept @ A), kept @ B


@exercise("flows-coupling", _layer, returns=("Z", "the log-determinants"))
def flows_coupling(X: Array, A: Array, B: Array) -> Pair:
    """Affine coupling layer and its log-determinant."""
    kept, moved, s, t = _parts(X, A, B)
    return np.hstack([kept, moved * np.exp(s) + t]), s.sum(axis=1)


@flows_coupling.mistake(
    "This is the inverse: the shift is subtracted and the sign of s is turned. The exercise asks "
    "for u exp(s) + t."
)
def _coupling_inverse(X: Array, A: Array, B: Array) -> Pair:
    kept, moved, s, t = _parts(X, A, B)
    return np.hstack([kept, (moved - t) * np.exp(-s)]), -s.sum(axis=1)


@flows_coupling.mistake(
    "Scales and shifts were computed from the half that moves. Then the inverse would need them "
    "before it has them, and the Jacobian is not triangular."
)
def _coupling_from_moved(X: Array, A: Array, B: Array) -> Pair:
    kept, moved, _, _ = _parts(X, A, B)
    s = np.tanh(moved @ A)
    return np.hstack([kept, moved * np.exp(s) + moved @ B]), s.sum(axis=1)


@flows_coupling.mistake(
    "The scale is exp(s), and its logarithm is s. Here u is multiplied by s itself, which may be "
    "negative or zero: no bijection."
)
def _coupling_without_exponential(X: Array, A: Array, B: Array) -> Pair:
    kept, moved, s, t = _parts(X, A, B)
    return np.hstack([kept, moved * s + t]), s.sum(axis=1)


@flows_coupling.mistake(
    "Z is right. The log-determinant is the sum of the s over the moved variables, and here it "
    "is their mean: a factor of their number n is missing."
)
def _coupling_mean(X: Array, A: Array, B: Array) -> Pair:
    Z, log_det = flows_coupling.reference(X, A, B)
    return Z, log_det / (X.shape[1] // 2)


@flows_coupling.mistake(
    "Z is right. These are determinants, the products of the exp(s); asked are their logarithms."
)
def _coupling_determinant(X: Array, A: Array, B: Array) -> Pair:
    Z, log_det = flows_coupling.reference(X, A, B)
    return Z, np.exp(log_det)


@flows_coupling.mistake(
    "Shift and scale are in the other order: (u + t) exp(s). That is a coupling layer too, but "
    "not u exp(s) + t."
)
def _coupling_order(X: Array, A: Array, B: Array) -> Pair:
    kept, moved, s, t = _parts(X, A, B)
    return np.hstack([kept, (moved + t) * np.exp(s)]), s.sum(axis=1)


# flows-bits


def _densities(rng: np.random.Generator) -> Arguments:
    draws, n = int(rng.integers(3, 6)), int(rng.integers(6, 12))
    d = int(rng.integers(20, 40))
    return {"log_p": rng.normal(1.2 * d, 4, (draws, n)), "d": d, "m": int(rng.integers(9, 17))}


@exercise("flows-bits", _densities, returns="the price")
def flows_bits(log_p: Array, d: int, m: int) -> float:
    """Bits per dimension of the dequantisation bound."""
    return float((d * np.log(m) - log_p.mean()) / (d * np.log(2)))


@flows_bits.mistake(
    "The constant d log m is missing: a density of y is not yet a probability of the levels."
)
def _bits_without_constant(log_p: Array, d: int, m: int) -> float:
    return -float(log_p.mean()) / (d * np.log(2))


@flows_bits.mistake(
    "The constant is d log m, with the number of pixels: a cell has the volume 1/m to the power d."
)
def _bits_one_dimension(log_p: Array, d: int, m: int) -> float:
    return float((np.log(m) - log_p.mean()) / (d * np.log(2)))


@flows_bits.mistake(
    "The sign of the constant is wrong: log P is at least the mean of log p MINUS d log m, so the "
    "price has it with a plus."
)
def _bits_sign(log_p: Array, d: int, m: int) -> float:
    return float((-d * np.log(m) - log_p.mean()) / (d * np.log(2)))


@flows_bits.mistake("These are nats per dimension: divide by log 2.")
def _bits_nats(log_p: Array, d: int, m: int) -> float:
    return float((d * np.log(m) - log_p.mean()) / d)


@flows_bits.mistake("These are bits per image: divide by the number d of dimensions.")
def _bits_per_image(log_p: Array, d: int, m: int) -> float:
    return float((d * np.log(m) - log_p.mean()) / np.log(2))


@flows_bits.mistake(
    "The densities were averaged over the draws before the logarithm. That is a tighter bound, "
    "and a right one, but not the one asked for: the mean of the logarithms."
)
def _bits_tighter(log_p: Array, d: int, m: int) -> float:
    return float((d * np.log(m) - _log_mean(log_p).mean()) / (d * np.log(2)))


@flows_bits.mistake(
    "The logarithms were summed over the images, and the price should be a mean: a factor n."
)
def _bits_summed(log_p: Array, d: int, m: int) -> float:
    n = log_p.shape[1]
    return float((d * np.log(m) - n * log_p.mean()) / (d * np.log(2)))


# flows-acceptance


def _proposals(rng: np.random.Generator) -> Arguments:
    n = int(rng.integers(8, 15))
    log_q = rng.normal(-20, 2, n)
    return {"S": -log_q + rng.normal(0, 0.7, n), "log_q": log_q}


def _ratios(log_w: Array) -> Array:
    return np.exp(np.minimum(0, np.diff(log_w)))


@exercise("flows-acceptance", _proposals, returns="the probabilities")
def flows_acceptance(S: Array, log_q: Array) -> Array:
    """Probabilities of accepting each proposal in the place of the one before."""
    return _ratios(-S - log_q)


@flows_acceptance.mistake(
    "The sign of log q is wrong: the weight is exp(-S)/q. A field that the flow proposes too often "
    "must be accepted less often."
)
def _acceptance_sign_of_q(S: Array, log_q: Array) -> Array:
    return _ratios(-S + log_q)


@flows_acceptance.mistake(
    "log q does not appear. Without it this is Metropolis's rule for symmetric proposals, and "
    "those of a flow are not symmetric."
)
def _acceptance_plain(S: Array, log_q: Array) -> Array:
    return _ratios(-S)


@flows_acceptance.mistake(
    "The ratio is upside down: these are the probabilities of going back from proposal k + 1 to k."
)
def _acceptance_back(S: Array, log_q: Array) -> Array:
    return _ratios(S + log_q)


@flows_acceptance.mistake("The sign of the action is wrong: a low action means a high probability.")
def _acceptance_sign_of_action(S: Array, log_q: Array) -> Array:
    return _ratios(S - log_q)


@flows_acceptance.mistake("A probability is at most one: take the minimum of one and the ratio.")
def _acceptance_above_one(S: Array, log_q: Array) -> Array:
    return np.exp(np.diff(-S - log_q))


@flows_acceptance.mistake(
    "The probabilities are divided by their number n - 1. Each is asked for itself; you may take "
    "the mean afterwards."
)
def _acceptance_over_n(S: Array, log_q: Array) -> Array:
    return flows_acceptance.reference(S, log_q) / (len(S) - 1)
