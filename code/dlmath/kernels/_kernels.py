"""Positive semi-definite kernels, their sums and products, and the pullbacks of their gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, is_dataclass, replace
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.utils import check_array

Array = np.ndarray
Pullback = Callable[[Array], Array]
BOUNDS = (1e-5, 1e5)


class Kernel:
    """A function k(x, z) whose matrices are symmetric and positive semi-definite.

    A kernel of your own is a subclass with a method ``_matrix(X, Z)``, and nothing else if it has
    no hyperparameters to fit. In ``_matrix``, ``Z`` is None for the matrix of ``X`` with itself.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ()

    def __call__(self, X: Any, Z: Any = None) -> Array:
        """Evaluate the kernel for each pair of rows.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        Z : array-like of shape (m, n_features), optional
            The rows of ``X`` themselves if left out. (For `White`, the same values in another
            place are other samples.)

        Returns
        -------
        ndarray of shape (n, m)
        """
        X = check_samples(X, "X")
        if Z is not None:
            Z = check_samples(Z, "Z")
            if X.shape[1] != Z.shape[1]:
                raise ValueError(
                    f"X and Z must have as many features, got {X.shape[1]} and {Z.shape[1]}"
                )
        self._check_features(X)
        return self._matrix(X, Z)

    def diagonal(self, X: Any) -> Array:
        """Evaluate k(x, x) for each row of X, an array of shape (n,)."""
        X = check_samples(X, "X")
        self._check_features(X)
        return self._diagonal(X)

    def value_and_pullback(self, X: Any) -> tuple[Array, Pullback]:
        """Return K and the function that contracts its gradient with a symmetric matrix.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        K : ndarray of shape (n, n)
        pullback : callable
            Takes a symmetric W of shape (n, n) and returns, for each logarithm theta_k of a free
            hyperparameter, the sum over i and j of W_ij dK_ij / dtheta_k.
        """
        X = check_samples(X, "X")
        self._check_features(X)
        return self._pulled(X)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the free hyperparameters, one for each entry of ``theta``."""
        return tuple(
            name if np.ndim(getattr(self, name)) == 0 else f"{name}[{k}]"
            for name in self._free
            for k in range(np.size(getattr(self, name)))
        )

    @property
    def theta(self) -> Array:
        """Logarithms of the free hyperparameters."""
        values = [np.atleast_1d(getattr(self, name)) for name in self._free]
        return np.log(np.concatenate(values)) if values else np.empty(0)

    @property
    def bounds(self) -> Array:
        """Logarithms of the bounds of the free hyperparameters, of shape (n_free, 2)."""
        pairs = [
            getattr(self, f"{name}_bounds")
            for name in self._free
            for _ in range(np.size(getattr(self, name)))
        ]
        return np.log(np.reshape(pairs, (len(pairs), 2)))

    def with_theta(self, theta: Any) -> Kernel:
        """Return the kernel with other values of the free hyperparameters."""
        values = np.exp(np.asarray(theta, dtype=float))
        if values.shape != self.theta.shape:
            raise ValueError(f"theta must have shape {self.theta.shape}, got {values.shape}")
        changed, start = {}, 0
        for name in self._free:
            size = np.size(getattr(self, name))
            part = values[start : start + size]
            changed[name] = float(part[0]) if np.ndim(getattr(self, name)) == 0 else tuple(part)
            start += size
        return replace(self, **changed) if changed else self  # type: ignore[type-var]

    def __add__(self, other: Any) -> Kernel:
        return Sum(self, as_kernel(other))

    def __radd__(self, other: Any) -> Kernel:
        return Sum(as_kernel(other), self)

    def __mul__(self, other: Any) -> Kernel:
        return Product(self, as_kernel(other))

    def __rmul__(self, other: Any) -> Kernel:
        return Product(as_kernel(other), self)

    def __repr__(self) -> str:
        described: Any = fields(self) if is_dataclass(self) else ()
        shown = ", ".join(
            f"{field.name}={getattr(self, field.name)!r}"
            for field in described
            if getattr(self, field.name) != field.default or field.name in self.hyperparameters
        )
        return f"{type(self).__name__}({shown})"

    # What follows takes arrays that have been checked.

    @property
    def _free(self) -> tuple[str, ...]:
        return tuple(
            name for name in self.hyperparameters if getattr(self, f"{name}_bounds") is not None
        )

    def _check_features(self, X: Array) -> None:
        """Refuse samples for which the kernel is not made."""

    def _matrix(self, X: Array, Z: Array | None) -> Array:
        raise NotImplementedError("a kernel needs a method _matrix(X, Z)")

    def _diagonal(self, X: Array) -> Array:
        return np.array([self._matrix(row[np.newaxis], None)[0, 0] for row in X])

    def _pulled(self, X: Array) -> tuple[Array, Pullback]:
        if self._free:
            raise NotImplementedError("a kernel with hyperparameters needs a method _pulled(X)")
        return self._matrix(X, None), lambda W: np.empty(0)

    def _check(self) -> None:
        """Check hyperparameters and bounds of a frozen dataclass, and give them plain types."""
        for name in self.hyperparameters:
            object.__setattr__(self, name, positive(getattr(self, name), name))
            pair = check_bounds(getattr(self, f"{name}_bounds"), f"{name}_bounds")
            object.__setattr__(self, f"{name}_bounds", pair)


@dataclass(frozen=True, repr=False)
class _Stationary(Kernel):
    """A function of the distance in units of the length, of one or of one for each feature.

    Subclasses give k as a function of s = sum_d (x_d - z_d)^2 / length_d^2, and -2 dk/ds, which is
    what the gradients need: dk / d log length_d = -2 dk/ds (x_d - z_d)^2 / length_d^2.
    """

    length: Any = 1.0
    length_bounds: Any = BOUNDS
    hyperparameters: ClassVar[tuple[str, ...]] = ("length",)

    def __post_init__(self) -> None:
        self._check()

    def _check_features(self, X: Array) -> None:
        if np.ndim(self.length) and len(self.length) != X.shape[1]:
            raise ValueError(
                f"length must be one number or one for each of the {X.shape[1]} features of X, "
                f"got {len(self.length)}"
            )

    def _value(self, s: Array) -> Array:
        raise NotImplementedError

    def _slope(self, s: Array, K: Array) -> Array:
        raise NotImplementedError

    def _squares(self, X: Array, Z: Array | None) -> Array:
        scaled = X / np.array(self.length)
        return cdist(scaled, scaled if Z is None else Z / np.array(self.length), "sqeuclidean")

    def _matrix(self, X: Array, Z: Array | None) -> Array:
        return self._value(self._squares(X, Z))

    def _diagonal(self, X: Array) -> Array:
        return np.ones(len(X))

    def _pulled(self, X: Array) -> tuple[Array, Pullback]:
        s = self._squares(X, None)
        K = self._value(s)

        def pullback(W: Array) -> Array:
            if not self._free:
                return np.empty(0)
            M = self._slope(s, K)
            M = M * W
            if np.ndim(self.length) == 0:
                return np.array([np.vdot(M, s)])
            # The sum of M_ij (x_id - x_jd)^2 over i and j, for all features d at once.
            scaled = (X - X.mean(axis=0)) / np.array(self.length)
            return 2 * (M.sum(axis=1) @ scaled**2 - np.sum(scaled * (M @ scaled), axis=0))

        return K, pullback


@dataclass(frozen=True, repr=False)
class RBF(_Stationary):
    """Radial basis function, exp(-s / 2): infinitely smooth.

    Equation ``eq-kernels-and-gaussian-processes-rbf``.

    Parameters
    ----------
    length : float or sequence of float, default=1.0
        One, or one for each feature, in the units of the features.
    length_bounds : (float, float) or None, default=(1e-5, 1e5)
        Between which a fit may change it; None holds it fixed.

    Examples
    --------
    >>> from dlmath.kernels import RBF
    >>> RBF(2.0)([[0.0], [2.0]]).round(4).tolist()
    [[1.0, 0.6065], [0.6065, 1.0]]
    """

    def _value(self, s: Array) -> Array:
        return np.exp(-s / 2)

    def _slope(self, s: Array, K: Array) -> Array:
        return K


@dataclass(frozen=True, repr=False)
class Matern12(_Stationary):
    """Matern kernel of order 1/2, exp(-r) with r the root of s: continuous, nowhere smooth.

    In one dimension the covariance of the Ornstein-Uhlenbeck process. Equation
    ``eq-kernels-and-gaussian-processes-matern``; parameters as in `RBF`.
    """

    def _value(self, s: Array) -> Array:
        return np.exp(-np.sqrt(s))

    def _slope(self, s: Array, K: Array) -> Array:
        # Multiplied by squares that vanish with s: the value at s = 0 does not matter.
        return np.divide(K, np.sqrt(s), out=np.zeros_like(s), where=s > 0)


@dataclass(frozen=True, repr=False)
class Matern32(_Stationary):
    """Matern kernel of order 3/2, (1 + a) exp(-a) with a = sqrt(3 s): once differentiable.

    Equation ``eq-kernels-and-gaussian-processes-matern``; parameters as in `RBF`.
    """

    def _value(self, s: Array) -> Array:
        a = np.sqrt(3 * s)
        return (1 + a) * np.exp(-a)

    def _slope(self, s: Array, K: Array) -> Array:
        return 3 * K / (1 + np.sqrt(3 * s))


@dataclass(frozen=True, repr=False)
class Matern52(_Stationary):
    """Matern kernel of order 5/2, (1 + a + a^2/3) exp(-a), a = sqrt(5 s): twice differentiable.

    Equation ``eq-kernels-and-gaussian-processes-matern``; parameters as in `RBF`.
    """

    def _value(self, s: Array) -> Array:
        a = np.sqrt(5 * s)
        return (1 + a + a**2 / 3) * np.exp(-a)

    def _slope(self, s: Array, K: Array) -> Array:
        a = np.sqrt(5 * s)
        return 5 / 3 * (1 + a) * K / (1 + a + a**2 / 3)


@dataclass(frozen=True, repr=False)
class Periodic(Kernel):
    """Periodic in each feature, exp(-2 / length^2 sum_d sin^2(pi (x_d - z_d) / period)).

    Each factor is an RBF of the point on a circle, so that the product is positive semi-definite in
    any dimension. (scikit-learn's ``ExpSineSquared`` takes the sine of the Euclidean distance. For
    one feature it is the same; for several it is not positive semi-definite.)

    Parameters
    ----------
    length : float, default=1.0
        Without a unit.
    period : float, default=1.0
    length_bounds, period_bounds : (float, float) or None, default=(1e-5, 1e5)
        Between which a fit may change them; None holds them fixed.
    """

    length: float = 1.0
    period: float = 1.0
    length_bounds: Any = BOUNDS
    period_bounds: Any = BOUNDS
    hyperparameters: ClassVar[tuple[str, ...]] = ("length", "period")

    def __post_init__(self) -> None:
        for name in self.hyperparameters:
            if np.ndim(getattr(self, name)):
                raise ValueError(f"{name} must be one number, got {getattr(self, name)!r}")
        self._check()

    def _phases(self, X: Array, Z: Array | None) -> Array:
        Z = X if Z is None else Z
        return np.pi / self.period * (X[:, np.newaxis] - Z)

    def _matrix(self, X: Array, Z: Array | None) -> Array:
        return np.exp(-2 / self.length**2 * np.sum(np.sin(self._phases(X, Z)) ** 2, axis=2))

    def _diagonal(self, X: Array) -> Array:
        return np.ones(len(X))

    def _pulled(self, X: Array) -> tuple[Array, Pullback]:
        phases = self._phases(X, None)
        squares = np.sum(np.sin(phases) ** 2, axis=2)
        K = np.exp(-2 / self.length**2 * squares)

        def pullback(W: Array) -> Array:
            M = W * K / self.length**2
            gradient = {
                "length": lambda: 4 * np.vdot(M, squares),
                "period": lambda: 2 * np.vdot(M, np.sum(phases * np.sin(2 * phases), axis=2)),
            }
            return np.array([gradient[name]() for name in self._free])

        return K, pullback


@dataclass(frozen=True, repr=False)
class Linear(Kernel):
    """The inner product x . z, whose feature map is x itself. It has no hyperparameters."""

    def _matrix(self, X: Array, Z: Array | None) -> Array:
        return X @ (X if Z is None else Z).T

    def _diagonal(self, X: Array) -> Array:
        return np.sum(X**2, axis=1)


@dataclass(frozen=True, repr=False)
class Polynomial(Kernel):
    """(bias + x . z)^degree, whose features are all products of up to ``degree`` features.

    Equation ``eq-kernels-and-gaussian-processes-polynomial``.

    Parameters
    ----------
    degree : int, default=2
        At least 1.
    bias : float, default=1.0
        Positive.
    bias_bounds : (float, float) or None, default=(1e-5, 1e5)
        Between which a fit may change it; None holds it fixed.
    """

    degree: int = 2
    bias: float = 1.0
    bias_bounds: Any = BOUNDS
    hyperparameters: ClassVar[tuple[str, ...]] = ("bias",)

    def __post_init__(self) -> None:
        if not (isinstance(self.degree, Integral) and self.degree >= 1):
            raise ValueError(f"degree must be an integer of at least 1, got {self.degree!r}")
        if np.ndim(self.bias):
            raise ValueError(f"bias must be one number, got {self.bias!r}")
        self._check()

    def _matrix(self, X: Array, Z: Array | None) -> Array:
        return (self.bias + X @ (X if Z is None else Z).T) ** self.degree

    def _diagonal(self, X: Array) -> Array:
        return (self.bias + np.sum(X**2, axis=1)) ** self.degree

    def _pulled(self, X: Array) -> tuple[Array, Pullback]:
        base = self.bias + X @ X.T

        def pullback(W: Array) -> Array:
            if not self._free:
                return np.empty(0)
            return np.array([self.degree * self.bias * np.vdot(W, base ** (self.degree - 1))])

        return base**self.degree, pullback


@dataclass(frozen=True, repr=False)
class Constant(Kernel):
    """The same covariance for every pair: a random constant, or a factor of another kernel.

    A number in a sum or product with a kernel becomes one.

    Parameters
    ----------
    variance : float, default=1.0
        In the units of y, squared.
    variance_bounds : (float, float) or None, default=(1e-5, 1e5)
        Between which a fit may change it; None holds it fixed.
    """

    variance: float = 1.0
    variance_bounds: Any = BOUNDS
    hyperparameters: ClassVar[tuple[str, ...]] = ("variance",)

    def __post_init__(self) -> None:
        if np.ndim(self.variance):
            raise ValueError(f"variance must be one number, got {self.variance!r}")
        self._check()

    def _matrix(self, X: Array, Z: Array | None) -> Array:
        return np.full((len(X), len(X if Z is None else Z)), self.variance)

    def _diagonal(self, X: Array) -> Array:
        return np.full(len(X), self.variance)

    def _pulled(self, X: Array) -> tuple[Array, Pullback]:
        def pullback(W: Array) -> Array:
            return np.array([self.variance * np.sum(W)]) if self._free else np.empty(0)

        return self._matrix(X, None), pullback


@dataclass(frozen=True, repr=False)
class White(Kernel):
    """A contribution that each sample has for itself, of a variance that can be fitted.

    It belongs to the function: the standard deviation of a prediction contains it. The variances of
    known errors of measurement are the ``noise`` of `GaussianProcess`.

    Parameters
    ----------
    variance : float, default=1.0
        In the units of y, squared.
    variance_bounds : (float, float) or None, default=(1e-5, 1e5)
        Between which a fit may change it; None holds it fixed.
    """

    variance: float = 1.0
    variance_bounds: Any = BOUNDS
    hyperparameters: ClassVar[tuple[str, ...]] = ("variance",)

    def __post_init__(self) -> None:
        if np.ndim(self.variance):
            raise ValueError(f"variance must be one number, got {self.variance!r}")
        self._check()

    def _matrix(self, X: Array, Z: Array | None) -> Array:
        if Z is None:
            return np.diag(self._diagonal(X))
        return np.zeros((len(X), len(Z)))

    def _diagonal(self, X: Array) -> Array:
        return np.full(len(X), self.variance)

    def _pulled(self, X: Array) -> tuple[Array, Pullback]:
        def pullback(W: Array) -> Array:
            return np.array([self.variance * np.trace(W)]) if self._free else np.empty(0)

        return self._matrix(X, None), pullback


@dataclass(frozen=True, repr=False)
class Parity(Kernel):
    """+1 for two samples of one parity, -1 for two of different parity.

    The parity of a sample is that of the sum of some of its features, which must be whole numbers.
    The matrix is the outer product of a vector of signs with itself. In nuclear physics, with Z and
    N as features, ``Parity((0,)) * RBF()`` lets nuclei with an odd number of protons differ from
    those with an even one by a smooth function of Z and N.

    Parameters
    ----------
    columns : sequence of int
        Which features are added up.

    Examples
    --------
    >>> from dlmath.kernels import Parity
    >>> Parity((0, 1))([[50, 70], [50, 71]]).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """

    columns: Any

    def __post_init__(self) -> None:
        given = self.columns if isinstance(self.columns, Iterable) else (self.columns,)
        columns = tuple(given)
        if not columns or not all(isinstance(k, Integral) and int(k) >= 0 for k in columns):
            raise ValueError(f"columns must be numbers of features, 0 or more, got {given!r}")
        object.__setattr__(self, "columns", tuple(int(k) for k in columns))

    def _check_features(self, X: Array) -> None:
        if max(self.columns) >= X.shape[1]:
            raise ValueError(f"columns must be below the {X.shape[1]} features, got {self.columns}")
        chosen = X[:, self.columns]
        if np.any(chosen != np.round(chosen)):
            raise ValueError(f"X must hold whole numbers in the columns {self.columns}")

    def _signs(self, X: Array) -> Array:
        return 1 - 2 * (X[:, self.columns].sum(axis=1) % 2)

    def _matrix(self, X: Array, Z: Array | None) -> Array:
        return np.outer(self._signs(X), self._signs(X if Z is None else Z))

    def _diagonal(self, X: Array) -> Array:
        return np.ones(len(X))


@dataclass(frozen=True, repr=False)
class _Pair(Kernel):
    left: Kernel
    right: Kernel

    def __post_init__(self) -> None:
        for field in fields(self):
            if not isinstance(getattr(self, field.name), Kernel):
                raise ValueError(f"{field.name} must be a kernel")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the free hyperparameters, with the kernels to which they belong."""
        return tuple(
            name if isinstance(part, _Pair) else f"{type(part).__name__}.{name}"
            for part in (self.left, self.right)
            for name in part.names
        )

    @property
    def theta(self) -> Array:
        """Logarithms of the free hyperparameters, those of the left kernel first."""
        return np.concatenate([self.left.theta, self.right.theta])

    @property
    def bounds(self) -> Array:
        """Logarithms of the bounds of the free hyperparameters, of shape (n_free, 2)."""
        return np.concatenate([self.left.bounds, self.right.bounds])

    def with_theta(self, theta: Any) -> Kernel:
        """Return the kernel with other values of the free hyperparameters."""
        theta = np.asarray(theta, dtype=float)
        if theta.shape != self.theta.shape:
            raise ValueError(f"theta must have shape {self.theta.shape}, got {theta.shape}")
        split = len(self.left.theta)
        return type(self)(self.left.with_theta(theta[:split]), self.right.with_theta(theta[split:]))

    def _check_features(self, X: Array) -> None:
        self.left._check_features(X)
        self.right._check_features(X)


