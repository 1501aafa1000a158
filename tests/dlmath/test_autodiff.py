"""The engine of `dlmath.autodiff` against torch, complex steps and its own second route."""

import gc
import weakref

import numpy as np
import pytest
from dlmath import activations, autodiff
from dlmath.autodiff import (
    Dual,
    Rule,
    Variable,
    backward,
    count,
    grad,
    hvp,
    jvp,
    logistic_cross_entropy,
    logsumexp,
    softmax_cross_entropy,
    tape,
    vjp,
)
from dlmath.networks import FeedForwardNetwork
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import erf, expit, ndtr

# Nearly every comparison here is with torch.
torch = pytest.importorskip("torch", exc_type=ImportError)
torch.set_num_threads(1)

# Name: the function in NumPy, in torch, and the interval from which arguments are drawn.
UNARY = {
    "negative": (lambda x: -x, lambda x: -x, (-2, 2)),
    "positive": (lambda x: +x, lambda x: +x, (-2, 2)),
    "absolute": (abs, torch.abs, (-2, 2)),
    "square": (np.square, torch.square, (-2, 2)),
    "sqrt": (np.sqrt, torch.sqrt, (0.2, 3)),
    "reciprocal": (np.reciprocal, torch.reciprocal, (0.2, 3)),
    "exp": (np.exp, torch.exp, (-2, 2)),
    "expm1": (np.expm1, torch.expm1, (-2, 2)),
    "log": (np.log, torch.log, (0.2, 3)),
    "log1p": (np.log1p, torch.log1p, (-0.5, 3)),
    "sin": (np.sin, torch.sin, (-2, 2)),
    "cos": (np.cos, torch.cos, (-2, 2)),
    "sinh": (np.sinh, torch.sinh, (-2, 2)),
    "cosh": (np.cosh, torch.cosh, (-2, 2)),
    "tanh": (np.tanh, torch.tanh, (-2, 2)),
    "arctan": (np.arctan, torch.arctan, (-2, 2)),
    "expit": (expit, torch.sigmoid, (-3, 3)),
    "ndtr": (ndtr, torch.special.ndtr, (-2, 2)),
    "erf": (erf, torch.erf, (-2, 2)),
    "cube": (lambda x: x**3, lambda x: x**3, (-2, 2)),
    "power zero": (lambda x: x**0, lambda x: x**0, (-2, 2)),
    "exponential": (lambda x: 2.0**x, lambda x: 2.0**x, (-2, 2)),
    "sum": (np.sum, torch.sum, (-2, 2)),
    "sum of columns": (lambda x: x.sum(axis=0), lambda x: x.sum(0), (-2, 2)),
    "kept": (
        lambda x: np.sum(x, axis=(-1,), keepdims=True),
        lambda x: x.sum(-1, keepdim=True),
        (-2, 2),
    ),
    "mean": (np.mean, torch.mean, (-2, 2)),
    "mean of rows": (lambda x: x.mean(axis=1), lambda x: x.mean(1), (-2, 2)),
    "largest": (lambda x: np.max(x, axis=1), lambda x: torch.amax(x, 1), (-2, 2)),
    "transpose": (lambda x: x.T, lambda x: x.T, (-2, 2)),
    "swap": (lambda x: np.swapaxes(x, 0, 1), lambda x: x.swapaxes(0, 1), (-2, 2)),
    "reshape": (lambda x: x.reshape(2, 6), lambda x: x.reshape(2, 6), (-2, 2)),
    "ravel": (np.ravel, torch.ravel, (-2, 2)),
    "new axis": (lambda x: x[:, None], lambda x: x[:, None], (-2, 2)),
    "expand and squeeze": (
        lambda x: np.squeeze(np.expand_dims(x, 1)),
        lambda x: x.unsqueeze(1).squeeze(),
        (-2, 2),
    ),
    "slice": (lambda x: x[1:, ::2], lambda x: x[1:, ::2], (-2, 2)),
    "row": (lambda x: x[-1], lambda x: x[-1], (-2, 2)),
    "repeated": (lambda x: x[[0, 2, 0, 0]], lambda x: x[[0, 2, 0, 0]], (-2, 2)),
    "pairs": (lambda x: x[[0, 1], [2, 2]], lambda x: x[[0, 1], [2, 2]], (-2, 2)),
    "broadcast": (
        lambda x: np.broadcast_to(x, (2, 3, 4)),
        lambda x: x.broadcast_to(2, 3, 4),
        (-2, 2),
    ),
    "logsumexp": (logsumexp, lambda x: torch.logsumexp(x, -1), (-2, 2)),
    "rows of a loop": (lambda x: sum(row * row for row in x), lambda x: (x * x).sum(0), (-2, 2)),
    "unused": (lambda x: np.ones(3) * 2.0, lambda x: 0 * x.sum() + torch.ones(3) * 2, (-2, 2)),
}

