"""Checkers for the exercises of the chapter on distances between laws."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


def _two_samples(rng: np.random.Generator) -> Arguments:
    """Draw two samples of different sizes from Gaussians with correlations."""
    p = int(rng.integers(2, 4))
    made = []
    for n in rng.choice(np.arange(12, 30), size=2, replace=False):
        mix = np.eye(p) + 0.5 * rng.normal(size=(p, p))
        made.append(rng.normal(size=(int(n), p)) @ mix + rng.normal(size=p))
    return {"X": made[0], "Y": made[1]}


def _moments(X: Array, ddof: int = 0) -> tuple[Array, Array]:
    return X.mean(axis=0), np.cov(X.T, ddof=ddof)


# toolkit-kl


def _kl(
    X: Array,
    Y: Array,
    ddof: int = 0,
    volume: float = 1.0,
    dimension: float = 1.0,
    first: bool = False,
) -> float:
    (m, S), (k, R) = _moments(X, ddof), _moments(Y, ddof)
    logs = np.linalg.slogdet(R)[1] - np.linalg.slogdet(S)[1]
    shift = (m - k) @ np.linalg.solve(S if first else R, m - k)
    shape = np.trace(np.linalg.solve(R, S)) - dimension * len(m)
    return float((shape + volume * logs + shift) / 2)


@exercise("toolkit-kl", _two_samples, returns="the divergence")
def toolkit_kl(X: Array, Y: Array) -> float:
    """Divergence of the Gaussian fitted to Y from that fitted to X."""
    return _kl(X, Y)


@toolkit_kl.mistake(
    "This is the divergence the other way round: the mean is taken under the Gaussian of X, and "
    "the inverse covariance is that of Y."
)
def _kl_reversed(X: Array, Y: Array) -> float:
    return _kl(Y, X)


@toolkit_kl.mistake(
    "The covariances are divided by n - 1. Maximum likelihood divides by n: use `bias=True`."
)
def _kl_unbiased(X: Array, Y: Array) -> float:
    return _kl(X, Y, ddof=1)


@toolkit_kl.mistake(
    "The sign of the logarithm is wrong: it is log det of the second covariance minus log det of "
    "the first."
)
def _kl_log_sign(X: Array, Y: Array) -> float:
    return _kl(X, Y, volume=-1)


@toolkit_kl.mistake("The dimension has to be subtracted from the trace: tr(S2^-1 S1) - d.")
def _kl_without_dimension(X: Array, Y: Array) -> float:
    return _kl(X, Y, dimension=0)


@toolkit_kl.mistake(
    "The distance of the means is measured with the first covariance; it counts in units of the "
    "second, that of Y."
)
def _kl_first_metric(X: Array, Y: Array) -> float:
    return _kl(X, Y, first=True)


# toolkit-frechet


def _frechet(X: Array, Y: Array, ddof: int = 0, overlap: float = 2.0, root: bool = True) -> float:
    (m, S), (k, R) = _moments(X, ddof), _moments(Y, ddof)
    values = np.linalg.eigvals(S @ R).real
    common = np.sqrt(values).sum() if root else values.sum()
    return float((m - k) @ (m - k) + np.trace(S) + np.trace(R) - overlap * common)


@exercise("toolkit-frechet", _two_samples, returns="the squared distance")
def toolkit_frechet(X: Array, Y: Array) -> float:
    """Squared Wasserstein distance of the Gaussians fitted to two samples."""
    return _frechet(X, Y)


@toolkit_frechet.mistake(
    "The covariances are divided by n - 1. Maximum likelihood divides by n: use `bias=True`."
)
def _frechet_unbiased(X: Array, Y: Array) -> float:
    return _frechet(X, Y, ddof=1)


@toolkit_frechet.mistake(
    "The root is missing: the trace is that of the square root of S1^(1/2) S2 S1^(1/2), a sum of "
    "roots of eigenvalues."
)
def _frechet_without_root(X: Array, Y: Array) -> float:
    return _frechet(X, Y, root=False)


@toolkit_frechet.mistake("The root of the product counts twice: -2 tr(...), and here it is once.")
def _frechet_once(X: Array, Y: Array) -> float:
    return _frechet(X, Y, overlap=1)


@toolkit_frechet.mistake(
    "The sign before the root is wrong: what the two laws have in common makes the distance "
    "smaller."
)
def _frechet_plus(X: Array, Y: Array) -> float:
    return _frechet(X, Y, overlap=-2)


@toolkit_frechet.mistake(
    "Only the diagonals of the covariances are used. The correlations count too: take the "
    "eigenvalues of the product of the two matrices."
)
def _frechet_diagonal(X: Array, Y: Array) -> float:
    gap, s, r = X.mean(axis=0) - Y.mean(axis=0), X.std(axis=0), Y.std(axis=0)
    return float(gap @ gap + (s - r) @ (s - r))


@toolkit_frechet.mistake(
    "This is the distance itself. The Frechet distance is what stands before the root is drawn, "
    "the square of W2."
)
def _frechet_root(X: Array, Y: Array) -> float:
    return float(np.sqrt(_frechet(X, Y)))


@toolkit_frechet.mistake("The squared distance of the means is missing.")
def _frechet_shapes(X: Array, Y: Array) -> float:
    gap = X.mean(axis=0) - Y.mean(axis=0)
    return float(_frechet(X, Y) - gap @ gap)


# toolkit-ratio


def _logits(rng: np.random.Generator) -> Arguments:
    """Draw logits of a classifier that was trained on unequal samples."""
    n_p, n_q = int(rng.integers(50, 150)), int(rng.integers(200, 500))
    prior = np.log(n_p / n_q)
    return {
        "logits_p": prior + rng.normal(0.8, 1, size=int(rng.integers(20, 40))),
        "logits_q": prior + rng.normal(-0.8, 1, size=int(rng.integers(45, 80))),
        "n_p": n_p,
        "n_q": n_q,
    }


def _estimates(
    logits_p: Array, logits_q: Array, prior: float, exponential: Array | None = None
) -> tuple[float, float]:
    on_p, on_q = logits_p - prior, logits_q - prior
    mean = np.mean(np.exp(on_q)) if exponential is None else np.mean(exponential)
    return float(on_p.mean()), float(on_p.mean() - np.log(mean))


@exercise("toolkit-ratio", _logits, returns=("the estimate", "the bound"))
def toolkit_ratio(logits_p: Array, logits_q: Array, n_p: float, n_q: float) -> tuple[float, float]:
    """Plug-in estimate of the divergence and the bound of Donsker and Varadhan."""
    return _estimates(logits_p, logits_q, np.log(n_p / n_q))


@toolkit_ratio.mistake(
    "The bound is right. The estimate still contains the prior odds log(n_p/n_q) of the training "
    "samples: subtract them from the logits."
)
def _ratio_with_prior(
    logits_p: Array, logits_q: Array, n_p: float, n_q: float
) -> tuple[float, float]:
    return _estimates(logits_p, logits_q, 0.0)


@toolkit_ratio.mistake(
    "The prior odds are added with the wrong sign: the logit is the log-ratio plus log(n_p/n_q)."
)
def _ratio_sign(logits_p: Array, logits_q: Array, n_p: float, n_q: float) -> tuple[float, float]:
    return _estimates(logits_p, logits_q, -np.log(n_p / n_q))


@toolkit_ratio.mistake(
    "The prior is taken as a share, n_p/(n_p + n_q). In a logit stand the odds, n_p/n_q."
)
def _ratio_share(logits_p: Array, logits_q: Array, n_p: float, n_q: float) -> tuple[float, float]:
    return _estimates(logits_p, logits_q, np.log(n_p / (n_p + n_q)))


@toolkit_ratio.mistake(
    "The estimate is right. In the bound the exponentials are averaged over samples of p; the "
    "second mean is taken over samples of q."
)
def _ratio_same_law(
    logits_p: Array, logits_q: Array, n_p: float, n_q: float
) -> tuple[float, float]:
    prior = np.log(n_p / n_q)
    return _estimates(logits_p, logits_q, prior, np.exp(logits_p - prior))


@toolkit_ratio.mistake(
    "The estimate is right. The second number is the other bound, with E e^t - 1 in the place of "
    "log E e^t."
)
def _ratio_other_bound(
    logits_p: Array, logits_q: Array, n_p: float, n_q: float
) -> tuple[float, float]:
    prior = np.log(n_p / n_q)
    on_p, on_q = logits_p - prior, logits_q - prior
    return float(on_p.mean()), float(on_p.mean() - np.mean(np.exp(on_q)) + 1)


@toolkit_ratio.mistake(
    "The estimate is right. In the bound the exponentials are summed and not averaged: a factor n, "
    "the number of samples of q, stands within the logarithm."
)
def _ratio_sum(logits_p: Array, logits_q: Array, n_p: float, n_q: float) -> tuple[float, float]:
    prior = np.log(n_p / n_q)
    on_q = np.exp(logits_q - prior)
    return _estimates(logits_p, logits_q, prior, on_q * len(on_q))


# toolkit-score-matching


def _positions(rng: np.random.Generator) -> Arguments:
    """Draw positions around two wells, tilted a little."""
    n = int(rng.integers(60, 120))
    wells = rng.choice([-1.0, 1.0], size=n, p=[0.6, 0.4])
    return {"x": wells + 0.4 * rng.normal(size=n) + 0.1}


def _matched(x: Array, sign: float = -1.0, bend: float = 1.0, sums: bool = False) -> Array:
    slope = np.stack([np.ones_like(x), 2 * x, 4 * x**3])
    second = bend * np.stack([0 * x, 2 + 0 * x, 12 * x**2])
    G = slope @ slope.T / (1 if sums else len(x))
    return np.linalg.solve(G, sign * second.mean(axis=1))


@exercise("toolkit-score-matching", _positions, returns="theta")
def toolkit_score_matching(x: Array) -> Array:
    """Minimiser of the score-matching cost of a quartic exponential family."""
    return _matched(x)


@toolkit_score_matching.mistake(
    "The sign is wrong: the gradient G theta + g vanishes at theta = -G^-1 g. As it stands, the "
    "density grows at large x."
)
def _matched_sign(x: Array) -> Array:
    return _matched(x, sign=1.0)


@toolkit_score_matching.mistake(
    "Half of the right answer: the square in the cost has a factor 1/2, which its derivative uses "
    "up."
)
def _matched_half(x: Array) -> Array:
    return _matched(x, bend=0.5)


@toolkit_score_matching.mistake(
    "G is a sum and g a mean: a factor n is between them. Divide both by n or neither."
)
def _matched_sums(x: Array) -> Array:
    return _matched(x, sums=True)


@toolkit_score_matching.mistake(
    "The features themselves stand in the place of their derivatives. The score is the slope of "
    "the log-density: 1, 2x and 4x^3."
)
def _matched_features(x: Array) -> Array:
    features = np.stack([x, x**2, x**4])
    bend = np.array([0.0, 2.0, 12 * np.mean(x**2)])
    return np.linalg.solve(features @ features.T / len(x), -bend)


@toolkit_score_matching.mistake(
    "The second derivative of x^4 is 12 x^2, and its mean is taken over the data."
)
def _matched_bend(x: Array) -> Array:
    slope = np.stack([np.ones_like(x), 2 * x, 4 * x**3])
    return np.linalg.solve(slope @ slope.T / len(x), -np.array([0.0, 2.0, 12.0]))


# toolkit-mean-field


def _magnet(rng: np.random.Generator) -> Arguments:
    """Draw couplings, fields, a temperature and trial magnetisations."""
    n = int(rng.integers(4, 9))
    J = rng.normal(size=(n, n))
    J = J + J.T
    np.fill_diagonal(J, 0)
    return {
        "m": rng.uniform(-0.8, 0.8, size=n),
        "J": J,
        "h": rng.normal(size=n),
        "tau": float(rng.uniform(0.5, 3)),
    }


def _magnet_energy(
    m: Array,
    J: Array,
    h: Array,
    tau: float,
    half: float = 0.5,
    slope: float = 1.0,
    entropy: float = 1.0,
    field: float = 1.0,
) -> tuple[float, Array]:
    up, down = (1 + m) / 2, (1 - m) / 2
    s = -np.sum(up * np.log(up) + down * np.log(down))
    value = -half * m @ J @ m - field * h @ m - entropy * tau * s
    return float(value), -slope * J @ m - field * h + entropy * tau * np.arctanh(m)


@exercise("toolkit-mean-field", _magnet, returns=("the free energy", "its gradient"))
def toolkit_mean_field(m: Array, J: Array, h: Array, tau: float) -> tuple[float, Array]:
    """Mean-field free energy and its gradient by the magnetisations."""
    return _magnet_energy(m, J, h, tau)


@toolkit_mean_field.mistake(
    "Each bond is counted twice: the energy has a factor 1/2 before the double sum, and it is "
    "missing from the free energy."
)
def _magnet_twice(m: Array, J: Array, h: Array, tau: float) -> tuple[float, Array]:
    return _magnet_energy(m, J, h, tau, half=1.0)


@toolkit_mean_field.mistake(
    "The free energy is right. In the gradient the two equal factors of m give a factor 2, which "
    "cancels the 1/2: J m, and not J m/2."
)
def _magnet_half_slope(m: Array, J: Array, h: Array, tau: float) -> tuple[float, Array]:
    return _magnet_energy(m, J, h, tau, slope=0.5)


@toolkit_mean_field.mistake(
    "The sign of the entropy is wrong: the free energy is the energy minus temperature times "
    "entropy, and the entropy is positive."
)
def _magnet_entropy(m: Array, J: Array, h: Array, tau: float) -> tuple[float, Array]:
    return _magnet_energy(m, J, h, tau, entropy=-1.0)


@toolkit_mean_field.mistake("The sign of the field is wrong: the energy contains -h^T s.")
def _magnet_field(m: Array, J: Array, h: Array, tau: float) -> tuple[float, Array]:
    return _magnet_energy(m, J, h, tau, field=-1.0)


@toolkit_mean_field.mistake(
    "Both are divided by tau, as in log-probabilities. A free energy is an energy: multiply by tau."
)
def _magnet_over_tau(m: Array, J: Array, h: Array, tau: float) -> tuple[float, Array]:
    value, gradient = _magnet_energy(m, J, h, tau)
    return value / tau, gradient / tau


@toolkit_mean_field.mistake(
    "Both are taken per spin, divided by n. The exercise asks for the whole free energy."
)
def _magnet_per_spin(m: Array, J: Array, h: Array, tau: float) -> tuple[float, Array]:
    value, gradient = _magnet_energy(m, J, h, tau)
    return value / len(m), gradient / len(m)
