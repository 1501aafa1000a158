"""The numbered equations of the chapter on automatic differentiation."""

from fractions import Fraction
from itertools import product

import mpmath
import numpy as np
import pytest
import sympy
import torch
from dlmath.autodiff import Variable, backward, count, grad, hvp, jvp, vjp
from dlmath.networks import FeedForwardNetwork
from scipy import linalg, optimize
from scipy.spatial.distance import pdist
from scipy.special import expit

torch.set_num_threads(1)


def energy(x):
    """Lennard-Jones energy, as the chapter's program has it."""
    i, j = np.triu_indices(len(x), 1)
    difference = x[i] - x[j]
    u = 1 / np.sum(difference * difference, axis=1) ** 3
    return np.sum(4 * u * (u - 1))


@pytest.mark.verifies(
    "eq-automatic-differentiation-energy",
    routes=("the chapter's program", "distances by scipy", "a tetrahedron by hand"),
)
def test_energy_of_a_cluster(verify):
    """Squares of distances and distances give one energy; six bonds at rest give minus six."""
    x = np.random.default_rng(0).uniform(0, 2, (6, 3))
    d = pdist(x)
    verify.agree(energy(x), np.sum(4 * (d**-12 - d**-6)), rtol=1e-14)
    verify.refutes(energy(x), np.sum(d**-12 - d**-6), why="factor 4")
    verify.refutes(energy(x), np.sum(8 * (d**-12 - d**-6)), why="every pair counted twice")
    verify.refutes(energy(x), np.sum(4 * (d**-6 - d**-12)), why="sign")
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    at_rest = 2 ** (1 / 6) * corners / np.sqrt(8)
    verify.agree(energy(at_rest), -6.0, rtol=1e-14)
    verify.refutes(energy(1.01 * at_rest), -6.0, why="stretched by one per cent")


# What it is not.


@pytest.mark.verifies(
    "eq-automatic-differentiation-differences",
    routes=("difference quotient in fractions", "the bound"),
)
def test_error_of_a_two_sided_difference(verify):
    """For x^3 and the worst rounding errors the bound is attained; for others it is a bound."""
    x, h, delta = Fraction(3, 7), Fraction(1, 50), Fraction(1, 10**7)
    quotient = ((x + h) ** 3 + delta - (x - h) ** 3 + delta) / (2 * h)
    error = float(quotient - 3 * x**2)
    M = 6
    verify.agree(error, float(M * h**2 / 6 + delta / h), rtol=1e-14)
    verify.refutes(error, float(M * h**2 / 3 + delta / h), why="factor 2 in the truncation")
    verify.refutes(error, float(M * h**2 / 6 + delta / (2 * h)), why="factor 2 in the rounding")
    verify.refutes(error, float(M * h / 2 + delta / h), why="the bound of a one-sided difference")
    rng = np.random.default_rng(1)
    places, steps = rng.uniform(-3, 3, 500), 10 ** rng.uniform(-4, 0, 500)
    noise = 1e-6 * rng.uniform(-1, 1, (2, 500))
    above, below = np.sin(places + steps) + noise[0], np.sin(places - steps) + noise[1]
    errors = np.abs((above - below) / (2 * steps) - np.cos(places))
    verify.at_most(errors, steps**2 / 6 + 1e-6 / steps, atol=1e-12)
    verify.refutes(errors, steps**2 / 6 + 1e-8 / steps, why="without the rounding errors")


@pytest.mark.verifies(
    "eq-automatic-differentiation-best-step", routes=("scipy's search", "the closed form")
)
def test_best_step(verify):
    """A search for the smallest bound ends where the formula says, at the value it says."""
    M, delta = 2.7, 3e-13
    found = optimize.minimize_scalar(
        lambda t: np.log(M * np.exp(2 * t) / 6 + delta / np.exp(t)), bracket=(-12, -8), tol=1e-12
    )
    h = (3 * delta / M) ** (1 / 3)
    verify.agree(np.exp(found.x), h, rtol=1e-7)
    verify.refutes(np.exp(found.x), (delta / M) ** (1 / 3), why="factor 3")
    verify.refutes(np.exp(found.x), (3 * delta / M) ** (1 / 2), why="exponent of a one-sided step")
    verify.agree(np.exp(found.fun), (9 * delta**2 * M) ** (1 / 3) / 2, rtol=1e-14)
    verify.refutes(np.exp(found.fun), (9 * delta**2 * M) ** (1 / 3), why="factor 2")
    verify.refutes(np.exp(found.fun), (9 * delta * M) ** (1 / 3) / 2, why="a square is missing")