SHAPES = [((3, 4), (3, 4)), ((3, 4), (4,)), ((1, 4), (3, 1)), ((), (2, 3)), ((2, 1, 3), (4, 1))]
BINARY = {
    "add": (np.add, torch.add),
    "subtract": (np.subtract, torch.subtract),
    "multiply": (np.multiply, torch.multiply),
    "divide": (np.divide, torch.divide),
    "power": (np.power, torch.pow),
    "maximum": (np.maximum, torch.maximum),
    "minimum": (np.minimum, torch.minimum),
    "logaddexp": (np.logaddexp, torch.logaddexp),
    "where": (lambda x, y: np.where(x > y, x, 2 * y), lambda x, y: torch.where(x > y, x, 2 * y)),
    "twice": (lambda x, y: x * y + np.sin(x) / x, lambda x, y: x * y + torch.sin(x) / x),
}
PRODUCTS = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4))]
PRODUCTS += [((5, 2, 3), (5, 3, 1)), ((2, 3), (5, 3, 4)), ((3,), (5, 3, 4)), ((5, 2, 3), (3,))]


def draw(rng, shape, interval=(0.3, 2)):
    return rng.uniform(*interval, size=shape)


def against_torch(ours, theirs, arrays, rtol=1e-12):
    """Compare value, pulled seed, and pushed tangent with torch's reverse mode."""
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    expected = theirs(*tensors)
    rng = np.random.default_rng(5)
    seed = rng.normal(size=expected.shape)
    gradients = torch.autograd.grad(expected, tensors, torch.tensor(seed), allow_unused=True)
    gradients = [
        np.zeros(a.shape) if g is None else g.numpy()
        for g, a in zip(gradients, arrays, strict=True)
    ]
    value, pull = vjp(ours, *arrays)
    assert_allclose(value, expected.detach().numpy(), rtol=rtol, atol=1e-14)
    assert_array_equal(value, ours(*arrays))
    pulled = pull(seed)
    for found, right, array in zip(pulled, gradients, arrays, strict=True):
        assert np.shape(found) == array.shape
        assert_allclose(found, right, rtol=rtol, atol=1e-13)
    tangents = tuple(rng.normal(size=a.shape) for a in arrays)
    value, pushed = jvp(ours, tuple(arrays), tangents)
    assert_array_equal(value, ours(*arrays))
    assert np.shape(pushed) == np.shape(value)
    forward = np.sum(seed * pushed)
    back = sum(np.sum(g * t) for g, t in zip(gradients, tangents, strict=True))
    assert_allclose(forward, back, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_array(name):
    ours, theirs, interval = UNARY[name]
    against_torch(ours, theirs, [draw(np.random.default_rng(1), (3, 4), interval)])


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_arrays_with_broadcasting(name, shapes):
    rng = np.random.default_rng(2)
    arrays = [draw(rng, shape) for shape in shapes]
    ours, theirs = BINARY[name]
    against_torch(ours, theirs, arrays)
    against_torch(
        lambda y: ours(1.5, y), lambda y: theirs(torch.tensor(1.5).double(), y), arrays[:1]
    )
    against_torch(
        lambda x: ours(x, 1.5), lambda x: theirs(x, torch.tensor(1.5).double()), arrays[:1]
    )


@pytest.mark.parametrize("shapes", PRODUCTS)
def test_products_of_matrices(shapes):
    rng = np.random.default_rng(3)
    arrays = [draw(rng, shape, (-1, 1)) for shape in shapes]
    against_torch(lambda a, b: a @ b, lambda a, b: a @ b, arrays)


def test_functions_of_lists_of_arrays():
    rng = np.random.default_rng(4)
    arrays = [draw(rng, (2, 3)), draw(rng, (2, 1)), draw(rng, (2, 2))]
    against_torch(
        lambda *xs: np.concatenate([xs[0], xs[1], xs[2], xs[1]], axis=1),
        lambda *xs: torch.cat([xs[0], xs[1], xs[2], xs[1]], 1),
        arrays,
    )
    same = [draw(rng, (2, 3)) for _ in range(3)]
    for axis in (0, 1, -1):
        against_torch(
            lambda *xs, axis=axis: np.stack(xs, axis=axis),
            lambda *xs, axis=axis: torch.stack(xs, axis),
            same,
        )
    against_torch(
        lambda x, y: np.transpose(x, (2, 0, 1)) * y,
        lambda x, y: x.permute(2, 0, 1) * y,
        [draw(rng, (2, 3, 4)), draw(rng, (4, 2, 3))],
    )


@pytest.mark.parametrize(
    "name", [n for n in UNARY if n not in ("absolute", "largest", "logsumexp")]
)
def test_pushed_tangents_against_a_complex_step(name):
    ours, _, interval = UNARY[name]
    rng = np.random.default_rng(6)
    x, v = draw(rng, (3, 4), interval), rng.normal(size=(3, 4))
    if name == "expit":
        step = 1 / (1 + np.exp(-(x + 1e-30j * v)))
    else:
        step = ours(x + 1e-30j * v)
    assert_allclose(jvp(ours, x, v)[1], np.imag(step) / 1e-30, rtol=1e-12, atol=1e-13)


def test_ties_are_shared():
    """Where both are equal, each gets half, as in torch."""
    assert_array_equal(grad(lambda x: np.maximum(x, 0).sum())(np.zeros(2)), [0.5, 0.5])
    assert_array_equal(grad(lambda x: np.minimum(x, 0).sum())(np.zeros(2)), [0.5, 0.5])
    assert_array_equal(grad(np.max)(np.array([1.0, 3.0, 3.0])), [0, 0.5, 0.5])
    assert jvp(np.max, np.array([1.0, 3.0, 3.0]), np.array([1.0, 2.0, 4.0]))[1] == 3
    assert grad(np.absolute)(0.0) == 0
    assert grad(lambda x: x**0)(0.0) == 0
    assert grad(lambda p: 0.0**p)(2.0) == 0


def test_costs_are_stable_and_agree_with_torch():
    rng = np.random.default_rng(7)
    Z, Y = rng.normal(size=(5, 3)), np.eye(3)[[0, 1, 2, 1, 0]]
    against_torch(
        lambda z: softmax_cross_entropy(z, Y),
        lambda z: torch.nn.functional.cross_entropy(z, torch.tensor(Y)),
        [Z],
    )
    against_torch(
        lambda z: logistic_cross_entropy(z, Y),
        lambda z: 3 * torch.nn.functional.binary_cross_entropy_with_logits(z, torch.tensor(Y)),
        [Z],
    )
    assert_allclose(
        grad(lambda z: softmax_cross_entropy(z, Y))(Z), (softmax(Z) - Y) / 5, rtol=1e-13
    )
    assert_allclose(
        grad(lambda z: logistic_cross_entropy(z, Y))(Z), (expit(Z) - Y) / 5, rtol=1e-13, atol=1e-17
    )
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for cost in (softmax_cross_entropy, logistic_cross_entropy):
            far = grad(lambda z, cost=cost: cost(z, Y))(500 * Z)
            assert np.isfinite(far).all()


def softmax(Z):
    return np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)


