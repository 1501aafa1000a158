"""The numbered equations of the chapter on backpropagation."""

import itertools

import numpy as np
import pytest
import sympy
import torch
from dlmath import activations
from dlmath.networks import FeedForwardNetwork
from scipy import optimize, special

torch.set_num_threads(1)
STEP = 1e-30


def complex_step(function, at):
    """Differentiate an analytic function of an array by imaginary steps, entry by entry."""
    at = np.asarray(at, dtype=float)
    slopes = np.empty(at.size)
    for k in range(at.size):
        moved = at.astype(complex).ravel()
        moved[k] += 1j * STEP
        slopes[k] = np.imag(function(moved.reshape(at.shape))) / STEP
    return slopes.reshape(at.shape)


def draw(sizes, seed=0, n=5):
    """Draw data and parameters; with equal sizes the weights are square, and not symmetric."""
    rng = np.random.default_rng(seed)
    Ws = [rng.normal(size=pair) / np.sqrt(pair[0]) for pair in itertools.pairwise(sizes)]
    bs = [rng.normal(size=size) for size in sizes[1:]]
    return rng.normal(size=(n, sizes[0])), rng.normal(size=(n, sizes[-1])), Ws, bs


def library(sizes, Ws, bs, **options):
    """Give a network of dlmath the parameters that were drawn."""
    network = FeedForwardNetwork(sizes, **options)
    for layer, (W, b) in enumerate(zip(Ws, bs, strict=True)):
        network.parameters[2 * layer][...] = W
        network.parameters[2 * layer + 1][...] = b
    return network


def recorded(X, Y, Ws, bs, last, cost):
    """Run torch's own forward and backward pass; return what it finds for Z, W, b and X."""
    leaves = [torch.tensor(a, requires_grad=True) for a in (X, *Ws, *bs)]
    A, L = leaves[0], len(Ws)
    Zs = []
    for layer in range(L):
        Z = torch.nn.functional.linear(A, leaves[1 + layer].T, leaves[1 + L + layer])
        Z.retain_grad()
        Zs.append(Z)
        A = torch.tanh(Z) if layer < L - 1 else last(Z)
    cost(A, Zs[-1], torch.tensor(Y)).backward()
    found = [leaf.grad.numpy() for leaf in leaves]
    return {
        "X": found[0],
        "W": found[1 : 1 + L],
        "b": found[1 + L :],
        "Z": [Z.grad.numpy() for Z in Zs],
    }


def squared(A, Z, Y):
    return ((A - Y) ** 2).sum(dim=1).mean()


# What a gradient costs.


@pytest.mark.verifies(
    "eq-backpropagation-forward-difference", routes=("differences in 60 digits", "sympy")
)
def test_the_difference_tends_to_the_derivative(verify):
    """With sixty digits and a step of 1e-25 the quotient has the first digits of the derivative."""
    w, b, v = sympy.symbols("w b v")
    cost = (v * sympy.tanh(2 * w + b) - 1) ** 2
    at = {w: sympy.Rational(3, 10), b: sympy.Rational(-1, 5), v: sympy.Rational(7, 5)}
    h = sympy.Rational(1, 10**25)

    def quotient(k, step=h):
        moved = dict(at)
        moved[k] += h
        return float(((cost.subs(moved) - cost.subs(at)) / step).evalf(60))

    exact = [float(sympy.diff(cost, k).subs(at)) for k in (w, b, v)]
    verify.agree([quotient(k) for k in (w, b, v)], exact, rtol=1e-14)
    verify.refutes([quotient(k, 2 * h) for k in (w, b, v)], exact, why="factor 2")
    verify.refutes([quotient(k, -h) for k in (w, b, v)], exact, why="sign")
    verify.refutes([quotient(k) for k in (b, w, v)], exact, why="another parameter")


@pytest.mark.verifies(
    "eq-backpropagation-composition",
    "eq-backpropagation-chain",
    routes=("sympy on the composition", "the product of Jacobians"),
)
def test_the_chain_rule(verify):
    """A composition that is written out and differentiated has the product of its Jacobians."""
    x, u, v = (sympy.Matrix(sympy.symbols(f"{name}:2")) for name in "xuv")
    first = sympy.Matrix([sympy.sin(x[0]) * x[1], x[0] + x[1] ** 2])
    second = sympy.Matrix([sympy.exp(u[0] / 3), u[0] * u[1]])
    third = sympy.Matrix([v[0] ** 2 + sympy.cos(v[1])])
    inner = second.subs(dict(zip(u, first, strict=True)), simultaneous=True)
    whole = third.subs(dict(zip(v, inner, strict=True)), simultaneous=True)
    at = {x[0]: 0.4, x[1]: -1.3}
    after = dict(zip(u, first.subs(at), strict=True))
    further = dict(zip(v, second.subs(after), strict=True))
    J1, J2, J3 = (
        np.array(f.jacobian(names).subs(point), dtype=float)
        for f, names, point in ((first, x, at), (second, u, after), (third, v, further))
    )
    direct = np.array(whole.jacobian(x).subs(at).evalf(), dtype=float)
    verify.agree(J3 @ J2 @ J1, direct, rtol=1e-13)
    verify.refutes(J3 @ J1 @ J2, direct, why="the order of the factors")
    verify.refutes(J3 @ J2.T @ J1, direct, why="transpose")
    verify.refutes(J3 @ J1, direct, why="a step left out")