@pytest.mark.verifies(
    "eq-automatic-differentiation-swell",
    routes=("operators counted in the written formula", "dlmath.autodiff.count", "closed form"),
)
def test_swell_of_formulas(verify):
    """The formula is written out as text, and its signs of operation are counted."""

    def texts(k):
        if k == 1:
            return "4*x*(1-x)", "4*(1-x)-4*x"
        f, slope = texts(k - 1)
        return f"4*({f})*(1-({f}))", f"4*({slope})*(1-({f}))-4*({f})*({slope})"

    def formula(x, k):
        return x if k == 0 else 4 * formula(x, k - 1) * (1 - formula(x, k - 1))

    counts = np.array([[t.count("*") + t.count("-") for t in texts(k)] for k in range(1, 9)])
    k = np.arange(1, 9)
    verify.agree(counts[:, 0], 3 * (2**k - 1))
    verify.refutes(counts[:, 0], 3 * 2**k, why="without the minus 1")
    verify.refutes(counts[:, 0], 3 * k, why="the count of the program")
    verify.agree(counts[:, 1], (3 * k - 1) * 2**k)
    verify.refutes(counts[:, 1], (3 * k + 1) * 2**k, why="sign")
    verify.refutes(counts[:, 1], (3 * k - 1) * 2 ** (k + 1), why="factor 2")
    counted = [sum(count(lambda x, k=k: formula(x, k), 0.3).values()) for k in range(1, 9)]
    verify.agree(counts[:, 0], counted)
    verify.refutes(counts[:, 0] + 1, counted, why="one operation too many")
    value, x = texts(3), sympy.Symbol("x")
    assert sympy.expand(sympy.diff(sympy.sympify(value[0]), x) - sympy.sympify(value[1])) == 0


# The chain rule.

rng = np.random.default_rng(2)
MATRICES = rng.normal(size=(4, 3, 3))
START, ALONG, BACK = rng.normal(size=(3, 3))


def chained(v, tanh):
    for M in MATRICES:
        v = tanh(M @ v)
    return v


def jacobians():
    """Differentiate each step by hand, at the values that the chain runs through."""
    v, result = START, []
    for M in MATRICES:
        v = np.tanh(M @ v)
        result.append((1 - v**2)[:, None] * M)
    return result


def whole_jacobian():
    tensors = [torch.tensor(M) for M in MATRICES]

    def run(v):
        for M in tensors:
            v = torch.tanh(M @ v)
        return v

    return torch.autograd.functional.jacobian(run, torch.tensor(START)).numpy()


@pytest.mark.verifies(
    "eq-automatic-differentiation-chain", routes=("the product of Jacobians", "torch")
)
def test_jacobian_of_a_chain(verify):
    """The Jacobians of four steps are multiplied, the last step's on the left."""
    first, second, third, fourth = jacobians()
    whole = whole_jacobian()
    verify.agree(fourth @ third @ second @ first, whole, rtol=3e-14)
    verify.refutes(first @ second @ third @ fourth, whole, why="order")
    verify.refutes((fourth @ third @ second @ first).T, whole, why="transpose")


@pytest.mark.verifies(
    "eq-automatic-differentiation-products",
    routes=("matrices times vectors", "torch's Jacobian", "dlmath.autodiff"),
)
def test_products_with_the_jacobian(verify):
    """Both products need only matrices times vectors, and the engine's sweeps give them."""
    whole, steps = whole_jacobian(), jacobians()
    forward, back, wrong = ALONG, BACK, BACK
    for J in steps:
        forward = J @ forward
        wrong = J.T @ wrong
    for J in reversed(steps):
        back = J.T @ back
    verify.agree(forward, whole @ ALONG, rtol=3e-14)
    verify.refutes(whole.T @ ALONG, whole @ ALONG, why="transpose")
    verify.agree(back, whole.T @ BACK, rtol=3e-14)
    verify.refutes(wrong, whole.T @ BACK, why="order of a forward sweep")
    verify.refutes(whole @ BACK, whole.T @ BACK, why="transpose")
    verify.agree(jvp(lambda v: chained(v, np.tanh), START, ALONG)[1], forward, rtol=3e-14)
    verify.refutes(back, forward, why="the other mode")
    verify.agree(vjp(lambda v: chained(v, np.tanh), START)[1](BACK)[0], back, rtol=3e-14)
    verify.refutes(forward, back, why="the other mode")


# Programs of single lines: a function of two arguments, and its derivatives by both.
KINDS = {
    "+": (lambda a, b: a + b, lambda a, b: (1, 1)),
    "-": (lambda a, b: a - b, lambda a, b: (1, -1)),
    "*": (lambda a, b: a * b, lambda a, b: (b, a)),
    "sin": (lambda a, b: a.sin() if hasattr(a, "sin") else np.sin(a), lambda a, b: (np.cos(a), 0)),
    "exp": (
        lambda a, b: (0.1 * a).exp() if hasattr(a, "exp") else np.exp(0.1 * a),
        lambda a, b: (0.1 * np.exp(0.1 * a), 0),
    ),
}