# The graph


def test_a_variable_that_is_used_twice():
    x = Variable(3.0)
    assert backward(x * x, [x]) == [6.0]
    assert backward(x + x, [x]) == [2.0]
    assert backward(x, [x]) == [1.0]


def test_diamonds_are_walked_once(monkeypatch):
    """Sixty diamonds in a row have 2^60 paths, and as many visits as variables."""
    x = Variable(1.0)
    y = x
    for _ in range(60):
        y = np.sin(y) + np.cos(y)
    assert len(tape(y)) == 1 + 3 * 60
    visits = []
    rule = autodiff.RULES[np.add]

    def pull(k, *rest):
        visits.append(k)
        return rule.pull(k, *rest)

    monkeypatch.setitem(autodiff.RULES, np.add, rule._replace(pull=pull))
    found = backward(y, [x])[0]
    assert len(visits) == 2 * 60
    value, product = 1.0, 1.0
    for _ in range(60):
        product *= np.cos(value) - np.sin(value)
        value = np.sin(value) + np.cos(value)
    assert_allclose(found, product, rtol=1e-13)


def test_the_order_is_topological():
    x, y = Variable(0.5), Variable(0.7)
    late = np.exp(x)
    z = (x * y + late) / (late - y) + x
    order = {node.serial: position for position, node in enumerate(tape(z))}
    for node in tape(z):
        assert all(order[node.args[k].serial] < order[node.serial] for k in node.on)