@pytest.mark.verifies("eq-backpropagation-order", routes=("three nested loops", "the formula"))
def test_multiplications_from_both_ends(verify):
    """Products of matrices by loops that count each multiplication need what the formula says."""
    count = 0

    def times(A, B):
        nonlocal count
        C = np.zeros((len(A), B.shape[1]))
        for i in range(len(A)):
            for j in range(B.shape[1]):
                for k in range(len(B)):
                    C[i, j] += A[i, k] * B[k, j]
                    count += 1
        return C

    rng = np.random.default_rng(1)
    counted, formula, products = [], [], []
    for m in ((3, 4, 2, 1), (5, 3, 3, 4, 1), (7, 2, 1)):
        L = len(m) - 1
        J = [rng.normal(size=(m[step], m[step - 1])) for step in range(1, L + 1)]
        for order in ("front", "end"):
            count, product = 0, J[0] if order == "front" else J[-1]
            for step in range(1, L):
                product = (
                    times(J[step], product) if order == "front" else times(product, J[-1 - step])
                )
            counted.append(count)
            products.append(product)
        formula.append(m[0] * sum(m[s] * m[s - 1] for s in range(2, L + 1)))
        formula.append(sum(m[s] * m[s - 1] for s in range(1, L)))
    verify.agree(counted, formula, atol=0.5)
    swapped = [formula[k ^ 1] for k in range(len(formula))]
    verify.refutes(counted, swapped, why="front and end exchanged")
    verify.refutes(counted, np.array(formula) + np.resize([0, 1], 6), why="one product more")
    verify.agree(products[0], products[1], rtol=1e-13)
    verify.refutes(2 * products[0], products[1], why="factor 2")


# One node in each layer, and two.


@pytest.mark.verifies(
    "eq-backpropagation-scalar-forward",
    "eq-backpropagation-scalar-output",
    "eq-backpropagation-scalar-hidden",
    routes=("sympy, for three activations", "complex step", "torch", "dlmath.networks"),
)
def test_one_node_in_each_layer(verify):
    """All derivatives of the two-node network, written out and differentiated in symbols."""
    x, y, w1, b1, w2, b2 = names = sympy.symbols("x y w1 b1 w2 b2", real=True)
    z = sympy.Symbol("z", real=True)
    at = dict(zip(names, (1.5, 1.0, 0.8, -0.5, -1.2, 0.4), strict=True))

    def number(entries):
        return [float(entry.subs(at).evalf(20)) for entry in entries]

    for formula in (sympy.sin(z), 1 / (1 + sympy.exp(-z)), sympy.tanh(z)):
        s, slope = sympy.Lambda(z, formula), sympy.Lambda(z, formula.diff(z))
        z1 = w1 * x + b1
        a1 = s(z1)
        z2 = w2 * a1 + b2
        loss = (s(z2) - y) ** 2
        delta2 = 2 * (s(z2) - y) * slope(z2)
        delta1 = delta2 * w2 * slope(z1)
        exact = number([loss.diff(name) for name in (w1, b1, w2, b2)])
        right = number([delta1 * x, delta1, delta2 * a1, delta2])
        verify.agree(right, exact, rtol=1e-14)
        wrong = number([delta1 / w2 * x, delta1, delta2 * a1, delta2])
        verify.refutes(wrong, exact, why="w2 missing in dC/dw1")
        wrong = number([delta1 * x, delta1 / w2, delta2 * a1, delta2])
        verify.refutes(wrong, exact, why="w2 missing in dC/db1")
        wrong = number([delta1 * a1, delta1, delta2 * a1, delta2])
        verify.refutes(wrong, exact, why="a1 for a0")
        wrong = number([delta1 * x, delta1, delta2 * x, delta2])
        verify.refutes(wrong, exact, why="a0 for a1")
        verify.refutes([v / 2 for v in right], exact, why="factor 2")
        verify.refutes([-v for v in right], exact, why="sign")

    def numeric(p):
        return (np.tanh(p[2] * np.tanh(p[0] * 1.5 + p[1]) + p[3]) - 1.0) ** 2

    point = np.array([0.8, -0.5, -1.2, 0.4])
    verify.agree(complex_step(numeric, point), exact, rtol=1e-14)
    verify.refutes(-complex_step(numeric, point), exact, why="sign, by complex step")
    network = library(
        [1, 1, 1], [[[0.8]], [[-1.2]]], [[-0.5], [0.4]], activation="tanh", output="tanh"
    )
    found = np.concatenate([g.ravel() for g in network.gradients([[1.5]], [[1.0]])])
    verify.agree(found, exact, rtol=1e-14)
    verify.refutes(found / 2, exact, why="factor 2, in the library")
    t = torch.tensor(point, requires_grad=True)
    ((torch.tanh(t[2] * torch.tanh(t[0] * 1.5 + t[1]) + t[3]) - 1.0) ** 2).backward()
    verify.agree(t.grad.numpy(), exact, rtol=1e-14)
    verify.refutes(2 * t.grad.numpy(), exact, why="factor 2, by torch")