def draw_program(seed, kinds=tuple(KINDS), lines=12, inputs=3):
    """Draw lines (kind, j, k); every line uses the one before, and the first ones all inputs."""
    rng = np.random.default_rng(seed)
    result = []
    for i in range(lines):
        first = inputs + i - 1 if i else 0
        second = i + 1 if i + 1 < inputs else int(rng.integers(0, inputs + i))
        kind = kinds[int(rng.integers(len(kinds)))] if i >= inputs - 1 else "*"
        result.append((kind, first, second))
    return result


def run(program, inputs):
    values = list(inputs)
    for kind, j, k in program:
        values.append(KINDS[kind][0](values[j], values[k]))
    return values


def by_torch(program, x):
    tensors = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in x]
    values = run(program, tensors)
    gradients = torch.autograd.grad(values[-1], values, allow_unused=True)
    return [0.0 if g is None else float(g) for g in gradients]


X = np.array([0.7, -0.4, 1.1])


@pytest.mark.verifies(
    "eq-automatic-differentiation-program", routes=("line by line", "one formula by sympy")
)
def test_a_program_is_its_formula(verify):
    """Substituting every line into the next gives one expression with the program's value."""
    program = draw_program(3, ("+", "-", "*"))
    symbols = sympy.symbols("a b c")
    formula = run(program, symbols)[-1]
    value = float(formula.subs(dict(zip(symbols, map(sympy.Float, X), strict=True))))
    verify.agree(run(program, X)[-1], value, rtol=1e-14)
    verify.refutes(run(program[:-1], X)[-1], value, why="the last line is missing")
    turned = [(kind, k, j) if kind == "-" else (kind, j, k) for kind, j, k in program]
    verify.refutes(run(turned, X)[-1], value, why="arguments of a difference exchanged")


@pytest.mark.verifies(
    "eq-automatic-differentiation-tangent", routes=("the recursion", "a complex step")
)
def test_tangents(verify):
    """The recursion for tangents agrees with the imaginary part of a complex step."""
    along = np.array([0.3, -1.2, 0.8])
    found, wrong, expected = [], [], []
    for seed in range(8):
        program = draw_program(seed)
        values = run(program, X)
        dots, only_first = list(along), list(along)
        for kind, j, k in program:
            slopes = KINDS[kind][1](values[j], values[k])
            dots.append(slopes[0] * dots[j] + slopes[1] * dots[k])
            only_first.append(slopes[0] * only_first[j])
        found.append(dots[-1])
        wrong.append(only_first[-1])
        expected.append(np.imag(run(program, X + 1e-30j * along)[-1]) / 1e-30)
    verify.agree(found, expected, rtol=3e-14)
    verify.refutes(wrong, expected, why="only the first argument moves")
    verify.refutes(-np.array(found), expected, why="sign")


@pytest.mark.verifies("eq-automatic-differentiation-adjoint", routes=("the recursion", "torch"))
def test_adjoints(verify):
    """The recursion for adjoints agrees with torch for every variable of several programs."""
    found, last_use, expected, with_seeds, seeded = [], [], [], [], []
    for seed in range(8):
        program = draw_program(seed)
        values = run(program, X)
        bars, overwritten, several = (np.zeros(len(values)) for _ in range(3))
        bars[-1] = overwritten[-1] = several[-1] = 1
        several[7] = 0.5  # a second output
        for own in range(len(values) - 1, 2, -1):
            kind, *arguments = program[own - 3]
            slopes = KINDS[kind][1](*(values[j] for j in arguments))
            for j, slope in zip(arguments, slopes, strict=True):
                bars[j] += bars[own] * slope
                several[j] += several[own] * slope
                overwritten[j] = overwritten[own] * slope
        found.extend(bars)
        last_use.extend(overwritten)
        expected.extend(by_torch(program, X))
        with_seeds.extend(several[:3])
        part = np.array(by_torch(program[:5], X)[:3])
        seeded.extend(np.array(by_torch(program, X)[:3]) + 0.5 * part)
    verify.agree(found, expected, rtol=1e-14, atol=1e-15)
    verify.refutes(last_use, expected, why="only the last use is kept")
    verify.refutes(-np.array(found), expected, why="sign")
    verify.agree(with_seeds, seeded, rtol=1e-14, atol=1e-15)
    verify.refutes(np.reshape(found, (8, -1))[:, :3].ravel(), seeded, why="one output forgotten")


# Dual numbers.


def dual(a, b):
    """Represent a dual number by a matrix."""
    return np.array([[a, b], [0, a]])


a, b, c, d = 0.8, -1.7, 1.4, 0.6


@pytest.mark.verifies(
    "eq-automatic-differentiation-dual-product", routes=("polynomials modulo e^2", "the formula")
)
def test_product_of_dual_numbers(verify):
    """Polynomials are multiplied, and what has the square of e is dropped."""
    e = sympy.Symbol("e")
    p, q, r, s = sympy.symbols("a b c d")
    product_ = sympy.expand(sympy.rem(sympy.expand((p + q * e) * (r + s * e)), e**2, e))
    verify.identical(product_, p * r + (p * s + q * r) * e)
    verify.refutes(product_, p * r + (p * s - q * r) * e, why="sign")
    verify.refutes(product_, p * r + q * s * e, why="entry by entry")
    verify.refutes(product_, p * r + q * s + (p * s + q * r) * e, why="e squared is 1")