def test_chains_may_be_ten_thousand_deep():
    def chain(x):
        for _ in range(10_000):
            x = 0.9999 * x + 0.0001
        return x

    assert_allclose(grad(chain)(0.3), 0.9999**10_000, rtol=1e-11)
    assert_allclose(jvp(chain, 0.3, 2.0)[1], 2 * 0.9999**10_000, rtol=1e-11)


def test_no_tape_is_left_behind():
    gc.collect()
    gc.disable()
    try:
        x = Variable(np.ones(3))
        middle = np.exp(x)
        gone = weakref.ref(middle.value)
        y = middle.sum()
        backward(y, [x])
        del middle, y
        assert gone() is None
    finally:
        gc.enable()


def test_adjoints_of_variables_on_the_way():
    x, w = Variable(np.array([1.0, 2.0])), Variable(np.array([0.5, -1.0]))
    z = w * x
    a = np.tanh(z)
    adjoints = backward(a.sum(), [a, z, w, x])
    assert_array_equal(adjoints[0], [1, 1])
    assert_allclose(adjoints[1], 1 - np.tanh([0.5, -2]) ** 2)
    assert_allclose(adjoints[2], adjoints[1] * [1, 2])
    assert_allclose(adjoints[3], adjoints[1] * [0.5, -1])


def test_a_pullback_can_be_used_for_every_row():
    A = np.random.default_rng(0).normal(size=(3, 4))
    _, pull = vjp(lambda x: A @ np.tanh(x), np.zeros(4))
    assert_allclose([pull(row)[0] for row in np.eye(3)], A, rtol=1e-14)


# Higher derivatives


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def test_hessian_vector_products_by_three_routes():
    rng = np.random.default_rng(1)
    x, v = rng.normal(size=5), rng.normal(size=5)
    tensor = torch.tensor(x)
    theirs = torch.autograd.functional.hessian(
        lambda x: torch.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2), tensor
    ).numpy()
    assert_allclose(hvp(rosenbrock, x, v), theirs @ v, rtol=1e-12)
    reverse = grad(lambda x: np.sum(grad(rosenbrock)(x) * v))(x)
    assert_allclose(reverse, theirs @ v, rtol=1e-12)
    forward = jvp(lambda x: jvp(rosenbrock, x, v)[1], x, v)[1]
    assert_allclose(forward, v @ theirs @ v, rtol=1e-12)
    _, pull = vjp(lambda x: jvp(rosenbrock, x, v)[1], x)
    assert_allclose(pull()[0], theirs @ v, rtol=1e-12)


def test_second_derivatives_of_every_elementwise_rule():
    """The derivative of each rule, again by the rules, against torch."""
    rng = np.random.default_rng(8)
    for name in list(UNARY)[:22]:
        ours, theirs, interval = UNARY[name]
        if name == "positive":
            continue
        x = draw(rng, 4, interval)
        tensor = torch.tensor(x, requires_grad=True)
        first = torch.autograd.grad((theirs(tensor) * tensor).sum(), tensor, create_graph=True)[0]
        second = torch.autograd.grad(first.sum(), tensor)[0].numpy()
        found = hvp(lambda x, f=ours: np.sum(f(x) * x), x, np.ones(4))
        assert_allclose(found, second, rtol=1e-11, atol=1e-12, err_msg=name)


