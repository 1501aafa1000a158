"""Checkers for the exercises of the chapter on convolution and symmetry."""

import numpy as np

from dlmath.exercises.framework import Arguments, exercise

Array = np.ndarray


# convolution-deconvolve


def _blurred(rng: np.random.Generator) -> Arguments:
    """Draw a signal and a kernel whose transform stays away from zero."""
    N = int(rng.integers(7, 20))
    w = np.zeros(N)
    w[[0, 1, 2, N - 1]] = [2.0, *rng.uniform(0.1, 0.5, 3)]
    return {"y": rng.normal(size=N) + 1, "w": w}


def _waves(y: Array) -> Array:
    return np.fft.fft(y)


@exercise("convolution-deconvolve", _blurred, returns="x")
def convolution_deconvolve(y: Array, w: Array) -> Array:
    """Divide each wave by what the kernel has made of it."""
    return np.fft.ifft(_waves(y) / _waves(w)).real


@convolution_deconvolve.mistake(
    "The waves are divided by the complex conjugate of w-hat: that undoes the correlation with w, "
    "and the signal was convolved."
)
def _deconvolve_correlation(y: Array, w: Array) -> Array:
    return np.fft.ifft(_waves(y) / _waves(w).conj()).real


@convolution_deconvolve.mistake("This blurs once more: divide by w-hat instead of multiplying.")
def _deconvolve_twice(y: Array, w: Array) -> Array:
    return np.fft.ifft(_waves(y) * _waves(w)).real


@convolution_deconvolve.mistake(
    "Here only the size of w-hat is used. It has a phase, too, which moves each wave."
)
def _deconvolve_modulus(y: Array, w: Array) -> Array:
    return np.fft.ifft(_waves(y) / np.abs(_waves(w))).real


@convolution_deconvolve.mistake(
    "The sites come out in reverse order, and n times too large: the way back is np.fft.ifft, "
    "not a second np.fft.fft."
)
def _deconvolve_forward(y: Array, w: Array) -> Array:
    return np.fft.fft(_waves(y) / _waves(w)).real


# convolution-kernel-gradient


def _taps(rng: np.random.Generator) -> Arguments:
    n, N, k = int(rng.integers(4, 9)), int(rng.integers(10, 14)), int(rng.integers(2, 5))
    X = rng.normal(size=(n, N)) + 0.5
    return {"X": X, "Y": rng.normal(size=(n, N)), "w": rng.normal(size=k)}


def _gradient(X: Array, Y: Array, w: Array, forward: int = -1, backward: int = -1) -> Array:
    """Return the derivative with shifts of the given signs in both passes."""
    Z = sum(tap * np.roll(X, forward * u, axis=1) for u, tap in enumerate(w))
    Delta = 2 / len(X) * (Z - Y)
    return np.array([np.sum(np.roll(X, backward * u, axis=1) * Delta) for u in range(len(w))])


@exercise("convolution-kernel-gradient", _taps, returns="the gradient")
def convolution_kernel_gradient(X: Array, Y: Array, w: Array) -> Array:
    """Correlation of input and derivative."""
    return _gradient(X, Y, w)


@convolution_kernel_gradient.mistake(
    "The forward pass is right, but the derivative is taken with x_{i-u}: the weight w_u has "
    "multiplied x_{i+u}."
)
def _gradient_flipped(X: Array, Y: Array, w: Array) -> Array:
    return _gradient(X, Y, w, backward=1)


@convolution_kernel_gradient.mistake(
    "This is the gradient for the convolution, with x_{i-u}; the layer here correlates, with "
    "x_{i+u}. np.roll(X, -u, axis=1) has x_{i+u} at the place i."
)
def _gradient_convolution(X: Array, Y: Array, w: Array) -> Array:
    return _gradient(X, Y, w, forward=1, backward=1)


