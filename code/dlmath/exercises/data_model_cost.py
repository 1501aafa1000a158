"""Checkers for the exercises of the chapter on data, model and cost."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


# data-model-cost-projection


def _repeated(rng: np.random.Generator) -> Arguments:
    """Draw inputs that occur between one and six times, with a prediction for each input."""
    values = np.sort(rng.choice(np.arange(-9, 10), 6, replace=False)).astype(float)
    x = rng.permutation(np.repeat(values, rng.permutation(6) + 1))[: int(rng.integers(17, 22))]
    levels = dict(zip(values, rng.normal(size=(6, 2)) + 1, strict=True))
    y = np.array([levels[value][0] for value in x]) + 0.7 * rng.normal(size=len(x))
    return {"x": x, "y": y, "g": np.array([levels[value][1] for value in x])}


def _means(x: Array, y: Array) -> Array:
    """Return for each sample the mean of y over the samples with the same x."""
    _, which = np.unique(x, return_inverse=True)
    return (np.bincount(which, y) / np.bincount(which))[which]


def _first(x: Array) -> Array:
    return np.unique(x, return_index=True)[1]


@exercise("data-model-cost-projection", _repeated, returns=("the noise", "the misfit"))
def projection(x: Array, y: Array, g: Array) -> tuple[float, float]:
    """Noise and misfit of the empirical distribution."""
    mean = _means(x, y)
    return float(np.mean((y - mean) ** 2)), float(np.mean((mean - g) ** 2))


@projection.mistake("These are sums over the samples: the terms are means, so a factor 1/n is due.")
def _projection_sums(x: Array, y: Array, g: Array) -> tuple[float, float]:
    noise, misfit = projection.reference(x, y, g)
    return len(y) * noise, len(y) * misfit


@projection.mistake(
    "The noise is right. In the misfit each value of x should count as often as it occurs: "
    "take the mean over the n samples, not over the distinct values."
)
def _projection_distinct(x: Array, y: Array, g: Array) -> tuple[float, float]:
    at = _first(x)
    return projection.reference(x, y, g)[0], float(np.mean((_means(x, y) - g)[at] ** 2))


@projection.mistake(
    "The noise here is the mean of the variances at each x, each with the same weight. "
    "Values of x that occur more often weigh more: take the mean over the n samples."
)
def _projection_mean_variance(x: Array, y: Array, g: Array) -> tuple[float, float]:
    squares = (y - _means(x, y)) ** 2
    return float(np.mean(_means(x, squares)[_first(x)])), projection.reference(x, y, g)[1]


@projection.mistake(
    "Both terms are means over the distinct values of x. They should be means over the n samples."
)
def _projection_both_distinct(x: Array, y: Array, g: Array) -> tuple[float, float]:
    return _projection_mean_variance(x, y, g)[0], _projection_distinct(x, y, g)[1]


@projection.mistake("The two are in the wrong order: the noise comes first, then the misfit.")
def _projection_swapped(x: Array, y: Array, g: Array) -> tuple[float, float]:
    noise, misfit = projection.reference(x, y, g)
    return misfit, noise


@projection.mistake(
    "The second term is the whole cost: the misfit compares the conditional mean with g, not y."
)
def _projection_cost(x: Array, y: Array, g: Array) -> tuple[float, float]:
    return projection.reference(x, y, g)[0], float(np.mean((y - g) ** 2))


@projection.mistake(
    "The noise is measured from the mean of all y. Subtract from each y the mean at its own x."
)
def _projection_grand_mean(x: Array, y: Array, g: Array) -> tuple[float, float]:
    return float(np.var(y)), projection.reference(x, y, g)[1]


@projection.mistake(
    "The misfit has a sign error: it is the mean square of the conditional mean minus g, "
    "not plus g."
)
def _projection_plus(x: Array, y: Array, g: Array) -> tuple[float, float]:
    return projection.reference(x, y, g)[0], float(np.mean((_means(x, y) + g) ** 2))


# data-model-cost-lifetime


def _decays(rng: np.random.Generator) -> Arguments:
    n, t_max = int(rng.integers(30, 60)), float(rng.uniform(1, 2))
    times = np.sort(rng.exponential(rng.uniform(0.8, 2), n))
    return {"t": times[times < t_max], "n": n, "t_max": t_max}


@exercise("data-model-cost-lifetime", _decays, returns="the lifetime")
def lifetime(t: Array, n: int, t_max: float) -> float:
    """Maximum-likelihood estimate from decays recorded up to t_max."""
    return float((np.sum(t) + (n - len(t)) * t_max) / len(t))


@lifetime.mistake(
    "This is the mean of the recorded times, which leaves out the ions that were still there."
)
def _lifetime_mean(t: Array, n: int, t_max: float) -> float:
    return float(np.mean(t))


@lifetime.mistake(
    "The time under observation is right. Divide it by the number of decays, not by the number n "
    "of ions: an ion that is still there has not given a decay."
)
def _lifetime_by_n(t: Array, n: int, t_max: float) -> float:
    return float((np.sum(t) + (n - len(t)) * t_max) / n)


@lifetime.mistake(
    "The recorded times are divided by n, as if the surviving ions had decayed at time zero."
)
def _lifetime_zeros(t: Array, n: int, t_max: float) -> float:
    return float(np.sum(t) / n)


@lifetime.mistake(
    "Every ion is counted as under observation until t_max, also those that decayed before: "
    "an ion that has decayed contributes its own time."
)
def _lifetime_all(t: Array, n: int, t_max: float) -> float:
    return float(n * t_max / len(t))


@lifetime.mistake(
    "The survivors' time is subtracted: the sign of (n - r) t_max in the cost is that of sum(t)."
)
def _lifetime_minus(t: Array, n: int, t_max: float) -> float:
    return float((np.sum(t) - (n - len(t)) * t_max) / len(t))


@lifetime.mistake("This is the decay rate 1/tau; the exercise asks for the lifetime tau.")
def _lifetime_rate(t: Array, n: int, t_max: float) -> float:
    return 1 / lifetime.reference(t, n, t_max)


@lifetime.mistake(
    "This is the half-life, ln 2 times the lifetime; the density in the exercise has tau itself."
)
def _lifetime_half(t: Array, n: int, t_max: float) -> float:
    return float(np.log(2)) * lifetime.reference(t, n, t_max)


# data-model-cost-minibatch


def _batches(rng: np.random.Generator) -> Arguments:
    n, p = int(rng.integers(12, 25)), int(rng.integers(2, 5))
    X = rng.normal(size=(n, p)) + 0.5
    y = X @ rng.normal(size=p) + rng.normal(size=n)
    return {"X": X, "y": y, "theta": rng.normal(size=p), "B": int(rng.integers(3, 8))}


def _spread(X: Array, y: Array, theta: Array, centred: bool = True) -> Array:
    """Mean of the outer products of the samples' gradients, about their mean or about zero."""
    each = 2 * (X @ theta - y)[:, np.newaxis] * X
    if centred:
        each = each - each.mean(axis=0)
    return each.T @ each / len(y)