@pytest.mark.verifies(
    "eq-automatic-differentiation-dual-quotient",
    routes=("a system of equations", "sympy's derivative of a quotient", "the formula"),
)
def test_quotient_of_dual_numbers(verify):
    """The equation z (c + d e) = a + b e is two linear equations for the parts of z."""
    solved = np.linalg.solve([[c, 0], [d, c]], [a, b])
    verify.agree([a / c, (b * c - a * d) / c**2], solved, rtol=1e-14)
    verify.refutes([a / c, (a * d - b * c) / c**2], solved, why="sign")
    verify.refutes([a / c, (b * c + a * d) / c**2], solved, why="sum for difference")
    verify.refutes([a / c, (b * c - a * d) / c], solved, why="denominator not squared")
    t = sympy.Symbol("t")
    slope = sympy.diff((a + b * t) / (c + d * t), t).subs(t, 0)
    verify.agree((b * c - a * d) / c**2, float(slope), rtol=1e-14)
    verify.refutes(b / d, float(slope), why="part by part")


@pytest.mark.verifies(
    "eq-automatic-differentiation-dual-matrix", routes=("matrices", "dual numbers by their rule")
)
def test_matrices_are_a_model(verify):
    """Sums and products of the matrices are the matrices of the sums and products."""
    verify.agree(dual(a, b) @ dual(c, d), dual(a * c, a * d + b * c), rtol=1e-15)
    verify.refutes(dual(a, b).T @ dual(c, d), dual(a * c, a * d + b * c), why="transpose")
    verify.refutes(dual(a, b) * dual(c, d), dual(a * c, a * d + b * c), why="entry by entry")
    verify.agree(dual(a, b) + dual(c, d), dual(a + c, b + d), rtol=1e-15)
    verify.refutes(dual(a, b) - dual(c, d), dual(a + c, b + d), why="sign")
    verify.agree(np.linalg.inv(dual(c, d)), dual(1 / c, -d / c**2), rtol=1e-14)
    verify.refutes(np.linalg.inv(dual(c, d)), dual(1 / c, d / c**2), why="sign of the inverse")


@pytest.mark.verifies(
    "eq-automatic-differentiation-dual-function",
    routes=("functions of matrices by scipy", "value and derivative"),
)
def test_functions_of_dual_numbers(verify):
    """Exponential, sine, logarithm and root of the matrix, against value and derivative."""
    M = dual(a, b)
    found = [linalg.expm(M), linalg.sinm(M), linalg.logm(M), linalg.sqrtm(M), M @ M @ M]
    values = np.array([np.exp(a), np.sin(a), np.log(a), np.sqrt(a), a**3])
    slopes = np.array([np.exp(a), np.cos(a), 1 / a, 0.5 / np.sqrt(a), 3 * a**2])
    parts = np.array([[m[0, 0], m[0, 1]] for m in np.real(found)])
    verify.agree(parts, np.column_stack([values, slopes * b]), rtol=3e-14)
    verify.refutes(parts, np.column_stack([values, slopes]), why="the factor b is missing")
    verify.refutes(parts, np.column_stack([values, -slopes * b]), why="sign")
    verify.refutes(parts, np.column_stack([values, 2 * slopes * b]), why="factor 2")


@pytest.mark.verifies(
    "eq-automatic-differentiation-dual-program",
    routes=("a program run on matrices", "torch's gradient", "dlmath.autodiff.jvp"),
)
def test_a_program_on_dual_numbers(verify):
    """A program of sums and products runs on matrices; above the diagonal stands J times x dot."""
    along = np.array([0.3, -1.2, 0.8])
    program = draw_program(5, ("+", "-", "*"))
    matrices = list(map(dual, X, along))
    for kind, j, k in program:
        left, right = matrices[j], matrices[k]
        matrices.append({"+": left + right, "-": left - right, "*": left @ right}[kind])
    value, gradient = run(program, X)[-1], np.array(by_torch(program, X)[:3])
    parts = [matrices[-1][0, 0], matrices[-1][0, 1]]
    verify.agree(parts, [value, gradient @ along], rtol=1e-14)
    verify.refutes(parts, [value, -gradient @ along], why="sign")
    verify.refutes(parts, [value, gradient.sum()], why="another direction")
    engine = jvp(lambda x, y, z: run(program, (x, y, z))[-1], tuple(X), tuple(along))
    verify.agree(engine, parts, rtol=1e-14)
    verify.refutes([engine[0], 2 * engine[1]], parts, why="factor 2")


# Rules for arrays.