@pytest.mark.verifies(
    "eq-backpropagation-two-forward",
    "eq-backpropagation-two-hidden",
    "eq-backpropagation-two-paths",
    routes=("complex step through sums over indices", "the formulas", "every path", "dlmath"),
)
def test_two_nodes_and_all_paths(verify):
    """Derivatives of the 2-2-1 network, and the derivative by an input as a sum over paths."""
    rng = np.random.default_rng(2)
    x, W1, b1, w2, b2, y = rng.normal(size=2), *(rng.normal(size=s) for s in ((2, 2), 2, 2, 1, 1))

    def loss(x, W1, b1):
        z1 = [sum(x[i] * W1[i, j] for i in range(2)) + b1[j] for j in range(2)]
        return (np.tanh(sum(np.tanh(z1[j]) * w2[j] for j in range(2)) + b2[0]) - y[0]) ** 2

    z1 = x @ W1 + b1
    a1 = np.tanh(z1)
    a2 = np.tanh(a1 @ w2 + b2)
    slope1, slope2 = 1 - a1**2, 1 - a2**2
    delta2 = 2 * (a2 - y) * slope2
    delta1 = delta2 * w2 * slope1
    by_weights = complex_step(lambda W: loss(x, W, b1), W1)
    verify.agree(np.outer(x, delta1), by_weights, rtol=1e-13)
    verify.refutes(np.outer(delta1, x), by_weights, why="transpose")
    verify.refutes(np.outer(a1, delta1), by_weights, why="a1 for a0")
    verify.refutes(np.outer(x, delta2 * slope1), by_weights, why="w2 missing")
    verify.refutes(np.outer(x, delta2 * w2), by_weights, why="slope missing")
    verify.refutes(np.outer(x, delta1 / 2), by_weights, why="factor 2")
    verify.agree(delta1, complex_step(lambda b: loss(x, W1, b), b1), rtol=1e-13)
    verify.refutes(
        delta2 * slope1, complex_step(lambda b: loss(x, W1, b), b1), why="w2 missing in the bias"
    )

    by_input = complex_step(lambda u: loss(u, W1, b1), x)
    verify.agree(W1 @ delta1, by_input, rtol=1e-13)
    verify.refutes(W1.T @ delta1, by_input, why="transpose in the input")
    paths = [delta2[0] * sum(w2[j] * slope1[j] * W1[i, j] for j in range(2)) for i in range(2)]
    verify.agree(paths, by_input, rtol=1e-13)
    one_path = [delta2[0] * w2[0] * slope1[0] * W1[i, 0] for i in range(2)]
    verify.refutes(one_path, by_input, why="a path left out")
    network = library([2, 2, 1], [W1, w2[:, None]], [b1, b2], activation="tanh", output="tanh")
    verify.agree(network.gradients([x], [y])[0], by_weights, rtol=1e-13)
    verify.refutes(network.gradients([x], [y])[0].T, by_weights, why="transpose in the library")


# The general case.


@pytest.mark.verifies(
    "eq-backpropagation-sample-layer",
    "eq-backpropagation-error",
    "eq-backpropagation-sample-delta",
    "eq-backpropagation-sample-sum",
    "eq-backpropagation-sample-gradients",
    routes=("complex step, from each layer on", "the recursion", "sums over indices"),
)
def test_one_sample(verify):
    """Each z, W, b and x is moved by an imaginary step; the last activation mixes the entries."""
    rng = np.random.default_rng(3)
    _, _, Ws, bs = draw([3, 3, 3, 3], seed=3)
    mix, x, y = rng.normal(size=(3, 3)), rng.normal(size=3), rng.normal(size=3)

    def forward(values, layer, stop=3):
        """Go on from z of a layer to the loss."""
        z = values
        for k in range(layer, stop):
            z = Ws[k].T @ np.tanh(z) + bs[k]
        return np.sum((mix @ np.tanh(z) - y) ** 3)

    zs, a = [], x
    inputs = [x]
    for W, b in zip(Ws, bs, strict=True):
        zs.append(W.T @ a + b)
        a = np.tanh(zs[-1])
        inputs.append(a)
    J = mix * (1 - np.tanh(zs[2]) ** 2)
    by_a = 3 * (mix @ np.tanh(zs[2]) - y) ** 2
    deltas = [None, None, J.T @ by_a]
    for k in (1, 0):
        deltas[k] = (Ws[k + 1] @ deltas[k + 1]) * (1 - np.tanh(zs[k]) ** 2)
    exact = [complex_step(lambda z, k=k: forward(z, k + 1), zs[k]) for k in range(3)]
    verify.agree(deltas, exact, rtol=1e-13, atol=1e-14)
    verify.refutes([*deltas[:2], J @ by_a], exact, why="transpose of the Jacobian")
    wrong = (Ws[2].T @ deltas[2]) * (1 - np.tanh(zs[1]) ** 2)
    verify.refutes([deltas[0], wrong, deltas[2]], exact, why="transpose of the weights")
    verify.refutes([deltas[0], Ws[2] @ deltas[2], deltas[2]], exact, why="slope missing")
    wrong = (Ws[2] @ deltas[2]) * (1 - np.tanh(zs[2]) ** 2)
    verify.refutes([deltas[0], wrong, deltas[2]], exact, why="slope of the wrong layer")
    verify.refutes([-d for d in deltas], exact, why="sign")

    sums = [
        (1 - np.tanh(zs[0][i]) ** 2) * sum(Ws[1][i, j] * exact[1][j] for j in range(3))
        for i in range(3)
    ]
    verify.agree(sums, exact[0], rtol=1e-13, atol=1e-15)
    wrong = [
        (1 - np.tanh(zs[0][i]) ** 2) * sum(Ws[1][j, i] * exact[1][j] for j in range(3))
        for i in range(3)
    ]
    verify.refutes(wrong, exact[0], why="indices exchanged")

    for k in range(3):
        by_W = complex_step(lambda W, k=k: forward(W.T @ inputs[k] + bs[k], k + 1), Ws[k])
        verify.agree(np.outer(inputs[k], deltas[k]), by_W, rtol=1e-13, atol=1e-14)
        verify.refutes(np.outer(deltas[k], inputs[k]), by_W, why="transpose")
        verify.refutes(np.outer(inputs[k + 1], deltas[k]), by_W, why="a^l for a^(l-1)")
        verify.refutes(-np.outer(inputs[k], deltas[k]), by_W, why="sign of a weight's")
        by_b = complex_step(lambda b, k=k: forward(Ws[k].T @ inputs[k] + b, k + 1), bs[k])
        verify.agree(deltas[k], by_b, rtol=1e-13, atol=1e-14)
        verify.refutes(inputs[k] * deltas[k], by_b, why="a bias treated as a weight")
    by_x = complex_step(lambda u: forward(Ws[0].T @ u + bs[0], 1), x)
    verify.agree(Ws[0] @ deltas[0], by_x, rtol=1e-13, atol=1e-14)
    verify.refutes(Ws[0].T @ deltas[0], by_x, why="transpose for the input")


