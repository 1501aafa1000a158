"""The marker ``verifies`` and the fixture ``verify``: what a test of an equation must do.

A marked test names the equations that it verifies and at least two independent routes; it
compares the routes through the fixture, and shows through the same comparison, at the same
tolerance, that wrong versions of the equation fail. A test that leaves one of these out fails.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pytest
import sympy

USAGE = '@pytest.mark.verifies("eq-...", routes=("one", "another"))'
REPORT = "_build/reports/residuals.json"
RECORDS = pytest.StashKey[list["Verification"]]()


@dataclass
class Outcome:
    """How far two sides are apart where they are worst, against what is allowed there."""

    residual: float
    tolerance: float

    @property
    def holds(self) -> bool:
        return self.residual <= self.tolerance


@dataclass
class Comparison:
    """Two routes that agree, and the wrong versions that the same comparison refutes."""

    measure: Callable[[Any, Any], Outcome]
    outcome: Outcome
    controls: dict[str, Outcome] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        refuted = {why: asdict(outcome) for why, outcome in self.controls.items()}
        return asdict(self.outcome) | {"refuted": refuted}


@dataclass
class Verification:
    """What one test has compared: the value of the fixture ``verify``."""

    test: str
    equations: list[str]
    routes: list[str]
    comparisons: list[Comparison] = field(default_factory=list)

    def agree(self, left: Any, right: Any, *, atol: float = 0.0, rtol: float = 0.0) -> None:
        """Require ``|left - right| <= atol + rtol |right|``, entry by entry.

        The two sides must have the same shape: broadcasting hides mistakes.
        """
        __tracebackhide__ = True
        self._require(partial(_distance, atol=atol, rtol=rtol), left, right)

    def at_most(self, left: Any, right: Any, *, atol: float = 0.0) -> None:
        """Require ``left <= right + atol``, entry by entry."""
        __tracebackhide__ = True
        self._require(partial(_excess, atol=atol), left, right)

    def identical(self, left: Any, right: Any) -> None:
        """Require that two sympy expressions or matrices differ by exactly zero."""
        __tracebackhide__ = True
        self._require(_symbolic_distance, left, right)

    def refutes(self, wrong: Any, right: Any, *, why: str) -> None:
        """Require that a wrong version fails the latest comparison, at the same tolerance.

        Parameters
        ----------
        wrong, right : array-like or sympy expression
            Stand in the places of the latest comparison's ``left`` and ``right``.
        why : str
            What is wrong, in the words that the appendix prints: ``"factor n"``.
        """
        __tracebackhide__ = True
        if not self.comparisons:
            pytest.fail("refutes() repeats the latest comparison: make one before it")
        latest = self.comparisons[-1]
        if not why.strip():
            pytest.fail("the wrong version has no name: say what is wrong in why=")
        if why in latest.controls:
            pytest.fail(f"two wrong versions have the name {why!r}")
        outcome = latest.measure(wrong, right)
        if outcome.holds:
            pytest.fail(
                f"the wrong version {why!r} passes: residual {outcome.residual:.2g}, tolerance "
                f"{outcome.tolerance:.2g}. The comparison cannot tell it from the right one"
            )
        latest.controls[why] = outcome

    def _require(self, measure: Callable[[Any, Any], Outcome], left: Any, right: Any) -> None:
        __tracebackhide__ = True
        if left is right:
            pytest.fail("the same object stands on both sides: these are not two routes")
        outcome = measure(left, right)
        if not outcome.holds:
            pytest.fail(
                f"the routes {', '.join(self.routes)} disagree: residual {outcome.residual:.3g}, "
                f"tolerance {outcome.tolerance:.3g}\nleft:  {left}\nright: {right}"
            )
        self.comparisons.append(Comparison(measure, outcome))


def _sides(left: Any, right: Any) -> tuple[np.ndarray, np.ndarray]:
    __tracebackhide__ = True
    sides = [np.asarray(side) for side in (left, right)]
    if sides[0].shape != sides[1].shape:
        pytest.fail(
            f"the sides have the shapes {sides[0].shape} and {sides[1].shape}: compare like with "
            "like (a transposed matrix is only a wrong version when it is square)"
        )
    if sides[0].size == 0:
        pytest.fail("the sides are empty: nothing is compared")
    sides = [side.astype(complex if np.iscomplexobj(side) else float) for side in sides]
    for name, side in zip(("first", "second"), sides, strict=True):
        if not np.isfinite(side).all():
            pytest.fail(f"the {name} side has entries that are not finite: it shows nothing")
    return sides[0], sides[1]


def _worst(difference: np.ndarray, tolerance: np.ndarray) -> Outcome:
    """Find the entry that misses its tolerance most, or comes nearest to missing it."""
    share = difference / np.maximum(tolerance, 1e-200)
    entry = np.unravel_index(np.argmax(share), difference.shape)
    return Outcome(float(difference[entry]), float(tolerance[entry]))


def _distance(left: Any, right: Any, atol: float, rtol: float) -> Outcome:
    left, right = _sides(left, right)
    return _worst(np.abs(left - right), atol + rtol * np.abs(right))


def _excess(left: Any, right: Any, atol: float) -> Outcome:
    left, right = _sides(left, right)
    return _worst(left - right, np.full(left.shape, atol))


def _symbolic_distance(left: Any, right: Any) -> Outcome:
    difference = sympy.simplify(left - right)
    is_zero = difference == 0 or bool(getattr(difference, "is_zero_matrix", False))
    return Outcome(0.0 if is_zero else float("inf"), 0.0)


@pytest.fixture
def verify(request: pytest.FixtureRequest) -> Verification:
    """Compare the routes of a marked test, and show that wrong versions fail."""
    mark = request.node.get_closest_marker("verifies")
    if mark is None:
        pytest.fail(f"{request.node.nodeid} uses `verify` without {USAGE}", pytrace=False)
    verification = Verification(request.node.nodeid, list(mark.args), list(mark.kwargs["routes"]))
    request.config.stash[RECORDS].append(verification)
    return verification


def _fault_of_mark(mark: pytest.Mark) -> str | None:
    routes = mark.kwargs.get("routes", ())
    if unknown := set(mark.kwargs) - {"routes"}:
        return f"does not know the keyword {', '.join(sorted(unknown))}"
    if not mark.args:
        return "names no equation"
    if not all(isinstance(label, str) and label.startswith("eq-") for label in mark.args):
        return f"takes labels that begin with 'eq-', not {mark.args!r}"
    if not isinstance(routes, tuple) or not all(isinstance(r, str) and r.strip() for r in routes):
        return f"takes a tuple of names as routes, not {routes!r}"
    if len(routes) < 2:
        return f"needs at least two routes, has {len(routes)}"
    for kind, names in (("equation", mark.args), ("route", [r.casefold() for r in routes])):
        repeated = [name for name, times in Counter(names).items() if times > 1]
        if repeated:
            return f"names the {kind} {repeated[0]!r} twice"
    return None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--residuals", action="store_true", help="list what each equation's test has compared"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", 'verifies("eq-...", routes=("one", "another")): the test of these equations'
    )
    config.stash.setdefault(RECORDS, [])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Refuse a wrong marker while the test is collected."""
    marks = list(metafunc.definition.iter_markers("verifies"))
    own = [mark for mark in metafunc.definition.own_markers if mark.name == "verifies"]
    fault = None
    if len(marks) > 1:
        fault = "stands more than once: name all equations in one marker"
    elif marks and not own:
        fault = "belongs on the test itself, not on its class or module"
    elif marks:
        fault = _fault_of_mark(marks[0])
    if fault:
        raise pytest.Collector.CollectError(
            f"{metafunc.definition.nodeid}: the marker `verifies` {fault}. Use {USAGE}"
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Any:
    """Fail a marked test that compared nothing, or shows nothing to be wrong."""
    __tracebackhide__ = True
    result = yield
    mark = item.get_closest_marker("verifies")
    if mark is not None:
        verification = getattr(item, "funcargs", {}).get("verify")
        equations = ", ".join(mark.args)
        if verification is None or not verification.comparisons:
            pytest.fail(f"{item.nodeid} says that it verifies {equations} but compares nothing")
        if not any(comparison.controls for comparison in verification.comparisons):
            pytest.fail(
                f"{item.nodeid} has no negative control: show with verify.refutes() that a wrong "
                f"version of {equations} fails"
            )
    return result


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was compared for whoever reviews the tolerances."""
    report = [
        {
            "test": record.test,
            "equations": record.equations,
            "routes": record.routes,
            "comparisons": [comparison.summary() for comparison in record.comparisons],
        }
        for record in session.config.stash[RECORDS]
    ]
    if report:
        path = session.config.rootpath / REPORT
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, indent=1), encoding="utf-8")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """List residual and tolerance; the second should be about a decade above the first."""
    if not config.getoption("--residuals", default=False):
        return
    terminalreporter.section("residuals of the verified equations")
    terminalreporter.write_line(f"{'residual':>9} {'tolerance':>10}  nearest wrong version, test")
    for record in config.stash[RECORDS]:
        for comparison in record.comparisons:
            outcome = comparison.outcome
            nearest = "none"
            if comparison.controls:
                why = min(comparison.controls, key=lambda why: comparison.controls[why].residual)
                nearest = f"{why} {comparison.controls[why].residual:.1e}"
            terminalreporter.write_line(
                f"{outcome.residual:9.1e} {outcome.tolerance:10.1e}  {nearest:<28} {record.test}"
            )