@pytest.mark.verifies(
    "eq-automatic-differentiation-matmul", routes=("the formula", "torch", "dlmath.autodiff")
)
def test_reverse_rule_of_a_product(verify):
    """Square matrices, so that every wrong transpose has the right shape."""
    A, B, bar = np.random.default_rng(4).normal(size=(3, 3, 3))
    tensors = [torch.tensor(M, requires_grad=True) for M in (A, B)]
    (tensors[0] @ tensors[1]).backward(torch.tensor(bar))
    theirs = [t.grad.numpy() for t in tensors]
    verify.agree([bar @ B.T, A.T @ bar], theirs, rtol=3e-14)
    verify.refutes([bar @ B, A.T @ bar], theirs, why="B not transposed")
    verify.refutes([bar @ B.T, A @ bar], theirs, why="A not transposed")
    verify.refutes([B.T @ bar, bar @ A.T], theirs, why="order")
    verify.agree(vjp(np.matmul, A, B)[1](bar), theirs, rtol=3e-14)
    verify.refutes(vjp(np.matmul, B, A)[1](bar), theirs, why="factors exchanged")


@pytest.mark.verifies(
    "eq-automatic-differentiation-broadcast", routes=("the formula", "torch", "dlmath.autodiff")
)
def test_reverse_rule_of_broadcasting(verify):
    """A row that is copied four times receives the sum of four adjoints."""
    rng = np.random.default_rng(5)
    b, bar = rng.normal(size=4), rng.normal(size=(4, 4))
    tensor = torch.tensor(b, requires_grad=True)
    (torch.zeros(4, 4, dtype=torch.float64) + tensor).backward(torch.tensor(bar))
    theirs = tensor.grad.numpy()
    verify.agree(bar.T @ np.ones(4), theirs, rtol=1e-13)
    verify.refutes(bar.mean(axis=0), theirs, why="factor n: a mean")
    verify.refutes(bar @ np.ones(4), theirs, why="transpose")
    verify.refutes(bar[0], theirs, why="one copy only")
    verify.agree(vjp(lambda b: np.zeros((4, 4)) + b, b)[1](bar)[0], theirs, rtol=1e-13)
    verify.refutes(vjp(lambda b: np.zeros((4, 4)) - b, b)[1](bar)[0], theirs, why="sign")


# What it costs. The numbers of variable arguments and r of the table in the chapter.
PRICED = {
    "+": (lambda a, b: a + b, 2, 0),
    "-": (lambda a, b: a - b, 2, 1),
    "*": (lambda a, b: a * b, 2, 2),
    "/": (lambda a, b: a / b, 2, 4),
    "square": (lambda a, b: a * a, 2, 2),
    "exp": (lambda a, b: np.exp(a), 1, 1),
    "log": (lambda a, b: np.log(a), 1, 1),
    "sin": (lambda a, b: np.sin(a), 1, 2),
    "sqrt": (lambda a, b: np.sqrt(a), 1, 2),
    "cos": (lambda a, b: np.cos(a), 1, 3),
    "tanh": (lambda a, b: np.tanh(a), 1, 3),
    "expit": (lambda a, b: expit(a), 1, 3),
    "power": (lambda a, b: a**1.5, 1, 3),
}


def priced(seed, kinds, lines=25, inputs=3):
    """Draw a program that uses all that it computes; its inputs are used in the first lines."""
    rng = np.random.default_rng(seed)
    chosen = [kinds[int(rng.integers(len(kinds)))] for _ in range(lines)]
    chosen[: inputs - 1] = ["*"] * (inputs - 1)
    others = [i + 1 if i < inputs - 1 else int(rng.integers(0, inputs + i)) for i in range(lines)]

    def run(*values):
        values = list(values)
        for i, (kind, other) in enumerate(zip(chosen, others, strict=True)):
            values.append(PRICED[kind][0](values[inputs + i - 1 if i else 0], values[other]))
        return values[-1]

    return run, [PRICED[kind] for kind in chosen]


def operations(function, *arguments):
    with np.errstate(all="ignore"):
        return sum(count(function, *arguments).values())


@pytest.mark.verifies(
    "eq-automatic-differentiation-count",
    routes=("dlmath.autodiff.count", "the sum over the lines of the program"),
)
def test_operations_of_a_gradient(verify):
    """The engine's operations, with an adjoint of the output that is given, are the formula's."""
    counted, predicted, inputs = [], [], 3
    for seed, kinds in product(range(6), (["+", "*"], ["+", "-", "*"], list(PRICED))):
        run, lines = priced(seed, kinds)
        counted.append(operations(lambda s, *x, run=run: vjp(run, *x)[1](s)[0], 1.0, 0.7, 0.4, 0.9))
        predicted.append(sum(m + r for _, m, r in lines) + 1 - inputs)
    verify.agree(counted, predicted)
    verify.refutes(counted, np.array(predicted) + inputs, why="first contributions added to zero")
    verify.refutes(counted, np.array(predicted) - 1, why="one operation less")
    for kind, (function, m, r) in PRICED.items():
        one = operations(lambda s, x, y, f=function: vjp(f, x, y)[1](s)[0], 1.0, 0.7, 0.4)
        used = 2 if kind in "+-*/" else 1
        assert one == m + r + 1 - used, kind


