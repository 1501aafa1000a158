"""How an answer is judged: against a reference, and against the mistakes that are often made.

A checker is the reference solution, decorated with the random data to try it on and with typical
mistakes. Each mistake is a function too: a wrong answer is recognised by its values, so that the
hint fits what the reader has done and not what the reader has written.
"""

import inspect
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Arguments = dict[str, Any]
Values = tuple[np.ndarray, ...]

N_CASES = 3
REGISTRY: dict[str, "Exercise"] = {}


@dataclass(frozen=True)
class Verdict:
    """What is said about an answer.

    Attributes
    ----------
    name : str
        The exercise.
    passed : bool
        Whether the answer is right.
    message : str
        One or more sentences for the reader.
    """

    name: str
    passed: bool
    message: str

    def __str__(self) -> str:
        if self.passed:
            return f"✓ {self.name}: {self.message}"
        lines = "\n".join(f"  {line}" for line in self.message.splitlines())
        return f"✗ {self.name}: not yet.\n{lines}"


class NotUsable(Exception):
    """An answer that cannot be compared with the reference; the message says why."""


@dataclass
class Exercise:
    """One exercise: its reference solution, its data and its typical mistakes.

    Attributes
    ----------
    name : str
        The exercise's label in the book.
    reference : callable
        The solution: it takes the arguments in the order of `data` and returns an array, or a tuple
        of arrays with one entry for each name in `returns`.
    data : callable
        Draws the arguments of one call from a `numpy.random.Generator`.
    returns : sequence of str
        What the function returns, in the words of the exercise.
    mistakes : list of (str, callable)
        Hints, each with the wrong function whose values it explains; the first that fits is given.
    """

    name: str
    reference: Callable[..., Any]
    data: Callable[[np.random.Generator], Arguments]
    returns: Sequence[str]
    mistakes: list[tuple[str, Callable[..., Any]]] = field(default_factory=list)

    def mistake(self, hint: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register the decorated function as a typical wrong answer that deserves this hint."""

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            self.mistakes.append((hint, function))
            return function

        return register

    @property
    def parameters(self) -> list[str]:
        """The names of the arguments, in the order in which the answer takes them."""
        return list(inspect.signature(self.reference).parameters)

    def cases(self) -> list[Arguments]:
        """Return the data on which answers are compared, the same at every call."""
        seed = [ord(letter) for letter in self.name]
        return [self.data(np.random.default_rng([*seed, k])) for k in range(N_CASES)]

    def verdict(self, answer: object) -> Verdict:
        """Judge an answer; nothing that the answer is or does raises an error."""
        cases = self.cases()
        expected = [self._values(self.reference, case) for case in cases]
        try:
            found = self._answers(answer, cases, expected)
        except NotUsable as reason:
            return Verdict(self.name, False, str(reason))
        if _same(found, expected):
            return Verdict(self.name, True, f"correct on {len(cases)} random data sets.")
        return Verdict(self.name, False, self._explain(found, expected, cases))

    def _values(self, function: Callable[..., Any], case: Arguments) -> Values:
        result = function(*deepcopy(case).values())
        parts = result if len(self.returns) > 1 else (result,)
        return tuple(np.asarray(part, dtype=float) for part in parts)

    def _answers(
        self, answer: object, cases: list[Arguments], expected: list[Values]
    ) -> list[Values]:
        signature = f"({', '.join(self.parameters)})"
        if not callable(answer):
            said = f"The answer should be a function of {signature}, and it is {_kind(answer)}."
            if isinstance(answer, np.ndarray | tuple | list):
                said += "\nHand over the function itself, without calling it."
            raise NotUsable(said)
        return [
            self._one_answer(answer, signature, case, right)
            for case, right in zip(cases, expected, strict=True)
        ]

    def _one_answer(
        self, answer: Callable[..., Any], signature: str, case: Arguments, right: Values
    ) -> Values:
        arguments = list(deepcopy(case).values())
        try:
            inspect.signature(answer).bind(*arguments)
        except TypeError as error:
            raise NotUsable(
                f"The function should take {signature} as its arguments: {error}."
            ) from error
        except ValueError:
            pass  # a built-in function without a signature: the call will tell
        try:
            result = answer(*arguments)
        except NotImplementedError as error:
            raise NotUsable(
                "The function is not written yet: "
                "put your code in the place of `raise NotImplementedError`."
            ) from error
        except Exception as error:
            text = f": {error}" if str(error) else ""
            raise NotUsable(
                f"Called with {_describe(case)}, the function stopped with "
                f"{type(error).__name__}{text}"
            ) from error
        return self._read(result, right)

    def _read(self, result: Any, right: Values) -> Values:
        """Turn what a function returned into arrays of the right shapes, or say what is wrong."""
        if result is None:
            raise NotUsable("The function returns None. Is a `return` missing?")
        if len(self.returns) == 1:
            return (_array(result, self.returns[0], right[0]),)
        wanted = " and ".join([", ".join(self.returns[:-1]), self.returns[-1]])
        several = isinstance(result, tuple | list) or (
            isinstance(result, np.ndarray) and result.ndim > 0
        )
        if not several or len(result) != len(self.returns):
            length = f" of length {len(result)}" if isinstance(result, tuple | list) else ""
            raise NotUsable(
                f"The function should return {len(self.returns)} things, {wanted}, "
                f"and it returns {_kind(result)}{length}."
            )
        return tuple(
            _array(part, name, shape)
            for part, name, shape in zip(result, self.returns, right, strict=True)
        )

    def _explain(self, found: list[Values], expected: list[Values], cases: list[Arguments]) -> str:
        for hint, function in self.mistakes:
            if _same(found, [self._values(function, case) for case in cases]):
                return hint
        for k, name in enumerate(self.returns):
            wrong, right = [values[k] for values in found], [values[k] for values in expected]
            if not all(_close(a, b) for a, b in zip(wrong, right, strict=True)):
                return self._explain_part(name, wrong, right, cases)
        raise AssertionError("called with a right answer")

    def _explain_part(
        self, name: str, wrong: list[np.ndarray], right: list[np.ndarray], cases: list[Arguments]
    ) -> str:
        others = f"The rest is right, but {name}" if len(self.returns) > 1 else name
        start = _capital(others)
        for size, factors in _factors(cases).items():
            if all(_close(a, c * b) for a, b, c in zip(wrong, right, factors, strict=True)):
                return f"{start} is the right one times {size}."
        if all(_is_transpose(a, b) for a, b in zip(wrong, right, strict=True)):
            return f"{start} is the transpose of the right one."
        gap = np.max(np.abs(wrong[0] - right[0]))
        return (
            f"{start} has the right shape, {right[0].shape}, and other values: "
            f"on the first data set ({_describe(cases[0])}) the largest difference is {gap:.3g}, "
            f"where the right values reach {np.max(np.abs(right[0])):.3g}."
        )


def exercise(
    name: str,
    data: Callable[[np.random.Generator], Arguments],
    returns: str | Sequence[str] = "the result",
) -> Callable[[Callable[..., Any]], Exercise]:
    """Make the decorated reference solution the checker of an exercise."""

    def register(reference: Callable[..., Any]) -> Exercise:
        names = (returns,) if isinstance(returns, str) else tuple(returns)
        REGISTRY[name] = Exercise(name, reference, data, names)
        return REGISTRY[name]

    return register


def _factors(cases: list[Arguments]) -> dict[str, list[float]]:
    """Return the factors by which answers are often wrong, with their values on each data set."""
    n = [float(len(np.atleast_1d(next(iter(case.values()))))) for case in cases]
    factors = {
        "-1: look at the sign": [-1.0] * len(n),
        "2": [2.0] * len(n),
        "1/2": [0.5] * len(n),
        "-2": [-2.0] * len(n),
        "-1/2": [-0.5] * len(n),
    }
    if len(set(n)) > 1:
        factors |= {
            "n": n,
            "1/n": [1 / size for size in n],
            "-n": [-size for size in n],
            "2n": [2 * size for size in n],
            "n/2": [size / 2 for size in n],
        }
    return factors


def _array(value: object, name: str, right: np.ndarray) -> np.ndarray:
    """Read one returned value as real numbers in the shape of the right one."""
    try:
        array = np.asarray(value)
    except Exception as error:
        raise NotUsable(f"{_capital(name)} cannot be read as an array: {error}.") from error
    if array.dtype.kind not in "biuf":
        raise NotUsable(
            f"{_capital(name)} should consist of real numbers, and it is {_kind(value)}"
            + (f" of dtype {array.dtype}." if isinstance(value, np.ndarray) else ".")
        )
    if array.shape != right.shape:
        raise NotUsable(_shape_hint(array, name, right))
    if not np.all(np.isfinite(array)):
        raise NotUsable(f"{_capital(name)} contains NaN or infinite values.")
    return array.astype(float)


def _shape_hint(array: np.ndarray, name: str, right: np.ndarray) -> str:
    said = f"{_capital(name)} should have shape {right.shape}, and it has shape {array.shape}."
    if array.size == right.size:
        if array.ndim == right.ndim:
            return f"{said} A transpose is missing, or there is one too many."
        return f"{said} Use one-dimensional arrays for vectors: a column is another thing to NumPy."
    if array.shape == right.shape * 2:
        return f"{said} A whole matrix is returned where its diagonal is meant."
    if array.ndim == 0:
        return f"{said} Somewhere too much was summed."
    return said


def _kind(value: object) -> str:
    """Name the type of a value for a sentence."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeio' else 'a'} {name}"


def _describe(case: Arguments) -> str:
    """Say how large the arguments of a call are."""
    return ", ".join(
        f"{name} = {value}" if np.ndim(value) == 0 else f"{name} of shape {np.shape(value)}"
        for name, value in case.items()
    )


def _capital(text: str) -> str:
    """Begin a sentence; a symbol such as theta keeps its case."""
    return text[0].upper() + text[1:] if " " in text else text


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    """Compare to a millionth of the largest value: between rounding and any real mistake."""
    return bool(np.max(np.abs(a - b)) <= 1e-6 * np.max(np.abs(b)))


def _is_transpose(a: np.ndarray, b: np.ndarray) -> bool:
    return a.ndim == 2 and a.shape == b.T.shape and _close(a, b.T)


def _same(found: list[Values], expected: list[Values]) -> bool:
    """Compare the values on all data sets; arrays of other shapes are different."""
    return all(
        a.shape == b.shape and _close(a, b)
        for one, other in zip(found, expected, strict=True)
        for a, b in zip(one, other, strict=True)
    )
