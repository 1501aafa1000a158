"""The figure that steps through a program, against the engine on the same numbers."""

import json

import numpy as np
import pytest
from dlmath.autodiff import Variable, backward, jvp
from dlmath.interactive import tape_stepper
from dlmath.interactive._autodiff import PROGRAMS
from numpy.testing import assert_allclose
from test_interactive import run_js

ALT = "A graph of circles joined by arrows and a table of values and adjoints beside it."


def lines(words, x, y):
    """Give all values of each program, written down once more."""
    if words == "x y + sin x":
        return [x, y, x * y, np.sin(x), x * y + np.sin(x)]
    if words == "exp(x) (exp(x) + y)":
        first = np.exp(x)
        return [x, y, first, first + y, first * (first + y)]
    if words == "(x − y) / (x + y)":
        return [x, y, x - y, x + y, (x - y) / (x + y)]
    if words == "(tanh(x y) − 1)²":
        bent = np.tanh(x * y)
        return [x, y, x * y, bent, bent - 1, (bent - 1) ** 2]
    total = np.exp(x) + np.exp(y)
    return [x, y, np.exp(x), np.exp(y), total, np.log(total)]


def engine(words, x, y):
    """Give the adjoints of all values: the derivative of what remains of the program."""
    first, second = Variable(x), Variable(y)
    values, memo = (
        [first, second],
        {
            "add": lambda a, b: a + b,
            "subtract": lambda a, b: a - b,
            "multiply": lambda a, b: a * b,
            "divide": lambda a, b: a / b,
            "minus one": lambda a: a - 1.0,
            "square": lambda a: a * a,
        },
    )
    for op, args, _ in PROGRAMS[words][0]:
        values.append(memo.get(op, getattr(np, op, None))(*(values[k] for k in args)))
    return backward(values[-1], values)


def states(words, mode, steps, x=1.3, y=0.7):
    """Run the figure's model through several steps: what is known, and what is drawn."""
    widget = tape_stepper(alt=ALT)
    params = {"program": words, "mode": mode, "x": x, "y": y}
    expression = (
        "given.steps.map((step) => { const params = { ...given.params, step };"
        "return [sweep(params, given.data.programs[params.program]), compute(params, given.data)];"
        "})"
    )
    return run_js(
        "models/tape.js", expression, {"params": params, "steps": steps, "data": widget.data}
    )


@pytest.mark.parametrize("words", PROGRAMS)
def test_reverse_mode_fills_in_values_and_then_adjoints(words):
    x, y = 1.3, 0.7
    expected, bars = lines(words, x, y), engine(words, x, y)
    N = len(expected) - 2
    *shown, beyond = states(words, "reverse", [*range(2 * N + 2), 9])
    for step, (at, picture) in enumerate(shown):
        known = 2 + min(step, N)
        assert_allclose(at["values"][:known], expected[:known], rtol=1e-13)
        assert at["values"][known:] == [None] * (N + 2 - known)
        if step <= N:
            assert at["second"] == [None] * (N + 2)
        # The lines that have been gone back through, and the next, have their full adjoints.
        for k in range(N + 2):
            if step > N and k >= 2 * N + 2 - step:
                assert_allclose(at["second"][k], bars[k], rtol=1e-13)
        assert len(picture["panels"]) == 2
    assert_allclose(at["second"], bars, rtol=1e-13)
    assert beyond[0] == at
    read = dict(picture["readouts"])
    assert_allclose([float(read[f"∂f/∂{v}"].replace("−", "-")) for v in "xy"], bars[:2], rtol=0.01)


@pytest.mark.parametrize("words", PROGRAMS)
@pytest.mark.parametrize("along", [0, 1])
def test_forward_mode_fills_in_values_and_tangents_together(words, along):
    x, y = 1.3, 0.7
    N = len(PROGRAMS[words][0])
    mode = f"forward along {'xy'[along]}"
    for step, (at, _) in enumerate(states(words, mode, list(range(N + 1)))):
        for k in range(2 + step):
            moved = jvp(lambda x, y, k=k: lines(words, x, y)[k], (x, y), (1.0 - along, 1.0 * along))
            assert_allclose([at["values"][k], at["second"][k]], moved, rtol=1e-13)
        assert at["second"][2 + step :] == [None] * (N - step)


def test_the_step_is_told_in_words():
    shown = states("x y + sin x", "reverse", list(range(8)))
    said = [dict(picture["readouts"])["this step"] for _, picture in shown]
    assert said[0] == "the inputs are given"
    assert said[1] == "v₂ = x · y = 0.910"
    assert said[4] == "begin with 1 at v₄"
    assert said[5] == "v₄ sends 1.00 to v₂, v₄ sends 1.00 to v₃"
    assert said[7] == "v₂ sends 0.700 to v₀, v₂ sends 1.30 to v₁"


def test_arrows_turn_round_in_the_reverse_sweep():
    upward = []
    for _, picture in states("x y + sin x", "reverse", [3, 5]):
        arrows = [s for s in picture["panels"][0]["series"] if s["type"] == "arrow"]
        bold = [arrow for arrow in arrows if arrow["width"] > 3]
        assert len(bold) == 2
        upward.append([arrow["y"][1] > arrow["y"][0] for arrow in bold])
    assert upward == [[True, True], [False, False]]


def test_data_stay_small_and_stills_are_the_same():
    assert len(json.dumps(tape_stepper(alt=ALT).data)) < 5_000
    assert tape_stepper(alt=ALT).still == tape_stepper(alt=ALT).still


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"program": "x"}, "program must be one of x y"),
        ({"mode": "backward"}, "mode must be one of reverse; forward along x"),
        ({"step": 10}, "step must be an integer from 0 to 9"),
        ({"step": 1.5}, "step must be an integer"),
        ({"x": 0.0}, "x must be a number from 0.1 to 3"),
        ({"y": 4.0}, "y must be a number from 0.1 to 3"),
        ({"alt": "A graph."}, "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        tape_stepper(**{"alt": ALT, **change})