def by_formulas(X, Y, Ws, bs):
    """Write the batch form with sums over indices, and slopes in another form than dlmath."""
    n, L = len(X), len(Ws)
    Zs, As = [], [X]
    for W, b in zip(Ws, bs, strict=True):
        Zs.append(np.einsum("ni,ij->nj", As[-1], W) + np.ones((n, 1)) * b)
        As.append(np.tanh(Zs[-1]))
    slopes = [1 / np.cosh(Z) ** 2 for Z in Zs]
    Deltas = [None] * (L - 1) + [2 / n * (As[-1] - Y) * slopes[-1]]
    for k in range(L - 2, -1, -1):
        Deltas[k] = np.einsum("nj,ij->ni", Deltas[k + 1], Ws[k + 1]) * slopes[k]
    return Zs, As, slopes, Deltas


@pytest.mark.verifies(
    "eq-backpropagation-rows",
    "eq-backpropagation-output",
    "eq-backpropagation-delta",
    "eq-backpropagation-weights",
    "eq-backpropagation-biases",
    "eq-backpropagation-inputs",
    "eq-backpropagation-batch-sum",
    routes=("torch's record of the forward pass", "the formulas", "dlmath.networks"),
)
def test_all_samples_at_once(verify):
    """Square weights, so that a transpose is not caught by shapes; torch differentiates by Z."""
    sizes, n = [3, 3, 3, 3], 5
    X, Y, Ws, bs = draw(sizes, seed=4, n=n)
    truth = recorded(X, Y, Ws, bs, torch.tanh, squared)
    _, As, slopes, Deltas = by_formulas(X, Y, Ws, bs)
    network = library(sizes, Ws, bs, activation="tanh", output="tanh")

    verify.agree(Deltas[-1], truth["Z"][-1], rtol=2e-12)
    verify.refutes(n * Deltas[-1], truth["Z"][-1], why="factor n, sum for mean")
    verify.refutes(Deltas[-1] / 2, truth["Z"][-1], why="factor 2")
    verify.refutes(-Deltas[-1], truth["Z"][-1], why="sign")
    verify.refutes(Deltas[-1] / 3, truth["Z"][-1], why="divided by the outputs")
    verify.refutes(2 / n * (As[-1] - Y), truth["Z"][-1], why="slope missing")

    verify.agree(Deltas[:2], truth["Z"][:2], rtol=2e-12)
    transposed = [(D @ W) * s for D, W, s in zip(Deltas[1:], Ws[1:], slopes, strict=False)]
    verify.refutes(transposed, truth["Z"][:2], why="transpose missing")
    unsloped = [D @ W.T for D, W in zip(Deltas[1:], Ws[1:], strict=True)]
    verify.refutes(unsloped, truth["Z"][:2], why="slope missing, hidden")
    early = [(D @ W.T) * s for D, W, s in zip(Deltas[1:], Ws[1:], slopes[1:], strict=True)]
    verify.refutes(early, truth["Z"][:2], why="slope of the layer above")
    without = [D * s for D, s in zip(Deltas[1:], slopes, strict=False)]
    verify.refutes(without, truth["Z"][:2], why="weights missing")
    verify.agree(network.deltas(X, Y), truth["Z"], rtol=2e-12)
    verify.refutes([n * D for D in network.deltas(X, Y)], truth["Z"], why="factor n, library")

    # Rows: each sample by itself, with its own cost of one sample.
    alone = [recorded(X[[i]], Y[[i]], Ws, bs, torch.tanh, squared) for i in range(n)]
    rows = np.array([[one["Z"][k][0] for one in alone] for k in range(3)])
    verify.agree(rows / n, truth["Z"], rtol=2e-12)
    verify.refutes(rows, truth["Z"], why="factor n in the rows")

    gradients = [A.T @ D for A, D in zip(As, Deltas, strict=False)]
    verify.agree(gradients, truth["W"], rtol=2e-12)
    verify.refutes([g.T for g in gradients], truth["W"], why="transpose of the gradient")
    shifted = [A.T @ D for A, D in zip(As[1:], Deltas, strict=True)]
    verify.refutes(shifted, truth["W"], why="A^l for A^(l-1)")
    verify.refutes([g / n for g in gradients], truth["W"], why="1/n twice")
    verify.agree(network.gradients(X, Y)[::2], truth["W"], rtol=2e-12)
    verify.refutes(
        [g.T for g in network.gradients(X, Y)[::2]], truth["W"], why="transpose in the library"
    )
    samples = [sum(np.outer(As[k][i], truth["Z"][k][i]) for i in range(n)) for k in range(3)]
    verify.agree(samples, truth["W"], rtol=2e-12)
    verify.refutes([s / n for s in samples], truth["W"], why="mean for sum over the rows")

    biases = [D.T @ np.ones(n) for D in Deltas]
    verify.agree(biases, truth["b"], rtol=2e-12)
    verify.refutes([b / n for b in biases], truth["b"], why="mean for sum")
    verify.refutes([D.sum(axis=1)[:3] for D in Deltas], truth["b"], why="sums of rows")
    verify.agree(network.gradients(X, Y)[1::2], truth["b"], rtol=2e-12)
    verify.refutes(
        [-g for g in network.gradients(X, Y)[1::2]], truth["b"], why="sign in the library"
    )

    verify.agree(Deltas[0] @ Ws[0].T, truth["X"], rtol=2e-12)
    verify.refutes(Deltas[0] @ Ws[0], truth["X"], why="transpose for the data")
    verify.refutes(n * Deltas[0] @ Ws[0].T, truth["X"], why="factor n for the data")


