"""Checkers for the exercises of the chapter on judging samples."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


# judging-frechet


def _clouds(rng: np.random.Generator) -> Arguments:
    p = int(rng.integers(2, 5))
    X = rng.normal(size=(int(rng.integers(8, 14)), p)) @ rng.normal(size=(p, p))
    Y = rng.normal(size=(int(rng.integers(15, 20)), p)) @ rng.normal(size=(p, p))
    return {"X": X, "Y": Y + rng.normal(size=p)}


def _parts(X: Array, Y: Array, ddof: int = 1) -> tuple[float, float, float]:
    """Return the squared distance of the means, both traces, and the trace of the root."""
    S, T = (np.cov(Z.T, ddof=ddof) for Z in (X, Y))
    apart = X.mean(axis=0) - Y.mean(axis=0)
    shared = np.sqrt(np.linalg.eigvals(S @ T).real.clip(0)).sum()
    return float(apart @ apart), float(np.trace(S) + np.trace(T)), float(shared)


@exercise("judging-frechet", _clouds, returns="the distance")
def judging_frechet(X: Array, Y: Array) -> float:
    """Frechet distance of two samples."""
    means, traces, shared = _parts(X, Y)
    return means + traces - 2 * shared


@judging_frechet.mistake("The covariances are divided by n; the exercise asks for n - 1.")
def _frechet_n(X: Array, Y: Array) -> float:
    means, traces, shared = _parts(X, Y, ddof=0)
    return means + traces - 2 * shared


@judging_frechet.mistake(
    "The factor 2 before the root is missing: for S = T the trace must vanish."
)
def _frechet_without_2(X: Array, Y: Array) -> float:
    means, traces, shared = _parts(X, Y)
    return means + traces - shared


@judging_frechet.mistake(
    "The root is added and should be subtracted: for S = T the trace must vanish."
)
def _frechet_plus(X: Array, Y: Array) -> float:
    means, traces, shared = _parts(X, Y)
    return means + traces + 2 * shared


@judging_frechet.mistake("The distance of the means has to be squared.")
def _frechet_norm(X: Array, Y: Array) -> float:
    means, traces, shared = _parts(X, Y)
    return np.sqrt(means) + traces - 2 * shared


@judging_frechet.mistake("The distance of the means is missing.")
def _frechet_without_means(X: Array, Y: Array) -> float:
    return _parts(X, Y)[1] - 2 * _parts(X, Y)[2]


@judging_frechet.mistake(
    "This is the root of the answer: the Fréchet distance is the square of a Wasserstein distance."
)
def _frechet_root(X: Array, Y: Array) -> float:
    return float(np.sqrt(judging_frechet.reference(X, Y)))


@judging_frechet.mistake(
    "Only the diagonals of the covariances are used. The root is one of matrices: "
    "np.sqrt takes the root of each entry."
)
def _frechet_diagonal(X: Array, Y: Array) -> float:
    apart = X.mean(axis=0) - Y.mean(axis=0)
    return float(apart @ apart + np.sum((X.std(axis=0, ddof=1) - Y.std(axis=0, ddof=1)) ** 2))


# judging-mmd


def _kernels(rng: np.random.Generator) -> Arguments:
    X = rng.normal(size=(int(rng.integers(6, 9)), 2))
    Y = 0.7 + rng.normal(size=(int(rng.integers(10, 13)), 2))

    def k(A: Array, B: Array) -> Array:
        return np.exp(-((A[:, np.newaxis] - B) ** 2).sum(axis=2))

    return {"K": k(X, X), "L": k(Y, Y), "M": k(X, Y)}


def _off(K: Array) -> float:
    return float(K.sum() - np.trace(K))


def _pairs(K: Array) -> int:
    return len(K) * (len(K) - 1)


@exercise("judging-mmd", _kernels, returns="the estimate")
def judging_mmd(K: Array, L: Array, M: Array) -> float:
    """Unbiased squared maximum mean discrepancy."""
    return _off(K) / _pairs(K) + _off(L) / _pairs(L) - 2 * M.mean()


@judging_mmd.mistake(
    "The diagonals are still there: the pairs of a sample with itself make the estimate biased."
)
def _mmd_biased(K: Array, L: Array, M: Array) -> float:
    return K.mean() + L.mean() - 2 * M.mean()


@judging_mmd.mistake(
    "Without the diagonals there are n(n - 1) terms, not n^2: divide by their number."
)
def _mmd_squares(K: Array, L: Array, M: Array) -> float:
    return _off(K) / K.size + _off(L) / L.size - 2 * M.mean()


@judging_mmd.mistake("The diagonals are in the sums, which are divided by n(n - 1).")
def _mmd_sums(K: Array, L: Array, M: Array) -> float:
    return K.sum() / _pairs(K) + L.sum() / _pairs(L) - 2 * M.mean()


@judging_mmd.mistake(
    "The factor 2 before the mixed pairs is missing: x with y and y with x are both there."
)
def _mmd_without_2(K: Array, L: Array, M: Array) -> float:
    return _off(K) / _pairs(K) + _off(L) / _pairs(L) - M.mean()


@judging_mmd.mistake("The mixed pairs are added and should be subtracted.")
def _mmd_plus(K: Array, L: Array, M: Array) -> float:
    return _off(K) / _pairs(K) + _off(L) / _pairs(L) + 2 * M.mean()


@judging_mmd.mistake(
    "Each pair within a set is counted once in the sum and twice in the number of terms: "
    "a factor 2 is missing."
)
def _mmd_half(K: Array, L: Array, M: Array) -> float:
    return (_off(K) / _pairs(K) + _off(L) / _pairs(L)) / 2 - 2 * M.mean()


# judging-memorisation


def _copier(rng: np.random.Generator) -> Arguments:
    n, m, p = int(rng.integers(20, 25)), int(rng.integers(30, 40)), int(rng.integers(2, 4))
    train, held_out, samples = (rng.normal(size=(size, p)) for size in (n, n, m))
    samples[: m // 2] = train[rng.integers(n, size=m // 2)] + 1e-3 * rng.normal(size=(m // 2, p))
    return {"samples": samples, "train": train, "held_out": held_out}


def _distances(X: Array, data: Array) -> Array:
    return np.sqrt(((X[:, np.newaxis] - data) ** 2).sum(axis=2))


def _memorised(samples: Array, train: Array, held_out: Array) -> Array:
    """Say which samples are nearer to the training set."""
    return _distances(samples, train).min(axis=1) < _distances(samples, held_out).min(axis=1)


@exercise("judging-memorisation", _copier, returns="the share")
def judging_memorisation(samples: Array, train: Array, held_out: Array) -> float:
    """Share of copies that would explain the memorisation share."""
    return 2 * float(_memorised(samples, train, held_out).mean()) - 1


@judging_memorisation.mistake(
    "This is M itself. Honest samples give one half of it: solve M = (1 + c)/2 for c."
)
def _copied_share(samples: Array, train: Array, held_out: Array) -> float:
    return float(_memorised(samples, train, held_out).mean())


@judging_memorisation.mistake("The equation M = (1 + c)/2 has been solved for the wrong side.")
def _copied_half(samples: Array, train: Array, held_out: Array) -> float:
    return (1 + float(_memorised(samples, train, held_out).mean())) / 2


@judging_memorisation.mistake("This counts samples: divide by their number to get a share.")
def _copied_count(samples: Array, train: Array, held_out: Array) -> float:
    nearer = _memorised(samples, train, held_out)
    return 2 * float(nearer.sum()) - len(nearer)


@judging_memorisation.mistake(
    "The mean distances to the two sets are compared; the nearest neighbours should be."
)
def _copied_mean(samples: Array, train: Array, held_out: Array) -> float:
    near = _distances(samples, train).mean(axis=1) < _distances(samples, held_out).mean(axis=1)
    return 2 * float(near.mean()) - 1


@judging_memorisation.mistake(
    "The roles are exchanged: this asks for each training datum whether a sample is nearer to it "
    "than a held-out datum is."
)
def _copied_turned(samples: Array, train: Array, held_out: Array) -> float:
    return 2 * float(_memorised(train, samples, held_out).mean()) - 1


# judging-dequantised


def _densities(rng: np.random.Generator) -> Arguments:
    shape = int(rng.integers(4, 7)), int(rng.integers(8, 11))
    return {
        "log_q": rng.normal(20, 3, size=shape),
        "levels": int(rng.integers(5, 40)),
        "pixels": int(rng.integers(12, 30)),
    }


@exercise("judging-dequantised", _densities, returns="the nats of each picture")
def judging_dequantised(log_q: Array, levels: int, pixels: int) -> Array:
    """Bound of the negative log-probability of each picture."""
    return pixels * np.log(levels) - log_q.mean(axis=0)


@judging_dequantised.mistake(
    "The change of units is missing: the cell of an integer has the volume levels^(-pixels)."
)
def _nats_without_cell(log_q: Array, levels: int, pixels: int) -> Array:
    return -log_q.mean(axis=0)


@judging_dequantised.mistake(
    "Every pixel contributes its log levels: a factor, the number of pixels, is missing."
)
def _nats_of_one_pixel(log_q: Array, levels: int, pixels: int) -> Array:
    return np.log(levels) - log_q.mean(axis=0)


@judging_dequantised.mistake(
    "The sign of the change of units is wrong: small cells hold little probability, so that "
    "many levels cost nats."
)
def _nats_minus(log_q: Array, levels: int, pixels: int) -> Array:
    return -pixels * np.log(levels) - log_q.mean(axis=0)


@judging_dequantised.mistake(
    "This is the logarithm of the mean. The bound is the mean of the logarithms."
)
def _nats_of_mean(log_q: Array, levels: int, pixels: int) -> Array:
    top = log_q.max(axis=0)
    return pixels * np.log(levels) - top - np.log(np.exp(log_q - top).mean(axis=0))


@judging_dequantised.mistake("This is in bits per pixel: leave nats per picture.")
def _nats_in_bits(log_q: Array, levels: int, pixels: int) -> Array:
    return judging_dequantised.reference(log_q, levels, pixels) / (pixels * np.log(2))


@judging_dequantised.mistake(
    "The draws of the noise are summed: their mean is asked for, so divide by their number."
)
def _nats_summed(log_q: Array, levels: int, pixels: int) -> Array:
    return pixels * np.log(levels) - log_q.sum(axis=0)