@exercise("data-model-cost-minibatch", _batches, returns="the covariance")
def minibatch(X: Array, y: Array, theta: Array, B: int) -> Array:
    """Covariance of the gradient on a batch drawn without replacement."""
    n = len(y)
    return _spread(X, y, theta) / B * (n - B) / (n - 1)


@minibatch.mistake(
    "This is the covariance for samples drawn with replacement. Without it there is a further "
    "factor (n - B)/(n - 1)."
)
def _minibatch_replacement(X: Array, y: Array, theta: Array, B: int) -> Array:
    return _spread(X, y, theta) / B


@minibatch.mistake(
    "The factor is (n - B)/n here. With the covariance of the samples divided by n it should be "
    "(n - B)/(n - 1); or divide that covariance by n - 1 and keep (n - B)/n."
)
def _minibatch_over_n(X: Array, y: Array, theta: Array, B: int) -> Array:
    return _spread(X, y, theta) / B * (len(y) - B) / len(y)


@minibatch.mistake(
    "n - 1 stands in the denominator twice: np.cov has divided by it already, and with that "
    "covariance the factor is (n - B)/n."
)
def _minibatch_twice(X: Array, y: Array, theta: Array, B: int) -> Array:
    n = len(y)
    return _spread(X, y, theta) * n / (n - 1) / B * (n - B) / (n - 1)


@minibatch.mistake(
    "The gradients of the samples are not centred: subtract their mean, the full gradient, first."
)
def _minibatch_not_centred(X: Array, y: Array, theta: Array, B: int) -> Array:
    n = len(y)
    return _spread(X, y, theta, centred=False) / B * (n - B) / (n - 1)


@minibatch.mistake(
    "The gradient of a squared error has a factor 2, which the covariance squares: "
    "this is a fourth of the right one."
)
def _minibatch_without_2(X: Array, y: Array, theta: Array, B: int) -> Array:
    return minibatch.reference(X, y, theta, B) / 4


@minibatch.mistake(
    "This is the covariance of the sum over the batch. The gradient is a mean over B samples, "
    "and that divides the covariance by B^2."
)
def _minibatch_sum(X: Array, y: Array, theta: Array, B: int) -> Array:
    return minibatch.reference(X, y, theta, B) * B**2


@minibatch.mistake("This is the covariance of a single sample's gradient: it falls with B.")
def _minibatch_single(X: Array, y: Array, theta: Array, B: int) -> Array:
    return _spread(X, y, theta)


# data-model-cost-leakage


def _folds(rng: np.random.Generator) -> Arguments:
    n, p = int(rng.integers(18, 26)), 12
    X = rng.normal(size=(n, p)) * rng.uniform(0.5, 4, size=p) + rng.normal(size=p)
    fold = rng.permutation(np.arange(n) % 3)
    y = 3 + 0.3 * X[:, 0] + rng.normal(size=n)
    return {"X": X, "y": y, "fold": fold, "m": 3, "lam": float(rng.uniform(0.1, 0.4))}