# Probabilities at the output.


@pytest.mark.verifies(
    "eq-backpropagation-jacobian",
    "eq-backpropagation-softmax-sample",
    routes=("sympy", "torch", "the formula"),
)
def test_the_jacobian_of_the_softmax(verify):
    """The Jacobian in symbols and by torch; the error for targets of any sum."""
    z, y = sympy.symbols("z:3", real=True), sympy.symbols("y:3", positive=True)
    weight = [sympy.exp(v) for v in z]
    a = sympy.Matrix([w / sum(weight) for w in weight])
    J = a.jacobian(z)
    verify.identical(J, sympy.diag(*a) - a * a.T)
    verify.refutes(J, sympy.diag(*a) + a * a.T, why="sign")
    verify.refutes(J, sympy.diag(*a), why="the entries do not act one by one")
    verify.refutes(J, sympy.eye(3) - a * a.T, why="a missing")
    loss = -sum(t * sympy.log(p) for t, p in zip(y, a, strict=True))
    gradient = sympy.Matrix([loss.diff(v) for v in z])
    verify.identical(gradient, sum(y) * a - sympy.Matrix(y))
    verify.refutes(gradient, a - sympy.Matrix(y), why="targets that do not sum to one")
    verify.refutes(gradient, sympy.Matrix(y) - sum(y) * a, why="sign of the error")
    verify.refutes(gradient, 2 * (sum(y) * a - sympy.Matrix(y)), why="factor 2")

    at = np.array([0.3, -1.2, 2.0, 0.7])
    by_torch = torch.autograd.functional.jacobian(
        lambda v: torch.softmax(v, dim=0), torch.tensor(at)
    ).numpy()
    p = special.softmax(at)
    verify.agree(np.diag(p) - np.outer(p, p), by_torch, atol=1e-15)
    verify.refutes(np.diag(p), by_torch, why="diagonal only")


@pytest.mark.verifies(
    "eq-backpropagation-softmax",
    "eq-backpropagation-logistic-loss",
    routes=("torch's cross-entropies", "the formula", "dlmath.networks", "sympy"),
)
def test_probabilities_with_the_cross_entropy(verify):
    """Both output layers of a network with one hidden layer, differentiated by torch."""
    sizes, n = [4, 5, 3], 6
    X, _, Ws, bs = draw(sizes, seed=6, n=n)
    rng = np.random.default_rng(7)
    cases = {
        "softmax": (
            special.softmax(rng.normal(size=(n, 3)), axis=1),
            special.softmax,
            lambda A, Z, Y: torch.nn.functional.cross_entropy(Z, Y),
        ),
        "sigmoid": (
            rng.uniform(size=(n, 3)),
            lambda Z, axis: 1 / (1 + np.exp(-Z)),
            lambda A, Z, Y: (
                torch.nn.functional.binary_cross_entropy_with_logits(Z, Y, reduction="sum") / n
            ),
        ),
    }
    for output, (Y, last, cost) in cases.items():
        truth = recorded(X, Y, Ws, bs, lambda Z: Z, cost)
        A = last(np.tanh(X @ Ws[0] + bs[0]) @ Ws[1] + bs[1], axis=1)
        verify.agree((A - Y) / n, truth["Z"][-1], rtol=1e-12)
        verify.refutes(A - Y, truth["Z"][-1], why="factor n")
        verify.refutes(2 * (A - Y) / n, truth["Z"][-1], why="factor 2")
        verify.refutes((Y - A) / n, truth["Z"][-1], why="sign")
        verify.refutes((A - Y) / n * A * (1 - A), truth["Z"][-1], why="slope too many")
        verify.refutes((A - Y) / n / 3, truth["Z"][-1], why="divided by the classes")
        network = library(sizes, Ws, bs, activation="tanh", output=output, cost="cross_entropy")
        verify.agree(network.gradients(X, Y)[0], truth["W"][0], rtol=1e-12)
        verify.refutes(n * network.gradients(X, Y)[0], truth["W"][0], why="factor n, library")

    z, y = sympy.symbols("z y", real=True)
    a = 1 / (1 + sympy.exp(-z))
    loss = -y * sympy.log(a) - (1 - y) * sympy.log(1 - a)
    points = [{z: u, y: v} for u in (-2.0, 0.3, 1.7) for v in (0.0, 0.4, 1.0)]

    def numbers(expression):
        return [float(expression.subs(point)) for point in points]

    form = sympy.log(1 + sympy.exp(z)) - y * z
    verify.agree(numbers(form), numbers(loss), rtol=1e-13)
    verify.refutes(numbers(form + 2 * y * z), numbers(loss), why="sign of yz")
    verify.refutes(
        numbers(sympy.log(1 + sympy.exp(-z)) - y * z), numbers(loss), why="sign in the exponent"
    )
    middle = -y * z - sympy.log(1 - a)
    verify.agree(numbers(middle), numbers(loss), rtol=1e-13)
    verify.refutes(numbers(y * z - sympy.log(1 - a)), numbers(loss), why="sign in the middle")
    verify.agree(numbers(form.diff(z)), numbers(a - y), rtol=1e-13)
    verify.refutes(numbers(-form.diff(z)), numbers(a - y), why="sign of the derivative")


