"""Checkers for the exercises of the chapter on the types of learning."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


# types-neighbours


def _neighbourhood(rng: np.random.Generator) -> Arguments:
    """Draw points whose second coordinate has a much larger unit, and new ones off their centre."""
    n = int(rng.integers(25, 40))
    X = rng.normal(size=(n, 2)) * [1.0, 30.0] + [2.0, -50.0]
    X_new = rng.normal(size=(int(rng.integers(5, 9)), 2)) * [0.4, 25.0] + [2.0, -45.0]
    return {"X": X, "y": rng.normal(size=n) + 3 * X[:, 0], "X_new": X_new, "m": 4}


def _order(X: Array, X_new: Array, power: int = 2) -> Array:
    distances = np.sum(np.abs(X_new[:, np.newaxis, :] - X) ** power, axis=2)
    return np.argsort(distances, axis=1, kind="stable")


@exercise("types-neighbours", _neighbourhood, returns="the prediction")
def types_neighbours(X: Array, y: Array, X_new: Array, m: int) -> Array:
    """Mean label of the m nearest samples, after standardisation."""
    sd = X.std(axis=0)
    return y[_order(X / sd, X_new / sd)[:, :m]].mean(axis=1)


@types_neighbours.mistake(
    "The features are not standardised: the one with the larger unit decides alone who is near. "
    "Divide both by the standard deviations of the columns of X."
)
def _neighbours_raw(X: Array, y: Array, X_new: Array, m: int) -> Array:
    return y[_order(X, X_new)[:, :m]].mean(axis=1)


@types_neighbours.mistake(
    "X_new has been divided by its own standard deviations. The unit of the distance belongs to "
    "the table: use those of X for both."
)
def _neighbours_own_spread(X: Array, y: Array, X_new: Array, m: int) -> Array:
    return y[_order(X / X.std(axis=0), X_new / X_new.std(axis=0))[:, :m]].mean(axis=1)


@types_neighbours.mistake(
    "The labels are summed and not averaged: divide by m, the number of neighbours."
)
def _neighbours_summed(X: Array, y: Array, X_new: Array, m: int) -> Array:
    return m * types_neighbours.reference(X, y, X_new, m)


@types_neighbours.mistake("These are the m samples farthest away: the order is reversed.")
def _neighbours_farthest(X: Array, y: Array, X_new: Array, m: int) -> Array:
    sd = X.std(axis=0)
    return y[_order(X / sd, X_new / sd)[:, -m:]].mean(axis=1)


@types_neighbours.mistake("One neighbour is missing: a slice `[:, :m]` has m columns.")
def _neighbours_one_less(X: Array, y: Array, X_new: Array, m: int) -> Array:
    return types_neighbours.reference(X, y, X_new, m - 1)


@types_neighbours.mistake("The sum of the labels is divided by n, the number of samples, not by m.")
def _neighbours_over_n(X: Array, y: Array, X_new: Array, m: int) -> Array:
    return m / len(X) * types_neighbours.reference(X, y, X_new, m)


# types-lloyd


def _clusters(rng: np.random.Generator) -> Arguments:
    """Draw a cloud, and centres of which one is far from all samples."""
    X = rng.normal(size=(int(rng.integers(20, 35)), 2)) * [2.0, 1.0] + [1.0, 0.5]
    centres = np.vstack([rng.normal(size=(3, 2)), [[60.0, 60.0]]])
    return {"X": X, "centres": centres}


def _nearest(X: Array, centres: Array) -> Array:
    return np.argmin(np.sum((X[:, np.newaxis, :] - centres) ** 2, axis=2), axis=1)


def _round(X: Array, centres: Array) -> tuple[Array, Array]:
    """Return the labels and the moved centres."""
    labels, moved = _nearest(X, centres), centres.copy()
    for j in np.unique(labels):
        moved[j] = X[labels == j].mean(axis=0)
    return labels, moved


@exercise("types-lloyd", _clusters, returns=("the centres", "the cost"))
def types_lloyd(X: Array, centres: Array) -> tuple[Array, float]:
    """One round of Lloyd's algorithm, and the cost after it."""
    labels, moved = _round(X, centres)
    return moved, float(np.sum((X - moved[labels]) ** 2) / len(X))