@dataclass(frozen=True, repr=False)
class Sum(_Pair):
    """The sum of two kernels: of two independent random functions. Written ``left + right``."""

    def __repr__(self) -> str:
        return f"{self.left!r} + {self.right!r}"

    def _matrix(self, X: Array, Z: Array | None) -> Array:
        return self.left._matrix(X, Z) + self.right._matrix(X, Z)

    def _diagonal(self, X: Array) -> Array:
        return self.left._diagonal(X) + self.right._diagonal(X)

    def _pulled(self, X: Array) -> tuple[Array, Pullback]:
        (K, pull), (L, pull_too) = self.left._pulled(X), self.right._pulled(X)
        return K + L, lambda W: np.concatenate([pull(W), pull_too(W)])


@dataclass(frozen=True, repr=False)
class Product(_Pair):
    """The product of two kernels, entry by entry. Written ``left * right``."""

    def __repr__(self) -> str:
        parts = (self.left, self.right)
        return " * ".join(f"({part!r})" if isinstance(part, Sum) else repr(part) for part in parts)

    def _matrix(self, X: Array, Z: Array | None) -> Array:
        return self.left._matrix(X, Z) * self.right._matrix(X, Z)

    def _diagonal(self, X: Array) -> Array:
        return self.left._diagonal(X) * self.right._diagonal(X)

    def _pulled(self, X: Array) -> tuple[Array, Pullback]:
        (K, pull), (L, pull_too) = self.left._pulled(X), self.right._pulled(X)
        return K * L, lambda W: np.concatenate([pull(W * L), pull_too(W * K)])


def as_kernel(value: Any) -> Kernel:
    """Return a kernel; a positive number becomes a constant one."""
    if isinstance(value, Kernel):
        return value
    if isinstance(value, Real):
        return Constant(value)  # type: ignore[arg-type]
    raise TypeError(f"a kernel can be combined with a kernel or a number, got {value!r}")


def check_samples(X: Any, name: str) -> Array:
    """Return samples as a finite matrix of floats."""
    return check_array(X, dtype=float, input_name=name)


def positive(value: Any, name: str) -> Any:
    """Return a positive float, or a tuple of them."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if array.ndim > 1 or not array.size or not np.all((array > 0) & np.isfinite(array)):
        raise ValueError(f"{name} must be positive and finite, got {value!r}")
    return float(array) if array.ndim == 0 else tuple(array.tolist())


def check_bounds(pair: Any, name: str) -> tuple[float, float] | None:
    """Return an increasing pair of positive numbers, or None."""
    if pair is None:
        return None
    values = positive(pair, name)
    if np.ndim(values) != 1 or len(values) != 2 or not values[0] < values[1]:
        raise ValueError(f"{name} must be None or an increasing pair of numbers, got {pair!r}")
    return values