@pytest.mark.verifies(
    "eq-automatic-differentiation-cheap", routes=("dlmath.autodiff.count", "the bound")
)
def test_gradients_are_cheap(verify):
    """Products nearly reach the bound with r = 2; all functions stay below the one with r = 4."""
    N, inputs = 60, 12
    x = np.random.default_rng(6).uniform(0.4, 0.9, inputs)
    run, _ = priced(1, ["*"], lines=N, inputs=inputs)
    price, both = operations(run, *x), operations(grad(run), *x)
    assert price == N
    verify.at_most(both, 4 * price)
    verify.refutes(both, 3 * price, why="factor 1 + r")
    many = []
    for seed in range(10):
        run, _ = priced(seed, list(PRICED), lines=N, inputs=inputs)
        many.append(operations(grad(run), *x) / operations(run, *x))
    verify.at_most(many, np.full(10, 6.0))
    verify.refutes(many, np.full(10, 2.0), why="two for any operation")
    run, _ = priced(2, ["/"], lines=N, inputs=2)
    quotients = operations(grad(run), 0.5, 0.7) / operations(run, 0.5, 0.7)
    verify.at_most(quotients, 6.0)
    verify.refutes(quotients, 5.0, why="a quotient for the price of a product")


@pytest.mark.verifies(
    "eq-automatic-differentiation-order",
    routes=("multiplications counted one by one", "the formula"),
)
def test_order_of_a_chain(verify):
    """Matrices are multiplied by three loops with a counter, from the right and from the left."""

    def times(A, B, counter):
        for _ in product(range(A.shape[0]), range(A.shape[1]), range(B.shape[1])):
            counter[0] += 1
        return A @ B

    n = [3, 5, 2, 4, 6]
    chain = [np.ones((n[k], n[k - 1])) for k in range(1, 5)]
    right, left = [0], [0]
    P = chain[0]
    for J in chain[1:]:
        P = times(J, P, right)
    P = chain[-1]
    for J in chain[-2::-1]:
        P = times(P, J, left)
    forward = n[0] * sum(n[k] * n[k - 1] for k in range(2, 5))
    reverse = n[4] * sum(n[k] * n[k - 1] for k in range(1, 4))
    verify.agree([right[0], left[0]], [forward, reverse])
    verify.refutes([left[0], right[0]], [forward, reverse], why="modes exchanged")
    everything = sum(n[k] * n[k - 1] for k in range(1, 5))
    verify.refutes(
        [right[0], left[0]], [n[0] * everything, n[4] * everything], why="one factor too many"
    )


def held(N, q):
    """Play the sweep through: the states that are held, and how often each step is evaluated."""
    evaluations, kept, most = 0, [], 0
    for k in range(N):
        if k % q == 0:
            kept.append(k)
        evaluations += 1
    end = N
    while kept:
        begin = kept[-1]
        states = set(kept)
        for k in range(begin, end):
            evaluations += 1
            states.add(k)  # what is needed to reverse the step from k to k + 1
        most = max(most, len(states))
        end = kept.pop()
    return most, evaluations