@types_lloyd.mistake(
    "The centres are right. The cost has a 1/n, and here it is the sum: divide by n."
)
def _lloyd_sum(X: Array, centres: Array) -> tuple[Array, float]:
    moved, cost = types_lloyd.reference(X, centres)
    return moved, len(X) * cost


@types_lloyd.mistake(
    "The centres are right. The cost is divided by n times the number of features: the squares of "
    "the features add up to the squared distance, and only the samples are averaged."
)
def _lloyd_mean_of_all(X: Array, centres: Array) -> tuple[Array, float]:
    moved, cost = types_lloyd.reference(X, centres)
    return moved, cost / X.shape[1]


@types_lloyd.mistake(
    "The centres are right. The cost is that before the centres have moved: measure the distances "
    "from the new ones."
)
def _lloyd_before(X: Array, centres: Array) -> tuple[Array, float]:
    labels, moved = _round(X, centres)
    return moved, float(np.sum((X - centres[labels]) ** 2) / len(X))


@types_lloyd.mistake(
    "The centres are right. For the cost the samples were assigned anew. The exercise asks for the "
    "labels that were used for the means; the new ones belong to the next round."
)
def _lloyd_next(X: Array, centres: Array) -> tuple[Array, float]:
    _, moved = _round(X, centres)
    return moved, float(np.sum((X - moved[_nearest(X, moved)]) ** 2) / len(X))


@types_lloyd.mistake(
    "The centres are right. The cost takes distances without the square: it is the mean of the "
    "squared ones."
)
def _lloyd_unsquared(X: Array, centres: Array) -> tuple[Array, float]:
    labels, moved = _round(X, centres)
    return moved, float(np.mean(np.linalg.norm(X - moved[labels], axis=1)))


@types_lloyd.mistake("A centre without samples has gone to zero: it should stay where it was.")
def _lloyd_empty(X: Array, centres: Array) -> tuple[Array, float]:
    labels, moved = _round(X, centres)
    kept = np.isin(np.arange(len(centres)), labels)
    return moved * kept[:, np.newaxis], types_lloyd.reference(X, centres)[1]


# types-stencil


def _field(rng: np.random.Generator) -> Arguments:
    return {"B": rng.normal(size=(int(rng.integers(6, 9)), int(rng.integers(9, 12)))) + 5}


def _edges(B: Array) -> Array:
    return B[2:, 1:-1] + B[:-2, 1:-1] + B[1:-1, 2:] + B[1:-1, :-2]


def _corners(B: Array) -> Array:
    return B[2:, 2:] + B[2:, :-2] + B[:-2, 2:] + B[:-2, :-2]


@exercise("types-stencil", _field, returns="the prediction")
def types_stencil(B: Array) -> Array:
    """Prediction of the inner squares from their eight neighbours."""
    return _edges(B) / 2 - _corners(B) / 4


@types_stencil.mistake(
    "The corners have the wrong sign: they are subtracted. The weights must sum to one, and with "
    "this sign they sum to three."
)
def _stencil_plus(B: Array) -> Array:
    return _edges(B) / 2 + _corners(B) / 4


@types_stencil.mistake(
    "Only the four direct neighbours are used, at half weight each. On a constant field that is "
    "twice too much: the corners are still to be subtracted."
)
def _stencil_edges(B: Array) -> Array:
    return _edges(B) / 2


@types_stencil.mistake("This is the plain mean of the four direct neighbours.")
def _stencil_mean(B: Array) -> Array:
    return _edges(B) / 4


@types_stencil.mistake("The weights of edges and corners are exchanged.")
def _stencil_exchanged(B: Array) -> Array:
    return _corners(B) / 2 - _edges(B) / 4


@types_stencil.mistake(
    "This is the error B minus the prediction, and not the prediction: no sample's own value may "
    "be used."
)
def _stencil_error(B: Array) -> Array:
    return B[1:-1, 1:-1] - types_stencil.reference(B)


# types-regret