def test_levels_are_not_confused():
    """The inner derivative of x + y by y is 1, whatever moves outside."""
    inner = jvp(lambda x: x * jvp(lambda y: x + y, 1.0, 1.0)[1], 1.0, 1.0)[1]
    assert inner == 1
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0) == 6
    fourth = np.sin
    for _ in range(4):
        fourth = grad(fourth)
    assert_allclose(fourth(0.7), np.sin(0.7), rtol=1e-14)


def test_a_variable_made_by_hand_inside_of_a_gradient():
    outer = Variable(2.0)
    slope = grad(lambda x: outer**2 * x**3)(1.0)
    assert isinstance(slope, Variable)
    assert_allclose(backward(slope, [outer])[0], 12.0)


# Networks


HIDDEN = [name for name in activations.ACTIVATIONS if name != "identity"]
OUTPUTS = [(name, "mse") for name in activations.ACTIVATIONS]
OUTPUTS += [("softmax", "cross_entropy"), ("sigmoid", "cross_entropy")]


def network_cost(network, X, Y):
    """Write the cost of a network as a program of its parameters."""

    def activation(name):
        # The library's tanh is computed from the modulus, which has a kink of its own at zero.
        return np.tanh if name == "tanh" else activations.get(name)

    sigma = activation(network.activation)

    def cost(*parameters):
        A = X
        for W, b in zip(parameters[::2], parameters[1::2], strict=True):
            Z = A @ W + b
            A = sigma(Z)
        if network.cost == "cross_entropy":
            costs = {"softmax": softmax_cross_entropy, "sigmoid": logistic_cross_entropy}
            return costs[network.output](Z, Y)
        return np.sum((activation(network.output)(Z) - Y) ** 2) / len(X)

    return cost


@pytest.mark.parametrize(("output", "cost"), OUTPUTS)
@pytest.mark.parametrize("activation", HIDDEN)
def test_gradients_are_those_of_backpropagation(activation, output, cost):
    rng = np.random.default_rng(9)
    network = FeedForwardNetwork([3, 5, 4, 2], activation, output, cost, seed=2)
    for parameter in network.parameters:
        parameter += 0.1 * rng.normal(size=parameter.shape)
    X, Y = rng.normal(size=(7, 3)), np.eye(2)[rng.integers(0, 2, 7)]
    program = network_cost(network, X, Y)
    assert_allclose(program(*network.parameters), network.cost_value(X, Y), rtol=1e-13)
    found = grad(program)(*network.parameters)
    for ours, theirs in zip(found, network.gradients(X, Y), strict=True):
        assert ours.shape == theirs.shape
        assert_allclose(ours, theirs, rtol=1e-11, atol=1e-14)


# Types, copies, counts


@pytest.mark.parametrize("function", [np.maximum, np.multiply, np.power, np.logaddexp, np.divide])
def test_single_precision_stays_single(function):
    x = np.array([0.5, 1.5], dtype=np.float32)
    value, pull = vjp(lambda x: 2.0 * function(x, 0.7) + np.where(x > 1, x, 0).mean(), x)
    assert value.dtype == np.float32
    assert pull(np.ones(2))[0].dtype == np.float32
    assert jvp(lambda x: function(x, x), x, np.ones(2))[1].dtype == np.float32
    mixed = vjp(lambda x, y: function(x, y).sum(), x, np.array([0.3, 0.4]))[1]()
    assert [g.dtype for g in mixed] == [np.float32, np.float64]


def test_results_are_own_copies_and_arguments_stay_as_they_are():
    x = np.array([1.0, 2.0])
    gradients = grad(lambda x, y: (x + y).sum())(x, x)
    gradients[0][0] = 7
    assert_array_equal(gradients[1], [1, 1])
    assert_array_equal(x, [1, 2])
    value, pull = vjp(lambda x: x * x, x)
    value[0] = 99
    x[0] = 99
    assert_array_equal(pull(np.ones(2))[0], [2, 4])