def _predict(
    X: Array,
    y: Array,
    fold: Array,
    m: int,
    lam: float,
    *,
    scale_on: str = "fold",
    centre_on: str = "fold",
    select_on: str = "fold",
    sizes: str = "fold",
) -> Array:
    """Cross-validate, with each step on the training part or, as a leak, on all samples."""
    prediction = np.zeros(len(y))
    every = np.ones(len(y), dtype=bool)
    for k in np.unique(fold):
        train, left = fold != k, fold == k
        rows = {"fold": train, "all": every, "left": left}
        known = X[rows[scale_on]]
        A = (X - known.mean(axis=0)) / known.std(axis=0)
        y_mean = y[rows[centre_on]].mean()
        chosen = rows[select_on]
        best = np.argsort(-np.abs(A[chosen].T @ (y[chosen] - y[chosen].mean())))[:m]
        F = A[train][:, best]
        n = 1 if sizes == "none" else len(y) if sizes == "all" else len(F)
        theta = np.linalg.solve(F.T @ F + n * lam * np.eye(m), F.T @ (y[train] - y_mean))
        test = A
        if scale_on == "fold" and sizes == "own":
            test = (X - X[left].mean(axis=0)) / X[left].std(axis=0)
        prediction[left] = y_mean + test[left][:, best] @ theta
    return prediction


@exercise("data-model-cost-leakage", _folds, returns="the prediction")
def leakage(X: Array, y: Array, fold: Array, m: int, lam: float) -> Array:
    """Predictions of which no step has seen the sample."""
    return _predict(X, y, fold, m, lam)


@leakage.mistake("This is what the leaky function returns: all its steps before the loop leak.")
def _leakage_all(X: Array, y: Array, fold: Array, m: int, lam: float) -> Array:
    return _predict(X, y, fold, m, lam, scale_on="all", centre_on="all", select_on="all")


@leakage.mistake(
    "Scaling and centring are honest now. The list of the best columns is still made with all "
    "samples, the left-out labels included."
)
def _leakage_select(X: Array, y: Array, fold: Array, m: int, lam: float) -> Array:
    return _predict(X, y, fold, m, lam, select_on="all")


@leakage.mistake(
    "The columns are still standardised before the loop, with the mean and the standard deviation "
    "of all samples."
)
def _leakage_scale(X: Array, y: Array, fold: Array, m: int, lam: float) -> Array:
    return _predict(X, y, fold, m, lam, scale_on="all")


@leakage.mistake("The mean of y is still that of all samples: it has seen the left-out labels.")
def _leakage_mean(X: Array, y: Array, fold: Array, m: int, lam: float) -> Array:
    return _predict(X, y, fold, m, lam, centre_on="all")


@leakage.mistake(
    "Only the choice of the columns has moved into the loop. Their scaling and the mean of y "
    "still use all samples."
)
def _leakage_select_only(X: Array, y: Array, fold: Array, m: int, lam: float) -> Array:
    return _predict(X, y, fold, m, lam, scale_on="all", centre_on="all")


@leakage.mistake(
    "The left-out samples are standardised with their own mean and standard deviation. Use those "
    "of the training part: a prediction must be possible for one sample alone."
)
def _leakage_own_scale(X: Array, y: Array, fold: Array, m: int, lam: float) -> Array:
    return _predict(X, y, fold, m, lam, sizes="own")


@leakage.mistake(
    "No leak any more. But the penalty needs the factor n of the training part beside lambda, and "
    "here it is missing."
)
def _leakage_without_n(X: Array, y: Array, fold: Array, m: int, lam: float) -> Array:
    return _predict(X, y, fold, m, lam, sizes="none")


@leakage.mistake(
    "No leak any more. But the n beside lambda counts all samples; the fit has seen those of the "
    "training part only."
)
def _leakage_n_all(X: Array, y: Array, fold: Array, m: int, lam: float) -> Array:
    return _predict(X, y, fold, m, lam, sizes="all")


@leakage.mistake(
    "The folds are exchanged: the model is fitted to the samples of the fold itself and predicts "
    "the others, or has seen what it predicts."
)
def _leakage_inside(X: Array, y: Array, fold: Array, m: int, lam: float) -> Array:
    prediction = np.zeros(len(y))
    for k in np.unique(fold):
        rows = fold == k
        A = (X[rows] - X[rows].mean(axis=0)) / X[rows].std(axis=0)
        c = y[rows] - y[rows].mean()
        best = np.argsort(-np.abs(A.T @ c))[:m]
        F = A[:, best]
        M = F.T @ F + len(F) * lam * np.eye(m)
        prediction[rows] = y[rows].mean() + F @ np.linalg.solve(M, F.T @ c)
    return prediction