def _experiments(rng: np.random.Generator) -> Arguments:
    arms = int(rng.integers(3, 7))
    counts = rng.integers(1, 40, size=(int(rng.integers(7, 12)), arms))
    return {"means": rng.uniform(0.1, 0.9, size=arms), "counts": counts}


@exercise("types-regret", _experiments, returns="the regret")
def types_regret(means: Array, counts: Array) -> float:
    """Average over the experiments of the sum of gaps times pulls."""
    return float(np.mean(counts @ (means.max() - means)))


@types_regret.mistake("The gap has the wrong sign: it is the best mean minus the arm's.")
def _regret_sign(means: Array, counts: Array) -> float:
    return -types_regret.reference(means, counts)


@types_regret.mistake(
    "This is summed over the experiments: divide by their number. The n pulls of one experiment "
    "stay summed."
)
def _regret_summed(means: Array, counts: Array) -> float:
    return len(counts) * types_regret.reference(means, counts)


@types_regret.mistake(
    "This is the regret per pull. The definition sums over the n pulls and does not divide by n."
)
def _regret_per_pull(means: Array, counts: Array) -> float:
    return float(np.sum(counts @ (means.max() - means)) / counts.sum())


@types_regret.mistake("This is the average reward, sum of mean times pulls; the regret takes gaps.")
def _regret_reward(means: Array, counts: Array) -> float:
    return float(np.mean(counts @ means))


@types_regret.mistake(
    "The pulls are averaged over the arms as well. Over the arms they are summed, over the "
    "experiments averaged."
)
def _regret_mean_of_all(means: Array, counts: Array) -> float:
    return types_regret.reference(means, counts) / means.size


# types-ucb


def _played(rng: np.random.Generator) -> Arguments:
    pulls = rng.integers(3, 60, size=int(rng.integers(4, 8))).astype(float)
    return {"successes": np.floor(pulls * rng.uniform(0.2, 0.8, pulls.size)), "pulls": pulls}


@exercise("types-ucb", _played, returns="the bounds")
def types_ucb(successes: Array, pulls: Array) -> Array:
    """Upper confidence bound of each arm."""
    return successes / pulls + np.sqrt(2 * np.log(pulls.sum()) / pulls)


@types_ucb.mistake(
    "The sign of the bonus is wrong: this is a lower bound. It would avoid what is little known; "
    "optimism adds."
)
def _ucb_minus(successes: Array, pulls: Array) -> Array:
    return successes / pulls - np.sqrt(2 * np.log(pulls.sum()) / pulls)


@types_ucb.mistake("The 2 under the root is missing: the bonus solves exp(-2 N u^2) = i^(-4).")
def _ucb_without_2(successes: Array, pulls: Array) -> Array:
    return successes / pulls + np.sqrt(np.log(pulls.sum()) / pulls)


@types_ucb.mistake(
    "The logarithm takes the pulls of the arm. It takes i, the pulls of all arms together: only so "
    "does an arm that is never pulled become more interesting."
)
def _ucb_own_log(successes: Array, pulls: Array) -> Array:
    return successes / pulls + np.sqrt(2 * np.log(pulls) / pulls)


@types_ucb.mistake("The root is missing over the bonus.")
def _ucb_no_root(successes: Array, pulls: Array) -> Array:
    return successes / pulls + 2 * np.log(pulls.sum()) / pulls


@types_ucb.mistake("Only the bonus is returned; the mean reward of the arm belongs before it.")
def _ucb_bonus(successes: Array, pulls: Array) -> Array:
    return np.sqrt(2 * np.log(pulls.sum()) / pulls)


@types_ucb.mistake("The successes are not divided by the pulls: the bound is for the mean reward.")
def _ucb_successes(successes: Array, pulls: Array) -> Array:
    return successes + np.sqrt(2 * np.log(pulls.sum()) / pulls)


@types_ucb.mistake(
    "The logarithm takes the number of arms. It takes i, the number n of pulls so far of all arms."
)
def _ucb_arms(successes: Array, pulls: Array) -> Array:
    return successes / pulls + np.sqrt(2 * np.log(pulls.size) / pulls)