@pytest.mark.verifies(
    "eq-automatic-differentiation-checkpoints", routes=("the sweep played through", "the formula")
)
def test_states_held(verify):
    """The sets of states are counted for all spacings of chains up to forty steps."""
    cases = [(N, q) for N in range(1, 41) for q in range(1, N + 1)]
    played = np.array([held(N, q) for N, q in cases])
    N, q = np.array(cases).T
    formula = -(-N // q) + q - 1
    verify.at_most(played[:, 0], formula)
    verify.refutes(played[:, 0], formula - 1, why="one state less")
    fits = N % q == 0
    verify.agree(played[fits, 0], formula[fits])
    verify.refutes(played[fits, 0], (N // q + q)[fits], why="the checkpoint counted twice")
    verify.refutes(played[fits, 0], N[fits], why="all states kept")
    verify.agree(played[:, 1], 2 * N)
    verify.refutes(played[:, 1], 3 * N, why="another sweep")


@pytest.mark.verifies(
    "eq-automatic-differentiation-best-checkpoints", routes=("all spacings", "the formula")
)
def test_best_spacing(verify):
    """The smallest number over all spacings is the formula's for squares, and never below it."""
    N = np.arange(1, 101)
    least = np.array([min(-(-n // q) + q - 1 for q in range(1, n + 1)) for n in N])
    verify.at_most(2 * np.sqrt(N) - 1, least, atol=1e-12)
    verify.refutes(2 * np.sqrt(N), least, why="without the minus 1")
    played = np.array([min(held(n, q)[0] for q in range(1, n + 1) if n % q == 0) for n in N])
    squares = np.arange(1, 11) ** 2 - 1
    verify.agree(played[squares], 2 * np.sqrt(N[squares]) - 1, rtol=1e-14)
    verify.refutes(played[squares], np.sqrt(N[squares]), why="factor 2")


# Networks.


@pytest.mark.verifies(
    "eq-automatic-differentiation-backpropagation",
    routes=("the four equations", "dlmath.autodiff", "torch"),
)
def test_backpropagation(verify):
    """Adjoints of Z, W and b in a network of square layers, by three routes."""
    rng = np.random.default_rng(7)
    n = 4
    X, Y = rng.normal(size=(2, n, n))
    parameters = [rng.normal(size=shape) for _ in range(3) for shape in ((n, n), (n,))]
    weights, biases = parameters[::2], parameters[1::2]

    def forward(A, weights, biases, tanh):
        Zs, As = [], [A]
        for W, b in zip(weights, biases, strict=True):
            Zs.append(As[-1] @ W + b)
            As.append(tanh(Zs[-1]))
        return Zs, As

    def equations(transpose=True, slope=True, mean=False):
        As = forward(X, weights, biases, np.tanh)[1]
        slopes = [1 - A**2 if slope else np.ones_like(A) for A in As[1:]]
        deltas = [2 / n * (As[-1] - Y) * slopes[-1]]
        for W, s in zip(weights[:0:-1], slopes[-2::-1], strict=True):
            deltas.insert(0, (deltas[0] @ (W.T if transpose else W)) * s)
        by_W = [A.T @ D for A, D in zip(As, deltas, strict=False)]
        by_b = [(D.mean if mean else D.sum)(axis=0) for D in deltas]
        return np.concatenate([np.ravel(part) for part in (*deltas, *by_W, *by_b)])

    variables = [Variable(p) for p in parameters]
    Zs, As = forward(X, variables[::2], variables[1::2], np.tanh)
    cost = np.sum((As[-1] - Y) ** 2) / n
    wanted = [*Zs, *variables[::2], *variables[1::2]]
    engine = np.concatenate([np.ravel(bar) for bar in backward(cost, wanted)])

    tensors = [torch.tensor(p, requires_grad=True) for p in parameters]
    Zs, As = forward(torch.tensor(X), tensors[::2], tensors[1::2], torch.tanh)
    cost = torch.sum((As[-1] - torch.tensor(Y)) ** 2) / n
    theirs = torch.autograd.grad(cost, [*Zs, *tensors[::2], *tensors[1::2]])
    theirs = np.concatenate([np.ravel(g.numpy()) for g in theirs])

    verify.agree(equations(), theirs, rtol=1e-13, atol=1e-15)
    verify.refutes(equations(transpose=False), theirs, why="W not transposed")
    verify.refutes(equations(slope=False), theirs, why="the derivative of the activation missing")
    verify.refutes(equations(mean=True), theirs, why="factor n in the biases")
    verify.refutes(-equations(), theirs, why="sign")
    verify.agree(engine, equations(), rtol=1e-13, atol=1e-15)
    verify.refutes(2 * engine, equations(), why="factor 2")
    network = FeedForwardNetwork([n] * 4, "tanh", "tanh", seed=1)
    network.parameters[:] = parameters
    ours = np.concatenate([np.ravel(D) for D in network.deltas(X, Y)])
    verify.agree(ours, equations()[: 3 * n * n], rtol=1e-13, atol=1e-15)
    verify.refutes(n * ours, equations()[: 3 * n * n], why="factor n")


@pytest.mark.verifies(
    "eq-automatic-differentiation-hvp",
    routes=("the gradient along a line, differenced", "torch's Hessian", "dlmath.autodiff.hvp"),
)
def test_products_with_the_hessian(verify):
    """The energy of five atoms: the gradient's derivative along v is the Hessian times v."""
    rng = np.random.default_rng(8)
    x, v = 1.5 * rng.normal(size=(5, 3)), rng.normal(size=(5, 3))

    def by_torch(flat):
        i, j = np.triu_indices(5, 1)
        d2 = torch.sum((flat.reshape(5, 3)[i] - flat.reshape(5, 3)[j]) ** 2, 1)
        return torch.sum(4 * (d2**-6 - d2**-3))

    hessian = torch.autograd.functional.hessian(by_torch, torch.tensor(x.ravel())).numpy()
    expected = (hessian @ v.ravel()).reshape(5, 3)
    scale = np.abs(expected).max()
    verify.agree(hvp(energy, x, v), expected, atol=1e-13 * scale)
    verify.refutes(2 * hvp(energy, x, v), expected, why="factor 2")
    verify.refutes(grad(energy)(x), expected, why="the gradient itself")
    verify.refutes(hvp(energy, x, -v), expected, why="sign")
    h = 1e-3 * np.arange(-3, 4)
    gradients = np.array([grad(energy)(x + t * v) for t in h])
    stencil = np.array([-1, 9, -45, 0, 45, -9, 1]) / 60e-3
    verify.agree(np.tensordot(stencil, gradients, 1), expected, atol=1e-11 * scale)
    verify.refutes(np.tensordot(stencil, gradients, 1) / 2, expected, why="factor 1/2")


# Alpha decay, and a kink.


@pytest.mark.verifies(
    "eq-automatic-differentiation-barrier",
    routes=(
        "mpmath's quadrature of the momentum under the wall",
        "the substitution",
        "closed form",
    ),
)
def test_barrier(verify):
    """Polonium-212: the action under the Coulomb wall, by three integrals."""
    Q, Z, A, r0, offset = 8.954, 82, 208, 1.09, -22.0
    e2, hbar_c, unit = 1.43996, 197.32698, 931.494
    mu, b = unit * 4 * A / (A + 4), 2 * Z * e2 / Q
    R = r0 * (A ** (1 / 3) + 4 ** (1 / 3))
    action = mpmath.quad(
        lambda r: mpmath.sqrt(abs(2 * mu * (2 * Z * e2 / r - Q))), [R, (R + b) / 2, b]
    )
    direct = offset + float(2 * action / hbar_c) / np.log(10)
    end = np.arctan(np.sqrt(b / R - 1))
    nodes, weights = np.polynomial.legendre.leggauss(20)

    def substituted(factor=4, function=np.sin):
        integral = weights @ function(end * (nodes + 1) / 2) ** 2 * end / 2
        return offset + factor * b * np.sqrt(2 * mu * Q) / (hbar_c * np.log(10)) * integral

    verify.agree(substituted(), direct, rtol=3e-14)
    verify.refutes(substituted(2), direct, why="factor 2")
    verify.refutes(substituted(-4), direct, why="sign")
    verify.refutes(substituted(function=np.cos), direct, why="cosine for sine")
    closed = b * (end - np.sin(end) * np.cos(end))
    closed = offset + 2 * np.sqrt(2 * mu * Q) / (hbar_c * np.log(10)) * closed
    verify.agree(substituted(), closed, rtol=3e-14)
    verify.refutes(substituted(1), closed, why="factor 4")


@pytest.mark.verifies(
    "eq-automatic-differentiation-gauss-newton",
    routes=("the iteration", "scipy.optimize.least_squares", "a linear model by hand"),
)
def test_gauss_and_newton(verify):
    """The iteration ends at scipy's solution, and reaches it in one step if the model is linear."""
    t = np.linspace(0, 3, 30)
    y = 2.0 * np.exp(-1.3 * t) + 0.05 * np.random.default_rng(9).normal(size=30)

    def model(theta):
        return theta[0] * np.exp(-theta[1] * t)

    def walk(sign=1.0, factor=1.0, steps=25):
        theta = np.array([1.5, 1.0])
        for _ in range(steps):
            J = np.stack([jvp(model, theta, e)[1] for e in np.eye(2)], axis=1)
            theta = theta + sign * factor * np.linalg.lstsq(J, y - model(theta), rcond=None)[0]
        return theta

    theirs = optimize.least_squares(lambda p: model(p) - y, [1.5, 1.0], xtol=1e-15, ftol=1e-15).x
    verify.agree(walk(), theirs, rtol=1e-7)
    with np.errstate(all="ignore"):
        verify.refutes(walk(sign=-1.0, steps=2), theirs, why="sign")
    A = np.random.default_rng(10).normal(size=(6, 2))
    target, start = np.arange(6.0), np.array([3.0, -2.0])
    J = np.stack([jvp(lambda p: A @ p, start, e)[1] for e in np.eye(2)], axis=1)
    step = np.linalg.lstsq(J, target - A @ start, rcond=None)[0]
    solution = np.linalg.solve(A.T @ A, A.T @ target)
    verify.agree(start + step, solution, rtol=1e-14)
    verify.refutes(start + 2 * step, solution, why="factor 2")
    verify.refutes(start - step, solution, why="sign of a step")


@pytest.mark.verifies(
    "eq-automatic-differentiation-relu", routes=("np.maximum", "torch.relu", "x itself")
)
def test_a_difference_of_kinks(verify):
    """The difference is x for both signs; with a plus it would be the modulus."""
    x = np.array([-2.5, -1e-9, 0.0, 0.3, 7.0])
    verify.agree(np.maximum(x, 0) - np.maximum(-x, 0), x)
    verify.refutes(np.maximum(x, 0) + np.maximum(-x, 0), x, why="sign")
    verify.refutes(np.maximum(x, 0), x, why="one kink only")
    t = torch.tensor(x)
    verify.agree((torch.relu(t) - torch.relu(-t)).numpy(), x)
    verify.refutes((torch.relu(t) + torch.relu(t)).numpy(), x, why="factor 2")
