"""Automatic differentiation of NumPy code: forward mode, reverse mode, and a count of operations.

A function of arrays is run on *traced* arrays, which look like arrays and remember more. There are
three kinds: a `Dual` carries a tangent along (forward mode), a `Variable` remembers how it was
computed, so that adjoints can be carried back (reverse mode), and a `Counted` array counts the
arithmetic. What you differentiate is ordinary code: operators, ``np.exp(x)``, ``x @ W``,
``np.where``, ``x[2:]``. NumPy hands these to the traced arrays by its protocols for ufuncs and
functions, and each is looked up in `RULES`.

The kinds can be nested: every call of `vjp`, `jvp` or `count` has a level, newer ones are inside of
older ones, and an operation belongs to the newest level among its arguments. Its rule is
carried out in the level below, where it may be traced again: this gives higher derivatives.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from scipy.special import erf, expit, ndtr

__all__ = [
    "RULES",
    "Counted",
    "Dual",
    "Rule",
    "Traced",
    "Variable",
    "backward",
    "count",
    "grad",
    "hvp",
    "jvp",
    "logistic_cross_entropy",
    "logsumexp",
    "softmax_cross_entropy",
    "tape",
    "vjp",
]

_LEVELS = itertools.count(1)
_SERIALS = itertools.count()


class Rule(NamedTuple):
    """The Jacobian of a primitive, as two maps for each of its arguments.

    Attributes
    ----------
    push : callable
        ``push(k, t, out, args, options)`` is the Jacobian by argument ``k``, times a tangent ``t``
        of that argument's shape.
    pull : callable
        ``pull(k, g, out, args, options)`` is the transposed Jacobian times an adjoint ``g`` of the
        result's shape.
    cost : callable
        ``cost(out, args, options)`` counts the additions, multiplications and elementary functions.
    """

    push: Callable[..., Any]
    pull: Callable[..., Any]
    cost: Callable[..., int] = lambda out, args, options: 0


RULES: dict[Callable[..., Any], Rule] = {}


# Traced arrays


class Traced(NDArrayOperatorsMixin):
    """What the three kinds of traced arrays share: they answer to NumPy's operators and functions.

    Attributes
    ----------
    value : ndarray or Traced
        The value, traced itself if an older level is tracing.
    level : int
        The level to which the array belongs.
    """

    __slots__ = ("level", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any, level: int) -> None:
        self.value, self.level = value, level

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **options: Any) -> Any:
        """Look up the rule of a ufunc; ``x += y`` makes a new array, as ``x = x + y`` does."""
        target = options.pop("out", (None,))[0]
        if target is not None and not (isinstance(target, Traced) and target is args[0]):
            raise TypeError("an array cannot be changed in place by a traced one: write a = a + b")
        if method != "__call__" or options:
            raise TypeError(f"np.{ufunc.__name__} can be differentiated as a plain call only")
        if ufunc in _LOCALLY_CONSTANT:
            return ufunc(*map(_bare, args))
        if ufunc not in RULES:
            raise TypeError(f"autodiff has no rule for {ufunc.__name__}")
        return _apply(ufunc, *args)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function in _COMPOSED:
            return _COMPOSED[function](*args, **options)
        if function in _LOCALLY_CONSTANT:
            return function(*map(_bare, args), **options)
        if function not in RULES:
            raise TypeError(f"autodiff has no rule for {function.__name__}")
        return _apply(function, *args, **options)

    def __getitem__(self, index: Any) -> Any:
        return _apply(_take, self, index=deepcopy(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError("a traced array cannot be changed in place: use np.where or np.concatenate")

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __len__(self) -> int:
        return len(_bare(self))

    def __bool__(self) -> bool:
        return bool(_bare(self))

    def __float__(self) -> float:
        raise TypeError("a plain number would lose its derivative: use np.exp, not math.exp")

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise TypeError("a plain array would lose its derivative: .value gives it if you want that")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({_bare(self)!r})"

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return _shape(_bare(self))

    @property
    def dtype(self) -> np.dtype:
        """Type of the entries."""
        return _bare(self).dtype

    @property
    def ndim(self) -> int:
        """Count the axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Count the entries."""
        return int(np.prod(self.shape, dtype=int))

    @property
    def T(self) -> Any:
        """Transpose, with all axes reversed."""
        return np.transpose(self)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Add up the entries along axes, all if not said."""
        return np.sum(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Average the entries along axes, over all if not said."""
        return _mean(self, axis, keepdims)

    def reshape(self, *shape: Any) -> Any:
        """Arrange the entries in another shape."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)


class Dual(Traced):
    """A value and its tangent: the derivative along a direction in which the inputs move."""

    __slots__ = ("tangent",)

    def __init__(self, value: Any, level: int, tangent: Any) -> None:
        super().__init__(value, level)
        self.tangent = tangent

    @staticmethod
    def _record(level: int, function: Any, args: Any, on: Any, options: Any) -> Dual:
        values, out = _evaluate(function, args, on, options)
        push = RULES[function].push
        moved = [push(k, args[k].tangent, out, values, options) for k in on]
        return Dual(out, level, sum(moved[1:], moved[0]))


class Variable(Traced):
    """A value that remembers the function and the arguments from which it was computed.

    Parameters
    ----------
    value : array-like of floating-point numbers
        It is copied, and the copy is protected against changes.
    level : int, default=0
        Variables made by hand belong to the outermost level.

    Raises
    ------
    TypeError
        If the value does not consist of real floating-point numbers.
    """

    __slots__ = ("args", "function", "on", "options", "serial")
    args: tuple[Any, ...]
    on: tuple[int, ...]
    options: dict[str, Any]
    serial: int

    def __init__(self, value: Any, level: int = 0) -> None:
        super().__init__(_floating("value", value), level)
        self.serial = next(_SERIALS)
        self.function: Any = None
        self.args, self.on, self.options = (), (), {}

    def values(self) -> list[Any]:
        """Values of the arguments from which it was computed."""
        return [a.value if k in self.on else a for k, a in enumerate(self.args)]

    @staticmethod
    def _record(level: int, function: Any, args: Any, on: Any, options: Any) -> Variable:
        _, out = _evaluate(function, args, on, options)
        node = Variable.__new__(Variable)
        node.value, node.level, node.serial = _frozen(out), level, next(_SERIALS)
        kept = (a.copy() if isinstance(a, np.ndarray) and a.flags.writeable else a for a in args)
        node.function, node.args, node.on, node.options = function, tuple(kept), on, options
        return node


class Counted(Traced):
    """A value together with a counter, shared by all that is computed from it."""

    __slots__ = ("counter",)

    def __init__(self, value: Any, level: int, counter: dict[str, int]) -> None:
        super().__init__(value, level)
        self.counter = counter

    @staticmethod
    def _record(level: int, function: Any, args: Any, on: Any, options: Any) -> Counted:
        values, out = _evaluate(function, args, on, options)
        counter = args[on[0]].counter
        cost = RULES[function].cost(out, values, options)
        if cost:
            counter[function.__name__] = counter.get(function.__name__, 0) + cost
        return Counted(out, level, counter)


def _apply(function: Any, *args: Any, **options: Any) -> Any:
    """Evaluate a primitive and record it at the newest level among its arguments."""
    traced = [a for a in args if isinstance(a, Traced)]
    if not traced:
        return function(*args, **options)
    newest: Any = max(traced, key=lambda a: a.level)
    on = tuple(k for k, a in enumerate(args) if isinstance(a, Traced) and a.level == newest.level)
    return type(newest)._record(newest.level, function, args, on, options)


def _evaluate(function: Any, args: Any, on: Any, options: Any) -> tuple[list[Any], Any]:
    """Evaluate a primitive one level further out."""
    values = [a.value if k in on else a for k, a in enumerate(args)]
    return values, _apply(function, *values, **options)


def _bare(x: Any) -> Any:
    """Take off all levels."""
    while isinstance(x, Traced):
        x = x.value
    return x


def _shape(x: Any) -> tuple[int, ...]:
    return getattr(x, "shape", ())


def _frozen(x: Any) -> Any:
    """Protect a value against changes; a number becomes an array without axes."""
    if isinstance(x, Traced):
        return x
    x = np.asarray(x)
    x.flags.writeable = False
    return x


def _floating(name: str, x: Any) -> Any:
    """Copy real floating-point numbers, and refuse others."""
    if isinstance(x, Traced):
        return x
    array = np.array(x)
    if array.dtype.kind != "f":
        raise TypeError(
            f"{name} must consist of real floating-point numbers, got {array.dtype}: "
            "write 2.0 for 2, or use .astype(float)"
        )
    return _frozen(array)


# What one calls


def tape(output: Variable) -> list[Variable]:
    """List the variables on which one depends, and itself, in the order in which they were made.

    A variable is made after those from which it is computed, so this order is a topological one:
    forward, every value can be computed when its turn comes; backward, every adjoint is complete.
    """
    found: dict[int, Variable] = {}
    waiting = [output]
    while waiting:
        node = waiting.pop()
        if node.serial not in found:
            found[node.serial] = node
            waiting.extend(node.args[k] for k in node.on)
    return [found[serial] for serial in sorted(found)]


def _adjoints(output: Variable, seed: Any) -> dict[int, Any]:
    """Carry the seed back along the tape, which visits each variable once."""
    adjoints = {output.serial: seed}
    for node in reversed(tape(output)):
        own, values = adjoints[node.serial], node.values()
        for k in node.on:
            pull = RULES[node.function].pull
            part = pull(k, own, node.value, values, node.options)
            j = node.args[k].serial
            adjoints[j] = adjoints[j] + part if j in adjoints else part
    return adjoints


def backward(output: Variable, wrt: Sequence[Variable], seed: Any = None) -> list[Any]:
    """Adjoints of variables: the derivatives of an output by them, contracted with a seed.

    Parameters
    ----------
    output : Variable
    wrt : sequence of Variable
        Inputs, or variables on the way.
    seed : array-like of the output's shape, optional
        The adjoint of the output; 1 if the output is a scalar.

    Returns
    -------
    list of ndarray
        One for each entry of ``wrt``, of its shape; zeros if the output does not depend on it.

    Raises
    ------
    TypeError
        If the output or an entry of ``wrt`` is not a Variable.
    ValueError
        If the seed is missing or does not fit, or the variables belong to different levels.
    """
    for name, node in [("output", output), *((f"wrt[{i}]", x) for i, x in enumerate(wrt))]:
        if not isinstance(node, Variable):
            raise TypeError(f"{name} must be a Variable, got {type(node).__name__}")
        if node.level != output.level:
            raise ValueError(f"{name} belongs to another differentiation than the output")
    adjoints = _adjoints(output, _like("seed", seed, output))
    return [_released(adjoints.get(x.serial, np.zeros(x.shape, x.dtype))) for x in wrt]


def vjp(function: Callable[..., Any], *xs: Any) -> tuple[Any, Callable[..., tuple[Any, ...]]]:
    """Evaluate a function and prepare products of vectors with its Jacobian, by reverse mode.

    Parameters
    ----------
    function : callable
        Maps arrays to one array.
    *xs : array-like
        The arguments.

    Returns
    -------
    value : ndarray
    pull : callable
        ``pull(seed)`` gives a tuple: for each argument the transposed Jacobian times the seed, of
        the argument's shape. It can be called more than once. A scalar value needs no seed.
    """
    level = next(_LEVELS)
    inputs = [Variable(_floating(f"argument {k}", x), level) for k, x in enumerate(xs)]
    output = _one_array(function(*inputs))
    if not isinstance(output, Variable) or output.level != level:  # it does not depend on them
        zeros = Variable(np.zeros(_shape(output)), level)
        return output, lambda seed=None: tuple(backward(zeros, inputs, seed))
    return _released(output.value), lambda seed=None: tuple(backward(output, inputs, seed))


def grad(function: Callable[..., Any]) -> Callable[..., Any]:
    """Turn a function with a scalar value into the function that returns its gradient.

    The gradient by one argument is an array of its shape, by several a tuple. A constant is
    given by a closure: ``grad(lambda w: cost(w, X, y))``.

    Raises
    ------
    ValueError
        When the gradient is called and the value is not a scalar.
    """

    def gradient(*xs: Any) -> Any:
        value, pull = vjp(function, *xs)
        if _shape(value) != ():
            raise ValueError(
                f"grad needs a scalar, and the function returned the shape {_shape(value)}: "
                "sum it up, or use vjp with a seed"
            )
        gradients = pull()
        return gradients[0] if len(xs) == 1 else gradients

    return gradient


def jvp(function: Callable[..., Any], xs: Any, tangents: Any) -> tuple[Any, Any]:
    """Evaluate a function and the product of its Jacobian with a vector, by forward mode.

    Parameters
    ----------
    function : callable
        Maps arrays to one array.
    xs, tangents : array-like, or tuples of them
        The arguments, and the direction in which they move: as many, of the same shapes.

    Returns
    -------
    value, tangent : ndarray
        Both of the shape of the function's value.
    """
    xs, tangents = (x if isinstance(x, tuple) else (x,) for x in (xs, tangents))
    if len(xs) != len(tangents):
        raise ValueError(f"tangents must be as many as xs, {len(xs)}, got {len(tangents)}")
    points = [_floating(f"argument {k}", x) for k, x in enumerate(xs)]
    along = [
        _like(f"tangent {k}", t, x) for k, (t, x) in enumerate(zip(tangents, points, strict=True))
    ]
    level = next(_LEVELS)
    output = _one_array(function(*(Dual(x, level, t) for x, t in zip(points, along, strict=True))))
    if not isinstance(output, Dual) or output.level != level:  # it does not depend on them
        return output, np.zeros(_shape(output))
    return _released(output.value), _released(output.tangent)


def hvp(function: Callable[..., Any], x: Any, v: Any) -> Any:
    """Multiply the Hessian of a scalar function with a vector: forward mode over reverse mode."""
    return jvp(grad(function), x, v)[1]


def count(function: Callable[..., Any], *xs: Any) -> dict[str, int]:
    """Count the arithmetic of a function by kind: one for each entry of each result.

    A product of matrices counts as its multiplications and additions, a sum as its additions.
    Comparisons, selections and copies are free, and so is what does not depend on the arguments.
    """
    counter: dict[str, int] = {}
    level = next(_LEVELS)
    function(*(Counted(_floating(f"argument {k}", x), level, counter) for k, x in enumerate(xs)))
    return counter


def _one_array(output: Any) -> Any:
    if isinstance(output, tuple | list | dict) or output is None:
        raise TypeError(f"the function must return one array, and it returned {type(output)}")
    return output


def _like(name: str, given: Any, x: Any) -> Any:
    """Check that a seed or tangent has the shape of what it belongs to."""
    if given is None:
        if _shape(x) != ():
            raise ValueError(f"{name} is missing: the output has the shape {_shape(x)}, no scalar")
        given = 1.0
    if not isinstance(given, Traced):
        given = np.array(given, dtype=x.dtype)
    if _shape(given) != _shape(x):
        raise ValueError(f"{name} must have the shape {_shape(x)}, got {_shape(given)}")
    return given


def _released(x: Any) -> Any:
    """Give away a result: an own copy, which may be changed; without axes, a number."""
    return x if isinstance(x, Traced) else np.array(x)[()]


# Helpers of the rules, with rules of their own


def _take(x: Any, index: Any) -> Any:
    return x[index]


def _put(x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Add the entries of x into zeros: what `_take` does, transposed."""
    out = np.zeros(shape, dtype=x.dtype)
    np.add.at(out, index, x)
    return out


def _join(*arrays: Any, axis: int = 0) -> Any:
    return np.concatenate(arrays, axis=axis)


def _arrange(x: Any, shape: Any) -> Any:
    return x.reshape(shape)


def _cast(x: Any, dtype: Any) -> Any:
    return x.astype(dtype)


def _fit(x: Any, like: Any) -> Any:
    """Undo broadcasting: sum over the axes along which copies were made; restore the dtype."""
    shape, old = _shape(like), _shape(x)
    if old != shape:
        new = len(old) - len(shape)
        axes = tuple(range(new)) + tuple(
            new + k for k, n in enumerate(shape) if n == 1 != old[new + k]
        )
        x = np.reshape(np.sum(x, axis=axes), shape)
    return x if x.dtype == like.dtype else _apply(_cast, x, dtype=like.dtype)


def _spread(x: Any, like: Any) -> Any:
    """Broadcast a tangent to the shape of the result."""
    x = x if _shape(x) == _shape(like) else np.broadcast_to(x, _shape(like))
    return x if x.dtype == like.dtype else _apply(_cast, x, dtype=like.dtype)


# Rules. The Jacobian of an elementwise function is diagonal, hence its own transpose: one formula,
# which multiplies t by the derivative, serves both modes.


def _elementwise(function: Any, *times: Callable[..., Any]) -> None:
    RULES[function] = Rule(
        push=lambda k, t, out, args, options: _spread(times[k](t, out, *args), out),
        pull=lambda k, g, out, args, options: _fit(times[k](g, out, *args), args[k]),
        cost=lambda out, args, options: 0 if function is np.where else out.size,
    )


def _linear(function: Any, pull: Callable[..., Any], cost: Any = None) -> None:
    """Register a function that is linear in its argument: it pushes tangents by itself."""
    RULES[function] = Rule(
        push=lambda k, t, out, args, options: _apply(function, t, **options),
        pull=lambda k, g, out, args, options: pull(g, args[0], **options),
        cost=cost or (lambda out, args, options: 0),
    )


_elementwise(np.add, lambda t, out, x, y: t, lambda t, out, x, y: t)
_elementwise(np.subtract, lambda t, out, x, y: t, lambda t, out, x, y: -t)
_elementwise(np.multiply, lambda t, out, x, y: t * y, lambda t, out, x, y: t * x)
_elementwise(np.divide, lambda t, out, x, y: t / y, lambda t, out, x, y: -(t * out) / y)
_elementwise(
    np.power,
    lambda t, out, x, p: t * (p * x ** (p - 1 + (p == 0))),
    lambda t, out, x, p: t * (out * np.log(np.where(x > 0, x, 1))),
)
_elementwise(
    np.maximum, lambda t, out, x, y: t * _larger(x, y), lambda t, out, x, y: t * _larger(y, x)
)
_elementwise(
    np.minimum, lambda t, out, x, y: t * _larger(y, x), lambda t, out, x, y: t * _larger(x, y)
)
_elementwise(
    np.logaddexp,
    lambda t, out, x, y: t * np.exp(x - out),
    lambda t, out, x, y: t * np.exp(y - out),
)
_elementwise(
    np.where,
    lambda t, out, c, x, y: 0 * t,
    lambda t, out, c, x, y: np.where(_bare(c), t, 0),
    lambda t, out, c, x, y: np.where(_bare(c), 0, t),
)
_elementwise(np.positive, lambda t, out, x: t)
_elementwise(np.negative, lambda t, out, x: -t)
_elementwise(np.absolute, lambda t, out, x: t * np.sign(x))
_elementwise(np.square, lambda t, out, x: t * (2 * x))
_elementwise(np.sqrt, lambda t, out, x: t / (2 * out))
_elementwise(np.reciprocal, lambda t, out, x: -t * (out * out))
_elementwise(np.exp, lambda t, out, x: t * out)
_elementwise(np.expm1, lambda t, out, x: t * (out + 1))
_elementwise(np.log, lambda t, out, x: t / x)
_elementwise(np.log1p, lambda t, out, x: t / (1 + x))
_elementwise(np.sin, lambda t, out, x: t * np.cos(x))
_elementwise(np.cos, lambda t, out, x: -(t * np.sin(x)))
_elementwise(np.sinh, lambda t, out, x: t * np.cosh(x))
_elementwise(np.cosh, lambda t, out, x: t * np.sinh(x))
_elementwise(np.tanh, lambda t, out, x: t * (1 - out * out))
_elementwise(np.arctan, lambda t, out, x: t / (1 + x * x))
_elementwise(expit, lambda t, out, x: t * (out * (1 - out)))
_elementwise(ndtr, lambda t, out, x: t * (1 / np.sqrt(2 * np.pi) * np.exp(-0.5 * x * x)))
_elementwise(erf, lambda t, out, x: t * (2 / np.sqrt(np.pi) * np.exp(-x * x)))


def _larger(x: Any, y: Any) -> Any:
    """Say where x is the larger one; where both are equal, each gets half."""
    x, y = _bare(x), _bare(y)
    return (x > y) + 0.5 * (x == y)


# Functions that move entries, or add them up.


def _expanded(g: Any, x: Any, axis: Any) -> Any:
    """Give a reduced array its lost axes back, with length 1."""
    if axis is None:
        return np.reshape(g, (1,) * len(_shape(x)))
    axes = {a % len(_shape(x)) for a in np.atleast_1d(axis)}
    return np.reshape(g, tuple(1 if a in axes else n for a, n in enumerate(_shape(x))))


def _pull_max(k: int, g: Any, out: Any, args: Any, options: Any) -> Any:
    (x,), axis = args, options["axis"]
    chosen = _bare(x) == _bare(_expanded(out, x, axis))
    return _expanded(g, x, axis) * (chosen / np.sum(chosen, axis=axis, keepdims=True))


def _push_max(k: int, t: Any, out: Any, args: Any, options: Any) -> Any:
    (x,), axis = args, options["axis"]
    chosen = _bare(x) == _bare(_expanded(out, x, axis))
    share = chosen / np.sum(chosen, axis=axis, keepdims=True)
    return np.sum(t * share, **options)


def _pull_join(k: int, g: Any, out: Any, args: Any, options: Any) -> Any:
    axis = options["axis"] % len(_shape(out))
    begin = sum(_shape(a)[axis] for a in args[:k])
    return g[(slice(None),) * axis + (slice(begin, begin + _shape(args[k])[axis]),)]


def _push_join(k: int, t: Any, out: Any, args: Any, options: Any) -> Any:
    still = [np.zeros(_shape(a), dtype=out.dtype) for a in args]
    return _apply(_join, *still[:k], t, *still[k + 1 :], **options)


def _pull_matmul(k: int, g: Any, out: Any, args: Any, options: Any) -> Any:
    """Multiply by the transposed other factor; a vector is a matrix with one row or column."""
    a, b = args
    if len(_shape(b)) == 1:
        b, g = b[:, None], g[..., None]
    if len(_shape(a)) == 1:
        a, g = a[None, :], g[..., None, :]
    part = g @ np.swapaxes(b, -1, -2) if k == 0 else np.swapaxes(a, -1, -2) @ g
    return np.reshape(_fit(part, (a, b)[k]), _shape(args[k]))


def _touched(out: Any, args: Any, options: Any) -> int:
    """Count the additions of `_put`: the first contribution to an entry is only stored."""
    touched = np.zeros(options["shape"], dtype=bool)
    touched[options["index"]] = True
    return int(args[0].size - touched.sum())


_linear(
    np.sum,
    lambda g, x, axis, keepdims: np.broadcast_to(_expanded(g, x, axis), _shape(x)),
    cost=lambda out, args, options: args[0].size - out.size,
)
_linear(_arrange, lambda g, x, shape: np.reshape(g, _shape(x)))
_linear(np.broadcast_to, lambda g, x, shape: _fit(g, x))
_linear(np.swapaxes, lambda g, x, axis1, axis2: np.swapaxes(g, axis1, axis2))
_linear(
    np.transpose,
    lambda g, x, axes: np.transpose(g, None if axes is None else tuple(np.argsort(axes))),
)
_linear(_take, lambda g, x, index: _apply(_put, g, index=index, shape=_shape(x)))
_linear(_put, lambda g, x, index, shape: g[index], cost=_touched)
_linear(_cast, lambda g, x, dtype: _apply(_cast, g, dtype=x.dtype))
RULES[np.max] = Rule(_push_max, _pull_max)
RULES[_join] = Rule(_push_join, _pull_join)
RULES[np.matmul] = Rule(
    push=lambda k, t, out, args, options: t @ args[1] if k == 0 else args[0] @ t,
    pull=_pull_matmul,
    cost=lambda out, args, options: out.size * (2 * _shape(args[0])[-1] - 1),
)

_LOCALLY_CONSTANT = {
    *(np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal),
    *(np.sign, np.floor, np.ceil, np.rint, np.isfinite, np.isnan, np.logical_not),
    *(np.shape, np.ndim, np.size, np.argmax, np.argmin, np.zeros_like, np.ones_like),
}


# Functions made of others, and the arguments that we take of NumPy's.


def _sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _apply(np.sum, x, axis=axis, keepdims=keepdims)


def _mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    total = _sum(x, axis, keepdims)
    return total / (x.size // max(total.size, 1))


def _max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return _apply(np.max, x, axis=axis, keepdims=keepdims)


def _stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    shape = list(_shape(arrays[0]))
    shape.insert(axis % (len(shape) + 1), 1)
    return _apply(_join, *(np.reshape(a, tuple(shape)) for a in arrays), axis=axis)


def _squeezed(x: Any, axis: Any = None) -> Any:
    return np.reshape(x, np.squeeze(np.empty(x.shape), axis=axis).shape)


_COMPOSED: dict[Any, Callable[..., Any]] = {
    np.sum: _sum,
    np.mean: _mean,
    np.max: _max,
    np.where: lambda condition, x, y: _apply(np.where, condition, x, y),
    np.reshape: lambda x, shape: _apply(_arrange, x, shape=shape),
    np.ravel: lambda x: np.reshape(x, (-1,)),
    np.squeeze: _squeezed,
    np.expand_dims: lambda x, axis: np.reshape(
        x, np.expand_dims(np.empty(x.shape), axis=axis).shape
    ),
    np.transpose: lambda x, axes=None: _apply(np.transpose, x, axes=axes),
    np.swapaxes: lambda x, axis1, axis2: _apply(np.swapaxes, x, axis1=axis1, axis2=axis2),
    np.broadcast_to: lambda x, shape: _apply(np.broadcast_to, x, shape=shape),
    np.concatenate: lambda arrays, axis=0: _apply(_join, *arrays, axis=axis),
    np.stack: _stack,
    np.dot: np.matmul,
}


# Costs, in a form that neither overflows nor takes the logarithm of zero


def logsumexp(z: Any, axis: int = -1, keepdims: bool = False) -> Any:
    """Logarithm of a sum of exponentials; the largest is taken out, so that none overflows."""
    largest = np.max(_bare(z), axis=axis, keepdims=True)
    total = np.log(np.sum(np.exp(z - largest), axis=axis, keepdims=True)) + largest
    return total if keepdims else np.squeeze(total, axis=axis)


def softmax_cross_entropy(Z: Any, Y: Any) -> Any:
    """Mean cross-entropy of softmax(Z) with targets Y, both of shape (n_samples, n_classes)."""
    return np.sum(Y * (logsumexp(Z, keepdims=True) - Z)) / len(Z)


def logistic_cross_entropy(Z: Any, Y: Any) -> Any:
    """Mean over samples of the cross-entropies of expit(Z) with Y, summed over the outputs."""
    return np.sum(np.logaddexp(0, Z) - Y * Z) / len(Z)