@pytest.mark.verifies(
    "eq-backpropagation-operations", routes=("counted in dlmath's matrix products", "the formula")
)
def test_a_gradient_costs_less_than_three_passes(verify):
    """The products of the library's own passes are counted; the formula says how many."""

    class Counting(np.ndarray):
        total = 0

        def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
            plain = [np.asarray(v) for v in inputs]
            # The scalar product in the cost is no product of matrices.
            if ufunc is np.matmul and plain[0].ndim == 2:
                Counting.total += plain[0].size * plain[1].shape[-1]
            if out is not None:
                options["out"] = tuple(np.asarray(v) for v in out)
            result = getattr(ufunc, method)(*plain, **options)
            return out[0] if out is not None else np.asarray(result).view(Counting)

    rng = np.random.default_rng(8)
    counted, formula, passes, weights = [], [], [], []
    for sizes, n in (((5, 4, 3), 7), ((6, 2, 8, 3, 1), 4), ((3, 2), 5)):
        network = FeedForwardNetwork(sizes)
        network.parameters[:] = [p.view(Counting) for p in network.parameters]
        X, Y = rng.normal(size=(n, sizes[0])), rng.normal(size=(n, sizes[-1]))
        Counting.total = 0
        network.gradients(X, Y)
        counted.append(Counting.total)
        Counting.total = 0
        network.forward(X)
        passes.append(Counting.total)
        M = sum(a * b for a, b in itertools.pairwise(sizes))
        weights.append(n * M)
        formula.append(n * (3 * M - sizes[0] * sizes[1]))
    verify.agree(passes, weights, atol=0.5)
    verify.refutes(2 * np.array(passes), weights, why="factor 2")
    verify.agree(counted, formula, atol=0.5)
    verify.refutes(counted, 3 * np.array(weights), why="an error for the data, which nobody needs")
    verify.refutes(counted, 2 * np.array(weights), why="no product for the weights")
    verify.at_most(counted, 3 * np.array(weights) - 1)
    verify.refutes(counted, 2 * np.array(weights) - 1, why="less than two passes")


# Checking a gradient.


@pytest.mark.verifies(
    "eq-backpropagation-central",
    "eq-backpropagation-complex",
    routes=("sympy on a general polynomial", "the order of what is left for tanh"),
)
def test_errors_of_differences(verify):
    """For a polynomial of fourth degree the two quotients are exact to the third derivative."""
    t, h = sympy.symbols("t h", real=True)
    f = sum(c * t**k for k, c in enumerate(sympy.symbols("c:5", real=True)))
    first, second, third = (f.diff(t, k) for k in (1, 2, 3))
    central = (f.subs(t, t + h) - f.subs(t, t - h)) / (2 * h)
    verify.identical(central, first + h**2 / 6 * third)
    verify.refutes(central, first - h**2 / 6 * third, why="sign")
    verify.refutes(central, first + h**2 / 3 * third, why="factor 2")
    verify.refutes(central, first + h / 2 * second, why="one-sided")
    imaginary = sympy.im(sympy.expand(f.subs(t, t + sympy.I * h))) / h
    verify.identical(imaginary, first - h**2 / 6 * third)
    verify.refutes(imaginary, first + h**2 / 6 * third, why="sign, complex")
    verify.refutes(imaginary, first - h**2 / 2 * third, why="factor 3")

    # What is left of both for tanh is of the fourth order: a sixteenth at half the step.
    third = -2 + 8 * np.tanh(0.7) ** 2 - 6 * np.tanh(0.7) ** 4
    steps = np.array([0.02, 0.01])
    quotients = (np.tanh(0.7 + steps) - np.tanh(0.7 - steps)) / (2 * steps)
    rest = quotients - 1 / np.cosh(0.7) ** 2 - steps**2 / 6 * third
    verify.agree(rest[0] / rest[1], 16, rtol=0.01)
    rest = quotients - 1 / np.cosh(0.7) ** 2
    verify.refutes(rest[0] / rest[1], 16, why="the second order left in")
    rest = np.tanh(0.7 + 1j * steps).imag / steps - 1 / np.cosh(0.7) ** 2 + steps**2 / 6 * third
    verify.agree(rest[0] / rest[1], 16, rtol=0.01)
    rest = np.tanh(0.7 + 1j * steps).imag / steps - 1 / np.cosh(0.7) ** 2 - steps**2 / 6 * third
    verify.refutes(rest[0] / rest[1], 16, why="sign of the second order")

    at = 0.7
    direct = np.imag(np.tanh(at + 1e-30j)) / 1e-30
    verify.agree(direct, 1 / np.cosh(at) ** 2, rtol=1e-15)
    verify.refutes(2 * direct, 1 / np.cosh(at) ** 2, why="factor 2, complex")