def test_a_constant_that_changes_between_the_two_sweeps_does_no_harm():
    factor = np.array([2.0, 3.0])
    _, pull = vjp(lambda x: x * factor, np.ones(2))
    factor[:] = 0
    assert_array_equal(pull(np.ones(2))[0], [2, 3])
    place = np.array([0, 1])
    _, pull = vjp(lambda x: x[place], np.ones(3))
    place[:] = 2
    assert_array_equal(pull(np.ones(2))[0], [1, 1, 0])


def test_values_cannot_be_changed_in_place():
    x = Variable(np.ones(3))
    with pytest.raises(TypeError, match="cannot be changed in place"):
        x[0] = 2.0
    with pytest.raises(ValueError, match="read-only"):
        x.value[0] = 2.0
    with pytest.raises(ValueError, match="read-only"):
        np.exp(x).value[0] = 2.0
    array = np.ones(3)
    with pytest.raises(TypeError, match="cannot be changed in place by a traced one"):
        array += x
    assert_array_equal(array, [1, 1, 1])


def test_adding_up_in_a_loop_makes_new_variables():
    def total(x):
        result = x[0]
        for k in range(1, 3):
            result += x[k]
        return result

    assert_array_equal(grad(total)(np.ones(3)), [1, 1, 1])


def test_counts_of_small_programs():
    assert count(lambda x, y: x * y + np.sin(x), 1.0, 2.0) == {"multiply": 1, "add": 1, "sin": 1}
    A = np.ones((3, 4))
    assert count(lambda x: A @ x, np.ones(4)) == {"matmul": 3 * 7}
    assert count(np.sum, A) == {"sum": 11}
    assert count(lambda x: x + np.ones((3, 1)), np.ones(4)) == {"add": 12}
    assert count(lambda x: x[1:].T.reshape(-1) * (2 * 3.0), np.ones(4)) == {"multiply": 3}
    assert count(lambda x: np.where(x > 0, x, 0), np.ones(4)) == {}
    once = count(grad(lambda x: np.sum(x[[0, 0, 1]])), np.ones(2))
    assert once == {"sum": 2}  # the seed does not depend on x
    assert count(lambda x: jvp(lambda x: np.sum(x[[0, 0, 1]]), x, x)[1], np.ones(2)) == {"sum": 4}


def program(rng, length, operations):
    """Draw a straight-line program that uses all that it computes."""
    steps = []
    for i in range(length):
        name = operations[rng.integers(len(operations))]
        steps.append((name, i + 1, int(rng.integers(0, i + 2))))

    def run(x, y):
        values = [x, y]
        for name, a, b in steps:
            values.append(PROGRAM[name](values[a], values[b]))
        return values[-1]

    return run


PROGRAM = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "exp": lambda a, b: np.exp(a),
    "sin": lambda a, b: np.sin(a),
    "cos": lambda a, b: np.cos(a),
    "tanh": lambda a, b: np.tanh(a),
    "sqrt": lambda a, b: np.sqrt(a),
    "log": lambda a, b: np.log(a),
}


@pytest.mark.parametrize(
    ("operations", "bound"),
    [("+ *", 4), ("+ - *", 4), ("+ * exp sin tanh sqrt log cos", 5), ("+ /", 6)],
)
def test_gradients_are_cheap(operations, bound):
    worst = 0.0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        run = program(rng, 30, operations.split())
        with np.errstate(all="ignore"):
            price = sum(count(run, 0.7, 0.4).values())
            both = sum(count(grad(run), 0.7, 0.4).values())
        assert price == 30
        worst = max(worst, both / price)
    assert 0.6 * bound < worst <= bound


# Mistakes