@convolution_kernel_gradient.mistake(
    "This is a mean over the sites. One weight acts at all sites, and its derivative is the sum "
    "over them; only the samples come with a 1/n."
)
def _gradient_mean(X: Array, Y: Array, w: Array) -> Array:
    return _gradient(X, Y, w) / X.shape[1]


@convolution_kernel_gradient.mistake(
    "The 1/n of the cost is missing: this is the gradient of the sum over the samples."
)
def _gradient_sum(X: Array, Y: Array, w: Array) -> Array:
    return len(X) * _gradient(X, Y, w)


@convolution_kernel_gradient.mistake("The square has left a factor 2, which is missing.")
def _gradient_half(X: Array, Y: Array, w: Array) -> Array:
    return _gradient(X, Y, w) / 2


# convolution-transposed


def _strided(rng: np.random.Generator) -> Arguments:
    r, sites, k = int(rng.integers(2, 4)), int(rng.integers(4, 7)), int(rng.integers(3, 5))
    return {"delta": rng.normal(size=sites), "w": rng.normal(size=k), "N": r * sites}


def _spread(delta: Array, N: int) -> Array:
    spread = np.zeros(N)
    spread[:: N // len(delta)] = delta
    return spread


@exercise("convolution-transposed", _strided, returns="the derivative")
def convolution_transposed(delta: Array, w: Array, N: int) -> Array:
    """Zeros between the entries, then the convolution."""
    spread = _spread(delta, N)
    return np.sum([tap * np.roll(spread, u) for u, tap in enumerate(w)], axis=0)


@convolution_transposed.mistake(
    "The kernel lies the wrong way round: this correlates, as the forward pass does. Backwards "
    "the derivative at r i goes to r i + u, so the sign of the shift is the other one."
)
def _transposed_correlation(delta: Array, w: Array, N: int) -> Array:
    spread = _spread(delta, N)
    return np.sum([tap * np.roll(spread, -u) for u, tap in enumerate(w)], axis=0)


@convolution_transposed.mistake(
    "Each delta is repeated r times. The outputs that were not computed have no derivative: put "
    "zeros between, not copies."
)
def _transposed_repeated(delta: Array, w: Array, N: int) -> Array:
    repeated = np.repeat(delta, N // len(delta))
    return np.sum([tap * np.roll(repeated, u) for u, tap in enumerate(w)], axis=0)


@convolution_transposed.mistake(
    "This is divided by the number of entries of w. The derivative is a sum over all ways by which "
    "x has entered, not a mean."
)
def _transposed_mean(delta: Array, w: Array, N: int) -> Array:
    spread = _spread(delta, N)
    return np.mean([tap * np.roll(spread, u) for u, tap in enumerate(w)], axis=0)


@convolution_transposed.mistake(
    "What goes beyond the end has been lost. The sites form a ring: it comes in at the beginning."
)
def _transposed_open(delta: Array, w: Array, N: int) -> Array:
    return np.convolve(_spread(delta, N), w)[:N]


# convolution-average


def _pictures(rng: np.random.Generator) -> Arguments:
    n, N, M = int(rng.integers(5, 9)), int(rng.integers(3, 5)), int(rng.integers(5, 7))
    w = rng.normal(size=(N, M))
    return {"X": rng.normal(size=(n, N, M)), "w": w, "b": rng.uniform(0.2, 0.8)}


def _scores(X: Array, w: Array) -> Array:
    """Return the linear part for all translations, of shape (translations, samples)."""
    places = np.ndindex(X.shape[1:])
    return np.array([np.sum(np.roll(X, at, axis=(1, 2)) * w, axis=(1, 2)) for at in places])


@exercise("convolution-average", _pictures, returns="the averages")
def convolution_average(X: Array, w: Array, b: float) -> Array:
    """Mean over all translations of the unit's value."""
    return np.maximum(_scores(X, w) + b, 0).mean(axis=0)


@convolution_average.mistake(
    "This is the sum over the translations: divide by their number, rows times columns."
)
def _average_sum(X: Array, w: Array, b: float) -> Array:
    return np.maximum(_scores(X, w) + b, 0).sum(axis=0)


@convolution_average.mistake(
    "The relu stands outside the mean. Average the values of the unit, not what goes into it: "
    "the mean of the linear part knows only the mean grey."
)
def _average_inside(X: Array, w: Array, b: float) -> Array:
    return np.maximum(_scores(X, w).mean(axis=0) + b, 0)


@convolution_average.mistake("The bias is missing: it belongs inside the relu.")
def _average_without_bias(X: Array, w: Array, b: float) -> Array:
    return np.maximum(_scores(X, w), 0).mean(axis=0)


@convolution_average.mistake(
    "The bias is added after the relu, or to the mean. It belongs inside the relu."
)
def _average_bias_outside(X: Array, w: Array, b: float) -> Array:
    return np.maximum(_scores(X, w), 0).mean(axis=0) + b


@convolution_average.mistake(
    "Only the shifts along the rows are averaged, or only those along the columns. The group has "
    "all pairs of both."
)
def _average_columns(X: Array, w: Array, b: float) -> Array:
    scores = _scores(X, w).reshape(*X.shape[1:], len(X))
    return np.maximum(scores[0] + b, 0).mean(axis=0)


@convolution_average.mistake(
    "The value is not averaged at all: this is the unit on the pictures as they are."
)
def _average_nothing(X: Array, w: Array, b: float) -> Array:
    return np.maximum(_scores(X, w)[0] + b, 0)


@convolution_average.mistake("The bias has the wrong sign: it is added to the sum.")
def _average_minus(X: Array, w: Array, b: float) -> Array:
    return np.maximum(_scores(X, w) - b, 0).mean(axis=0)


# convolution-sets


def _square(rng: np.random.Generator) -> Arguments:
    N = int(rng.integers(4, 9))
    return {"A": rng.normal(size=(N, N)) + 2 * np.eye(N) + rng.uniform(0.5, 1)}


def _means(A: Array) -> tuple[float, float]:
    """Return the means on the diagonal and beside it."""
    N, trace = len(A), float(np.trace(A))
    return trace / N, float(A.sum() - trace) / (N * (N - 1))


@exercise("convolution-sets", _square, returns=("a", "b"))
def convolution_sets(A: Array) -> tuple[float, float]:
    """Differences and multiples of the two means."""
    on, off = _means(A)
    return on - off, len(A) * off


@convolution_sets.mistake(
    "b is the mean of the elements beside the diagonal, and these elements are b/N: a factor "
    "n is missing, the number of inputs."
)
def _sets_without_n(A: Array) -> tuple[float, float]:
    on, off = _means(A)
    return on - off, off


@convolution_sets.mistake(
    "a is the mean of the diagonal. The second matrix has b/N on the diagonal, too: subtract it."
)
def _sets_not_subtracted(A: Array) -> tuple[float, float]:
    on, off = _means(A)
    return on, len(A) * off


@convolution_sets.mistake(
    "b is built from the mean of all elements. Those on the diagonal are fitted by a as well: "
    "take the mean of the n (n - 1) others."
)
def _sets_all_elements(A: Array) -> tuple[float, float]:
    on, everything = _means(A)[0], float(A.mean())
    return on - everything, len(A) * everything


@convolution_sets.mistake(
    "a is the trace without the division by n: the mean of the diagonal is meant, minus b/N."
)
def _sets_trace(A: Array) -> tuple[float, float]:
    on, off = _means(A)
    return len(A) * on - off, len(A) * off


@convolution_sets.mistake(
    "The sign of what is subtracted is wrong: a + b/N is the mean of the diagonal, so a is that "
    "mean minus b/N."
)
def _sets_plus(A: Array) -> tuple[float, float]:
    on, off = _means(A)
    return on + off, len(A) * off