@pytest.mark.verifies("eq-backpropagation-best-step", routes=("sympy", "scipy's search"))
def test_the_best_step(verify):
    """The sum of both errors is differentiated in symbols, and minimised by a search."""
    h, u, M = sympy.symbols("h u M", positive=True)
    E = h**2 / 6 * M + u / h
    star = (3 * u / M) ** sympy.Rational(1, 3)
    (found,) = [root for root in sympy.solve(E.diff(h), h) if root.is_positive]
    verify.identical(sympy.Matrix([found]), sympy.Matrix([star]))
    verify.refutes(sympy.Matrix([2 * found]), sympy.Matrix([star]), why="factor 2")
    wrong = (u / M) ** sympy.Rational(1, 3)
    verify.refutes(sympy.Matrix([wrong]), sympy.Matrix([star]), why="factor 3")
    least = (9 * u**2 * M) ** sympy.Rational(1, 3) / 2
    verify.identical(E.subs(h, found), least)
    verify.refutes(E.subs(h, found), 2 * least, why="half")
    verify.refutes(E.subs(h, found), least / 3, why="factor 3 in the error")
    values = {"u": 3e-16, "M": 2.5}
    search = optimize.minimize_scalar(
        lambda x: np.exp(2 * x) / 6 * values["M"] + values["u"] / np.exp(x),
        bounds=(-20, -1),
        method="bounded",
        options={"xatol": 1e-10},
    )
    exact = [float(e.subs({u: values["u"], M: values["M"]})) for e in (star, least)]
    verify.agree([np.exp(search.x), search.fun], exact, rtol=1e-5)
    verify.refutes([2 * np.exp(search.x), search.fun], exact, why="factor 2, by search")


@pytest.mark.verifies(
    "eq-backpropagation-directional", routes=("complex step along a line", "dlmath.networks")
)
def test_a_direction(verify):
    """One imaginary step along a random direction gives the product with the gradient."""
    sizes = [3, 4, 2]
    X, Y, Ws, bs = draw(sizes, seed=9)
    network = library(sizes, Ws, bs)
    rng = np.random.default_rng(10)
    v = [rng.normal(size=p.shape) for p in network.parameters]

    def along(t):
        W1, b1, W2, b2 = (p + t * d for p, d in zip(network.parameters, v, strict=True))
        return np.sum((np.tanh(X @ W1 + b1) @ W2 + b2 - Y) ** 2) / len(X)

    exact = np.imag(along(1j * STEP)) / STEP
    gradients = network.gradients(X, Y)
    found = sum(np.vdot(d, g) for d, g in zip(v, gradients, strict=True))
    verify.agree(found, exact, rtol=1e-13)
    verify.refutes(len(X) * found, exact, why="factor n")
    verify.refutes(-found, exact, why="sign")
    partial = sum(np.vdot(d, g) for d, g in zip(v[:3], gradients[:3], strict=True))
    verify.refutes(partial, exact, why="a parameter left out")


# Training, and the slope of the half-lives.


@pytest.mark.verifies(
    "eq-backpropagation-update",
    routes=("torch.optim.SGD on torch's gradients", "dlmath's gradients", "the first order"),
)
def test_one_step_downhill(verify):
    """A step in all parameters is that of torch, and lowers the cost by eta times the square."""
    sizes, eta = [3, 4, 2], 0.05
    X, Y, Ws, bs = draw(sizes, seed=11)
    network = library(sizes, Ws, bs)
    leaves = [torch.tensor(p, requires_grad=True) for p in network.parameters]
    descent = torch.optim.SGD(leaves, lr=eta)
    W1, b1, W2, b2 = leaves
    squared(torch.tanh(torch.tensor(X) @ W1 + b1) @ W2 + b2, None, torch.tensor(Y)).backward()
    descent.step()

    def flat(parts):
        return np.concatenate([np.asarray(part).ravel() for part in parts])

    theirs = flat([leaf.detach().numpy() for leaf in leaves])
    before, slopes = flat(network.parameters), flat(network.gradients(X, Y))
    verify.agree(before - eta * slopes, theirs, rtol=1e-13, atol=1e-14)
    verify.refutes(before + eta * slopes, theirs, why="sign")
    forgotten = np.where(np.arange(before.size) < 16, slopes, 0)
    verify.refutes(before - eta * forgotten, theirs, why="the output layer left out")
    verify.refutes(before - eta * len(X) * slopes, theirs, why="factor n")

    def lowered(step):
        moved = network.copy()
        for p, slope in zip(moved.parameters, network.gradients(X, Y), strict=True):
            p -= step * slope
        return (network.cost_value(X, Y) - moved.cost_value(X, Y)) / step

    verify.agree(lowered(1e-7), slopes @ slopes, rtol=1e-5)
    verify.refutes(-lowered(1e-7), slopes @ slopes, why="uphill")
    verify.refutes(2 * lowered(1e-7), slopes @ slopes, why="factor 2")


@pytest.mark.verifies("eq-backpropagation-slope", routes=("sympy", "the formula"))
def test_slope_of_the_tunnelling_law(verify):
    """The law differentiated in symbols."""
    t0, t1, t2 = sympy.symbols("t0:3", real=True)
    Z, A, Q = sympy.symbols("Z A Q", positive=True)
    law = t0 + t1 * Z / sympy.sqrt(Q) + t2 * sympy.sqrt(Z * sympy.cbrt(A))
    verify.identical(law.diff(Q), -t1 * Z / (2 * Q ** sympy.Rational(3, 2)))
    verify.refutes(law.diff(Q), t1 * Z / (2 * Q ** sympy.Rational(3, 2)), why="sign")
    verify.refutes(law.diff(Q), -t1 * Z / Q ** sympy.Rational(3, 2), why="factor 2")
    verify.refutes(law.diff(Q), -t1 * Z / (2 * sympy.sqrt(Q)), why="power of Q")


# Vanishing gradients.