CASES = {
    "integers": (lambda: grad(np.sin)(3), TypeError, "argument 0 must consist of real floating"),
    "complex": (lambda: grad(np.sin)(3j), TypeError, "got complex128"),
    "text": (lambda: Variable("x"), TypeError, "value must consist of real floating-point"),
    "integers pushed": (lambda: jvp(np.sin, 3, 1.0), TypeError, "argument 0 must consist"),
    "not a scalar": (lambda: grad(np.sin)(np.ones(3)), ValueError, r"needs a scalar.*\(3,\)"),
    "no seed": (lambda: vjp(np.sin, np.ones(3))[1](), ValueError, "seed is missing"),
    "shape of the seed": (
        lambda: vjp(np.sin, np.ones(3))[1](np.ones((3, 1))),
        ValueError,
        r"seed must have the shape \(3,\), got \(3, 1\)",
    ),
    "shape of the tangent": (
        lambda: jvp(np.sin, np.ones(3), 1.0),
        ValueError,
        r"tangent 0 must have the shape \(3,\), got \(\)",
    ),
    "number of tangents": (
        lambda: jvp(np.add, (1.0, 2.0), 1.0),
        ValueError,
        "tangents must be as many as xs, 2, got 1",
    ),
    "no rule": (lambda: grad(np.arcsinh)(0.1), TypeError, "no rule for arcsinh"),
    "no rule for a function": (
        lambda: grad(lambda x: np.cumsum(x)[0])(np.ones(2)),
        TypeError,
        "no rule for cumsum",
    ),
    "ufunc's methods": (
        lambda: grad(lambda x: np.add.reduce(x))(np.ones(2)),
        TypeError,
        "np.add can be differentiated as a plain call only",
    ),
    "math": (lambda: grad(float)(1.0), TypeError, "lose its derivative"),
    "asarray": (lambda: grad(np.asarray)(1.0), TypeError, "lose its derivative"),
    "several results": (lambda: vjp(lambda x: (x, x), 1.0), TypeError, "must return one array"),
    "output": (lambda: backward(3.0, []), TypeError, "output must be a Variable, got float"),
    "wrt": (lambda: backward(Variable(1.0), [1.0]), TypeError, r"wrt\[0\] must be a Variable"),
    "levels": (
        lambda: grad(lambda x: backward(x * x, [Variable(1.0)])[0])(1.0),
        ValueError,
        r"wrt\[0\] belongs to another differentiation",
    ),
    "len of a number": (lambda: grad(lambda x: sum(x))(1.0), TypeError, "unsized"),
}


@pytest.mark.parametrize("name", CASES)
def test_mistakes_are_named(name):
    call, error, message = CASES[name]
    with pytest.raises(error, match=message):
        call()


def test_a_rule_of_ones_own(monkeypatch):
    """The eigenvalues of a symmetric matrix, by the theorem of Hellmann and Feynman."""

    def push(k, t, out, args, options):
        vectors = np.linalg.eigh(args[0])[1]
        return np.einsum("ik,ij,jk->k", vectors, t, vectors)

    def pull(k, g, out, args, options):
        vectors = np.linalg.eigh(args[0])[1]
        return (vectors * g) @ vectors.T

    monkeypatch.setitem(autodiff.RULES, np.linalg.eigvalsh, Rule(push, pull))
    rng = np.random.default_rng(3)
    A = rng.normal(size=(4, 4))
    against_torch(
        lambda a: np.linalg.eigvalsh(a + a.T), lambda a: torch.linalg.eigvalsh(a + a.T), [A]
    )


def test_representations_and_small_things():
    x = Variable(np.array([[1.0, 2.0]]))
    assert repr(x) == "Variable(array([[1., 2.]]))"
    assert (x.shape, x.ndim, x.size, len(x), x.dtype) == ((1, 2), 2, 2, 1, np.float64)
    assert repr(Dual(np.float64(1.0), 1, 2.0)).startswith("Dual(")
    assert bool(Variable(1.0))
    with pytest.raises(TypeError, match="unhashable"):
        hash(x)
    assert_array_equal(x > 1, [[False, True]])
    assert_array_equal(np.sign(x), [[1, 1]])
    assert grad(lambda x: x * 0 + np.floor(x))(1.5) == 0
    value, pull = vjp(lambda x: 5.0, np.ones(2))
    assert value == 5
    assert_array_equal(pull()[0], [0, 0])
    value, tangent = jvp(lambda x: np.array([5.0, 6.0]), 1.0, 1.0)
    assert_array_equal(tangent, [0, 0])
    assert next(iter(Variable(np.ones(3)))).shape == ()
