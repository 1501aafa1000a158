"""Checkers for the exercises of the chapter on model assessment."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


def _regression(rng: np.random.Generator) -> Arguments:
    """Draw a regression problem of random size, with a strong penalty."""
    n, p = int(rng.integers(12, 30)), int(rng.integers(3, 6))
    X = rng.normal(size=(n, p)) * rng.uniform(0.5, 3, size=p) + rng.uniform(0.3, 1, size=p)
    return {
        "X": X,
        "y": 2 + X @ rng.normal(size=p) + rng.normal(size=n),
        "lam": rng.uniform(0.1, 0.8),
    }


def _hat(X: Array, penalty: float) -> Array:
    return X @ np.linalg.solve(X.T @ X + penalty * np.eye(X.shape[1]), X.T)


def _left_out(X: Array, y: Array, penalty: float) -> Array:
    """Left-out residuals, with a number on the diagonal of X^T X."""
    H = _hat(X, penalty)
    return (y - H @ y) / (1 - np.diag(H))


# assessment-paired


def _losses(rng: np.random.Generator) -> Arguments:
    m = int(rng.integers(15, 40))
    hard = rng.exponential(size=m)
    return {
        "losses_a": hard + 0.3 * rng.exponential(size=m),
        "losses_b": hard + 0.5 * rng.exponential(size=m),
    }


@exercise("assessment-paired", _losses, returns=("the difference", "its standard error"))
def assessment_paired(losses_a: Array, losses_b: Array) -> tuple[float, float]:
    """Difference of two mean losses on the same samples, with its standard error."""
    difference = losses_a - losses_b
    return float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(len(difference)))


@assessment_paired.mistake(
    "The standard error is that of two independent test sets. On the same samples the "
    "covariance counts: take the standard deviation of the differences."
)
def _paired_unpaired(losses_a: Array, losses_b: Array) -> tuple[float, float]:
    m = len(losses_a)
    variance = losses_a.var(ddof=1) + losses_b.var(ddof=1)
    return float(np.mean(losses_a - losses_b)), float(np.sqrt(variance / m))


@assessment_paired.mistake(
    "The difference is right. The second number is the standard deviation of a single difference; "
    "that of the mean of all is smaller by the root of n, the number of samples."
)
def _paired_one(losses_a: Array, losses_b: Array) -> tuple[float, float]:
    d = losses_a - losses_b
    return float(d.mean()), float(d.std(ddof=1))


@assessment_paired.mistake(
    "The variance is divided by m, and the exercise asks for m - 1: NumPy's std has ddof=0 unless "
    "it is told."
)
def _paired_m(losses_a: Array, losses_b: Array) -> tuple[float, float]:
    d = losses_a - losses_b
    return float(d.mean()), float(d.std() / np.sqrt(len(d)))


@assessment_paired.mistake(
    "The second number is the variance of the mean difference: its root is the standard error."
)
def _paired_variance(losses_a: Array, losses_b: Array) -> tuple[float, float]:
    d = losses_a - losses_b
    return float(d.mean()), float(d.var(ddof=1) / len(d))


@assessment_paired.mistake(
    "The difference has the wrong sign: it is the loss of the first model minus that of the second."
)
def _paired_sign(losses_a: Array, losses_b: Array) -> tuple[float, float]:
    difference, bar = assessment_paired.reference(losses_a, losses_b)
    return -difference, bar


# assessment-loo


@exercise("assessment-loo", _regression, returns="the left-out residuals")
def assessment_loo(X: Array, y: Array, lam: float) -> Array:
    """Left-out residuals of ridge at fixed n lambda."""
    return _left_out(X, y, len(y) * lam)


@assessment_loo.mistake(
    "These are the plain residuals: divide each by one minus its leverage, h_ii."
)
def _loo_plain(X: Array, y: Array, lam: float) -> Array:
    return y - _hat(X, len(y) * lam) @ y


@assessment_loo.mistake(
    "The penalty beside X^T X is n lambda, and here it is lambda: a factor n is missing."
)
def _loo_without_n(X: Array, y: Array, lam: float) -> Array:
    return _left_out(X, y, lam)


@assessment_loo.mistake(
    "All residuals are divided by the same number, one minus the mean leverage. That is what "
    "generalised cross-validation does; here each sample has its own h_ii."
)
def _loo_mean(X: Array, y: Array, lam: float) -> Array:
    H = _hat(X, len(y) * lam)
    return (y - H @ y) / (1 - np.mean(np.diag(H)))


@assessment_loo.mistake("The sign before the leverage is wrong: divide by 1 - h_ii, not 1 + h_ii.")
def _loo_plus(X: Array, y: Array, lam: float) -> Array:
    H = _hat(X, len(y) * lam)
    return (y - H @ y) / (1 + np.diag(H))


@assessment_loo.mistake(
    "These are the left-out residuals for the same lambda with n - 1 samples. The exercise asks "
    "for fixed n lambda: the fit to all samples has its own penalty."
)
def _loo_same(X: Array, y: Array, lam: float) -> Array:
    return _left_out(X, y, (len(y) - 1) * lam)


@assessment_loo.mistake(
    "This is right for least squares: the penalty has no effect, neither on the residuals nor on "
    "the leverages."
)
def _loo_ols(X: Array, y: Array, lam: float) -> Array:
    return _left_out(X, y, 0.0)


# assessment-same-lambda


@exercise("assessment-same-lambda", _regression, returns="the left-out residuals")
def assessment_same_lambda(X: Array, y: Array, lam: float) -> Array:
    """Left-out residuals where the fits to n - 1 samples have the penalty lambda."""
    return _left_out(X, y, (len(y) - 1) * lam)


@assessment_same_lambda.mistake(
    "This is the shortcut at fixed n lambda, whose small fits have the penalty "
    "n lambda / (n - 1). Which number stands beside X^T X in a fit to n - 1 samples?"
)
def _same_n(X: Array, y: Array, lam: float) -> Array:
    return _left_out(X, y, len(y) * lam)


@assessment_same_lambda.mistake(
    "The number beside X^T X is n lambda + lambda here. In a fit to n - 1 samples it is "
    "(n - 1) lambda."
)
def _same_plus(X: Array, y: Array, lam: float) -> Array:
    return _left_out(X, y, (len(y) + 1) * lam)


@assessment_same_lambda.mistake(
    "The penalty beside X^T X is lambda alone: the number of samples is missing, n - 1 of them."
)
def _same_without_n(X: Array, y: Array, lam: float) -> Array:
    return _left_out(X, y, lam)


@assessment_same_lambda.mistake(
    "The penalty is right. These are the plain residuals: divide each by one minus its leverage."
)
def _same_plain(X: Array, y: Array, lam: float) -> Array:
    return y - _hat(X, (len(y) - 1) * lam) @ y


@assessment_same_lambda.mistake(
    "Residuals and leverages are those of two different fits: both belong to the fit with "
    "(n - 1) lambda."
)
def _same_mixed(X: Array, y: Array, lam: float) -> Array:
    n = len(y)
    return (y - _hat(X, n * lam) @ y) / (1 - np.diag(_hat(X, (n - 1) * lam)))


# assessment-fold


def _folded(rng: np.random.Generator) -> Arguments:
    case = _regression(rng)
    n = len(case["y"])
    return case | {"fold": rng.permutation(n) % int(rng.integers(3, 5))}


def _by_fold(X: Array, y: Array, penalty: float, fold: Array) -> Array:
    H, out = _hat(X, penalty), np.empty(len(y))
    residuals = y - H @ y
    for k in np.unique(fold):
        rows = np.flatnonzero(fold == k)
        out[rows] = np.linalg.solve(np.eye(len(rows)) - H[np.ix_(rows, rows)], residuals[rows])
    return out


@exercise("assessment-fold", _folded, returns="the left-out residuals")
def assessment_fold(X: Array, y: Array, lam: float, fold: Array) -> Array:
    """Residuals of each fold predicted by the fit without it, at fixed n lambda."""
    return _by_fold(X, y, len(y) * lam, fold)


@assessment_fold.mistake(
    "These are the residuals with single samples left out. With a whole fold left out, its "
    "samples help each other: a block of the hat matrix, and not only its diagonal."
)
def _fold_diagonal(X: Array, y: Array, lam: float, fold: Array) -> Array:
    return _left_out(X, y, len(y) * lam)


@assessment_fold.mistake(
    "The penalty beside X^T X is n lambda, and here it is lambda: a factor n is missing."
)
def _fold_without_n(X: Array, y: Array, lam: float, fold: Array) -> Array:
    return _by_fold(X, y, lam, fold)


@assessment_fold.mistake("These are the plain residuals: nothing has been left out.")
def _fold_plain(X: Array, y: Array, lam: float, fold: Array) -> Array:
    return y - _hat(X, len(y) * lam) @ y


@assessment_fold.mistake(
    "The residuals are multiplied by I - H_FF. They should be divided: solve the system."
)
def _fold_multiplied(X: Array, y: Array, lam: float, fold: Array) -> Array:
    H, out = _hat(X, len(y) * lam), np.empty(len(y))
    e = y - H @ y
    for k in np.unique(fold):
        rows = np.flatnonzero(fold == k)
        out[rows] = e[rows] - H[np.ix_(rows, rows)] @ e[rows]
    return out


@assessment_fold.mistake("The sign before the block is wrong: the matrix is I - H_FF.")
def _fold_plus(X: Array, y: Array, lam: float, fold: Array) -> Array:
    H, out = _hat(X, len(y) * lam), np.empty(len(y))
    e = y - H @ y
    for k in np.unique(fold):
        rows = np.flatnonzero(fold == k)
        out[rows] = np.linalg.solve(np.eye(len(rows)) + H[np.ix_(rows, rows)], e[rows])
    return out


@assessment_fold.mistake(
    "These are refits with the same lambda. The exercise keeps n lambda fixed, with the n of all "
    "samples, also in the fits without a fold."
)
def _fold_same(X: Array, y: Array, lam: float, fold: Array) -> Array:
    out = np.empty(len(y))
    for k in np.unique(fold):
        rest = fold != k
        A = X[rest].T @ X[rest] + np.sum(rest) * lam * np.eye(X.shape[1])
        out[~rest] = y[~rest] - X[~rest] @ np.linalg.solve(A, X[rest].T @ y[rest])
    return out


# assessment-gcv


def _penalties(rng: np.random.Generator) -> Arguments:
    case = _regression(rng)
    lams = np.sort(rng.uniform(0.01, 2, size=int(rng.integers(6, 10))))
    return {"X": case["X"], "y": case["y"], "lams": lams}


def _gcv(
    X: Array, y: Array, penalties: Array, power: int = 2, sign: float = 1, outside: bool = True
) -> Array:
    U, d, _ = np.linalg.svd(X, full_matrices=False)
    n, b = len(y), U.T @ y
    f = d**2 / (d**2 + penalties[:, np.newaxis])
    squares = np.sum(((1 - f) * b) ** 2, axis=1) + outside * (y @ y - b @ b)
    return squares / n / (1 - sign * f.sum(axis=1) / n) ** power


@exercise("assessment-gcv", _penalties, returns="the curve")
def assessment_gcv(X: Array, y: Array, lams: Array) -> Array:
    """Generalised cross-validation for several penalties."""
    return _gcv(X, y, len(y) * lams)


@assessment_gcv.mistake("The denominator is squared: (1 - df/n)^2. Here the square is missing.")
def _gcv_linear(X: Array, y: Array, lams: Array) -> Array:
    return _gcv(X, y, len(y) * lams, power=1)


@assessment_gcv.mistake(
    "The filter factors have n lambda beside d^2; here it is lambda, and a factor n is missing."
)
def _gcv_without_n(X: Array, y: Array, lams: Array) -> Array:
    return _gcv(X, y, lams)


@assessment_gcv.mistake(
    "The part of y outside the range of X is missing in the residual: add ||y||^2 - ||U^T y||^2."
)
def _gcv_inside(X: Array, y: Array, lams: Array) -> Array:
    return _gcv(X, y, len(y) * lams, outside=False)


@assessment_gcv.mistake("The sign in the denominator is wrong: it is 1 - df/n.")
def _gcv_plus(X: Array, y: Array, lams: Array) -> Array:
    return _gcv(X, y, len(y) * lams, sign=-1)


@assessment_gcv.mistake(
    "This is the mean squared residual: the division by (1 - df/n)^2 is missing."
)
def _gcv_training(X: Array, y: Array, lams: Array) -> Array:
    return _gcv(X, y, len(y) * lams, power=0)


@assessment_gcv.mistake(
    "This is the mean of the squared left-out residuals, with each sample's own leverage. "
    "Generalised cross-validation has the mean leverage, df/n, for all of them."
)
def _gcv_loo(X: Array, y: Array, lams: Array) -> Array:
    return np.array([np.mean(_left_out(X, y, len(y) * lam) ** 2) for lam in lams])


# assessment-features


def _features(rng: np.random.Generator) -> Arguments:
    """Draw a problem on either side of the threshold: the three data sets have both."""
    beyond = rng.random() < 0.5
    theta = rng.normal(size=int(rng.integers(60, 80)))
    n = int(rng.integers(20, 30))
    p = int(n + rng.integers(5, 25)) if beyond else int(n - rng.integers(4, 12))
    return {"theta": theta, "s": rng.uniform(0.5, 2), "n": n, "p": p}


def _partial(
    theta: Array,
    s: float,
    n: int,
    p: int,
    noisy: float = 1.0,
    added: float = 1.0,
    less: int = 1,
    share: float = 1.0,
) -> float:
    used, omitted = float(np.sum(theta[:p] ** 2)), float(np.sum(theta[p:] ** 2))
    noise = s**2 + noisy * omitted
    if p < n:
        return added * omitted + noise * p / (n - p - less)
    return added * omitted + share * used * (1 - n / p) + noise * n / (p - n - less)


@exercise("assessment-features", _features, returns="the excess risk")
def assessment_features(theta: Array, s: float, n: int, p: int) -> float:
    """Excess risk of a minimum-norm fit to the first p features."""
    return _partial(theta, s, n, p)


@assessment_features.mistake(
    "The omitted features are noise for the fit, but they also remain in the error of the "
    "prediction: add the sum of their squares once more."
)
def _features_not_added(theta: Array, s: float, n: int, p: int) -> float:
    return _partial(theta, s, n, p, added=0.0)


@assessment_features.mistake(
    "The fit sees more noise than s^2: the features that it does not have act as noise of variance "
    "t^2, independent of the others."
)
def _features_clean(theta: Array, s: float, n: int, p: int) -> float:
    return _partial(theta, s, n, p, noisy=0.0)


@assessment_features.mistake(
    "The formula of the theorem is applied as if there were no omitted features at all."
)
def _features_ignored(theta: Array, s: float, n: int, p: int) -> float:
    return _partial(theta, s, n, p, noisy=0.0, added=0.0)


@assessment_features.mistake(
    "The denominator has a 1 less: n - p - 1 below the threshold, p - n - 1 beyond it."
)
def _features_without_one(theta: Array, s: float, n: int, p: int) -> float:
    return _partial(theta, s, n, p, less=0)


@assessment_features.mistake(
    "Beyond the threshold the fit has a bias too: of the used part of theta, the share 1 - n/p is "
    "not seen by the rows."
)
def _features_no_bias(theta: Array, s: float, n: int, p: int) -> float:
    return _partial(theta, s, n, p, share=0.0)


@assessment_features.mistake("The sign of the bias is wrong: 1 - n/p is added.")
def _features_minus(theta: Array, s: float, n: int, p: int) -> float:
    return _partial(theta, s, n, p, share=-1.0)


@assessment_features.mistake(
    "The factor n or p is missing in the variance: each of the p parameters, or of the n rows "
    "beyond the threshold, contributes its share."
)
def _features_without_n(theta: Array, s: float, n: int, p: int) -> float:
    right = _partial(theta, s, n, p)
    noise = s**2 + float(np.sum(theta[p:] ** 2))
    few, spare = min(n, p), abs(n - p) - 1
    return right - noise * few / spare + noise / spare