@pytest.mark.verifies(
    "eq-backpropagation-product",
    "eq-backpropagation-bound",
    "eq-backpropagation-gradient-norm",
    routes=("torch", "the product of matrices", "singular values"),
)
def test_errors_are_products(verify):
    """Four layers of the same width: the product, the bound, and a case in which it is reached."""
    sizes = [4, 4, 4, 4, 4]
    X, Y, Ws, bs = draw(sizes, seed=12, n=1)

    def logistic(sizes, Ws, bs):
        leaves = [torch.tensor(W, requires_grad=True) for W in Ws]
        A, Zs, As = torch.tensor(X), [], [X[0]]
        for W, b in zip(leaves, bs, strict=True):
            Z = A @ W + torch.tensor(b)
            Z.retain_grad()
            Zs.append(Z)
            A = torch.sigmoid(Z)
            As.append(A.detach().numpy()[0])
        ((A - torch.tensor(Y)) ** 2).sum().backward()
        errors = [Z.grad.numpy()[0] for Z in Zs]
        return [Z.detach().numpy()[0] for Z in Zs], As, errors, [W.grad.numpy() for W in leaves]

    zs, As, errors, by_W = logistic(sizes, Ws, bs)
    D = [np.diag(activations.sigmoid.derivative(z)) for z in zs]
    product = D[0] @ Ws[1] @ D[1] @ Ws[2] @ D[2] @ Ws[3] @ errors[3]
    verify.agree(product, errors[0], rtol=1e-13)
    wrong = Ws[1] @ D[0] @ Ws[2] @ D[1] @ Ws[3] @ D[2] @ errors[3]
    verify.refutes(wrong, errors[0], why="the order of W and D")
    wrong = D[0] @ Ws[1].T @ D[1] @ Ws[2].T @ D[2] @ Ws[3].T @ errors[3]
    verify.refutes(wrong, errors[0], why="transpose")
    verify.refutes(-product, errors[0], why="sign")

    norms = [np.linalg.norm(W, 2) for W in Ws]
    bound = np.linalg.norm(errors[3]) * np.prod(
        [np.abs(D[k]).max() * norms[k + 1] for k in range(3)]
    )
    verify.at_most(np.linalg.norm(errors[0]), bound)
    verify.refutes(
        np.linalg.norm(errors[0]), bound / np.prod(norms[1:]) / 1e3, why="weights left out"
    )
    sizes_of = [np.linalg.norm(As[k]) * np.linalg.norm(errors[k]) for k in range(4)]
    verify.agree([np.sqrt(np.sum(g**2)) for g in by_W], sizes_of, rtol=1e-13)
    shifted = [np.linalg.norm(As[k + 1]) * np.linalg.norm(errors[k]) for k in range(4)]
    verify.refutes([np.sqrt(np.sum(g**2)) for g in by_W], shifted, why="a^l for a^(l-1)")
    verify.refutes([np.linalg.norm(g, 2) * 2 for g in by_W], sizes_of, why="factor 2")

    # Rotations of length rho, and biases that make all z vanish: the bound is reached.
    rho = 2.5
    turns = [np.linalg.qr(W)[0] * rho for W in Ws]
    still = [-X[0] @ turns[0], *(-np.full(4, 0.5) @ turn for turn in turns[1:])]
    _, _, errors, _ = logistic(sizes, turns, still)
    reached = np.linalg.norm(errors[0]) / np.linalg.norm(errors[3])
    verify.agree(reached, (rho / 4) ** 3, rtol=1e-13)
    verify.refutes(reached, (rho / 4) ** 4, why="one layer too many")
    verify.refutes(reached, (rho / 2) ** 3, why="slope 1/2")


@pytest.mark.verifies(
    "eq-backpropagation-logistic-slope", routes=("sympy", "scipy's search", "dlmath.activations")
)
def test_slope_of_the_logistic_function(verify):
    """The derivative in symbols, and its largest value by a search."""
    z = sympy.Symbol("z", real=True)
    s = 1 / (1 + sympy.exp(-z))
    verify.identical(s.diff(z), s * (1 - s))
    verify.refutes(s.diff(z), s * (1 + s), why="sign")
    verify.refutes(s.diff(z), 2 * s * (1 - s), why="factor 2")
    search = optimize.minimize_scalar(lambda v: -activations.sigmoid.derivative(np.array(v)))
    verify.agree(-search.fun, 0.25, rtol=1e-13)
    verify.refutes(-search.fun, 0.5, why="one half")
    grid = np.linspace(-9, 9, 1001)
    verify.at_most(activations.sigmoid.derivative(grid), np.full(grid.size, 0.25))
    verify.refutes(
        activations.sigmoid.derivative(grid), np.full(grid.size, 0.2), why="a smaller bound"
    )


@pytest.mark.verifies("eq-backpropagation-kink", routes=("values", "differences", "torch"))
def test_two_kinks_cancel(verify):
    """The function is t with slope 1; torch's slope at 0 is none of its derivatives."""
    t = np.array([-2.0, -0.3, 0.0, 0.8, 3.0])

    def f(t, sign=-1):
        return activations.relu(t) + sign * activations.relu(-t)

    verify.agree(f(t), t, atol=1e-15)
    verify.refutes(f(t, 1), t, why="sign: the modulus")
    h = 2.0**-20
    slopes = (f(t + h) - f(t - h)) / (2 * h)
    verify.agree(slopes, np.ones(5), atol=1e-12)
    leaf = torch.tensor(t, requires_grad=True)
    (torch.relu(leaf) - torch.relu(-leaf)).sum().backward()
    verify.refutes(leaf.grad.numpy(), np.ones(5), why="the convention at the kink")
    twice = torch.tensor(t, requires_grad=True)
    (torch.relu(torch.relu(twice)) - torch.relu(-twice)).sum().backward()
    away = t != 0
    verify.agree(twice.grad.numpy()[away], np.ones(4), atol=1e-15)
    verify.refutes(2 * twice.grad.numpy()[away], np.ones(4), why="factor 2")
