"""The numbered equations of the chapter on autoregressive models and flows."""

import itertools
import math
from functools import partial

import numpy as np
import pytest
import sympy
import torch
from dlmath.generative import MADE, LatticeFlow, NeuralSplineFlow, RealNVP, made_masks
from dlmath.generative._transforms import Coupling, affine, conditioner, log_gaussian, spline
from dlmath.lattice import action, independence_chain, weight_efficiency
from scipy import integrate, linalg, optimize, special, stats

torch.set_num_threads(1)


def shaken(module, size, seed=0):
    """Give a module random weights in double precision."""
    generator = torch.Generator().manual_seed(seed)
    module = module.double().eval()
    with torch.no_grad():
        for weights in module.parameters():
            weights.copy_(size * torch.randn(weights.shape, generator=generator))
    return module


def made(levels=2, d=8, strict=True):
    """Give a MADE with random weights, and let it cheat if it is told to."""
    model = MADE(levels=levels, hidden=(16, 16), orders=2, degree=2, steps=1, dropout=0.0)
    model._start(np.zeros((2, d), dtype=int))
    shaken(model.network_, 0.6)
    if not strict:
        network = model.network_
        degrees = 1 + torch.arange(16) % (d - 1)
        ranks = network.orders[0]
        outputs = ranks.repeat_interleave(len(network.features))
        network.masks(0)[-2].copy_(outputs[:, None] >= degrees)
        network.masks(0)[-1].copy_(outputs[:, None] >= ranks.repeat_interleave(2))
    return model


def states(levels, d):
    """List all states."""
    return np.indices((levels,) * d).reshape(d, -1).T


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-bits", routes=("counting states", "the formula in nats")
)
def test_bits(verify):
    """The length of a number that names one of all 17^64 images is what the formula gives."""
    d = 64
    questions = math.log2(17**d) / d
    nats = d * math.log(17)
    verify.agree(questions, nats / (d * math.log(2)), rtol=1e-14)
    verify.refutes(questions, nats / d, why="nats for bits")
    verify.refutes(questions, nats / math.log(2), why="factor d")
    verify.refutes(questions, -nats / (d * math.log(2)), why="sign")
    verify.agree(questions, 4.087, atol=5e-4)
    verify.refutes(math.log2(16), 4.087, why="sixteen levels")


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-chain",
    "eq-autoregressive-models-and-flows-normalised",
    routes=("marginal sums of a table", "a sum over all states", "dlmath.generative.MADE"),
)
def test_chain_rule(verify):
    """Conditional tables multiply to the joint one; arbitrary ones and MADE's sum to one."""
    rng = np.random.default_rng(0)
    P = rng.random((3, 4, 2))
    P /= P.sum()
    first = P.sum((1, 2))
    second = P.sum(2) / first[:, None]
    third = P / P.sum(2)[:, :, None]
    product = first[:, None, None] * second[:, :, None] * third
    verify.agree(product, P, rtol=1e-14)
    alone = np.einsum("i,j,k->ijk", first, P.sum((0, 2)), P.sum((0, 1)))
    verify.refutes(alone, P, why="independent factors")
    verify.refutes(second[:, :, None] * third, P, why="the first factor forgotten")
    around = (P / P.sum(0))[:, :, :] * second[:, :, None] * third
    verify.refutes(around, P, why="each given all others")

    any_factors = [rng.random(shape) for shape in ((3,), (3, 4), (3, 4, 2))]
    a, b, c = (f / f.sum(-1, keepdims=True) for f in any_factors)
    verify.agree(np.einsum("i,ij,ijk->", a, b, c), 1.0, rtol=1e-14)
    wrong = c.transpose(0, 2, 1) / c.transpose(0, 2, 1).sum(-1, keepdims=True)
    verify.refutes(np.einsum("i,ij,ikj->", a, b, wrong), 1.0, why="normalised over another one")
    for levels, d in ((2, 8), (3, 5)):
        model = made(levels, d)
        total = np.exp(model.log_prob_by_order(states(levels, d))).sum(1)
        verify.agree(total, np.ones(2), rtol=1e-12)
        cheat = np.exp(made(levels, d, strict=False).log_prob_by_order(states(levels, d))[0]).sum()
        verify.refutes(np.array([cheat, 1.0]), np.ones(2), why="an output that sees itself")


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-masks",
    "eq-autoregressive-models-and-flows-paths",
    routes=("loops over units", "dlmath.generative.made_masks"),
)
def test_masks(verify):
    """Masks written entry by entry are dlmath's; paths lead from lower to higher ranks only."""
    ranks, widths = np.array([3, 1, 5, 2, 4]), (6, 9)
    degrees = [ranks, *(1 + np.arange(m) % 4 for m in widths)]

    def masks(last=int.__gt__, inner=int.__ge__):
        found = []
        for before, after in itertools.pairwise(degrees):
            found.append([[float(inner(int(b), int(a))) for b in after] for a in before])
        found.append([[float(last(int(r), int(a))) for r in ranks] for a in degrees[-1]])
        return [np.array(mask) for mask in found]

    ours = [mask.numpy().T for mask in made_masks(torch.tensor(ranks), widths)]
    for k, mask in enumerate(masks()):
        verify.agree(ours[k], mask)
        if k == 2:
            loose = masks(last=int.__ge__)[k]
            verify.refutes(loose, mask, why="the last mask not strict")
            verify.refutes(masks(last=int.__lt__)[k], mask, why="sign")
        if k == 1:
            verify.refutes(masks(inner=int.__gt__)[k], mask, why="a hidden mask strict")
    allowed = (ranks[:, None] < ranks).astype(float)
    verify.agree((ours[0] @ ours[1] @ ours[2] > 0).astype(float), allowed)
    loose = masks(last=int.__ge__)
    paths = (loose[0] @ loose[1] @ loose[2] > 0).astype(float)
    verify.refutes(paths, allowed, why="paths to itself")
    narrow = masks(inner=int.__gt__)
    paths = (narrow[0] @ narrow[1] @ narrow[2] > 0).astype(float)
    verify.refutes(paths, allowed, why="paths that are cut without need")
    verify.refutes((ours[0] @ ours[1] @ ours[2] > 0).astype(float), allowed.T, why="transpose")


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-blind",
    routes=("automatic differentiation", "the ranks"),
)
def test_outputs_are_blind(verify):
    """The derivative of every output by inputs of its own or a higher rank is exactly zero."""

    def jacobian(model, order):
        def logits(x):
            seen = torch.stack([2 * x - 1, torch.zeros_like(x)], -1).flatten()[None]
            net, a = model.network_, None
            masks = net.masks(order)
            a = seen
            for layer, shift, mask in zip(net.layers, net.shifts, masks, strict=False):
                a = torch.tanh(a @ (layer.weight * mask).T + layer.bias + shift[order])
            out = a @ (net.layers[-1].weight * masks[-2]).T
            out = out + seen @ (net.direct.weight * masks[-1]).T
            return out.view(len(x), -1).sum(1)

        point = torch.linspace(0.1, 0.9, 8, dtype=torch.float64)
        return torch.autograd.functional.jacobian(logits, point).numpy()

    for order in (0, 1):
        model = made()
        ranks = model.network_.orders[order].numpy()
        forbidden = ranks >= ranks[:, None]
        found = jacobian(model, order)
        verify.agree(np.where(forbidden, found, 0), np.zeros((8, 8)))
        assert np.abs(found[~forbidden]).min() > 0
        if order == 0:
            cheating = jacobian(made(strict=False), 0)
            verify.refutes(
                np.where(forbidden, cheating, 0), np.zeros((8, 8)), why="the last mask not strict"
            )
            verify.refutes(
                np.where(forbidden.T, found, 0), np.zeros((8, 8)), why="transpose of the ranks"
            )


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-orderings",
    routes=("dlmath.generative.MADE.log_prob", "torch's divergence"),
)
def test_average_over_orderings(verify):
    """The logarithm of the average is the average of logarithms and a divergence."""
    model, X = made(levels=3, d=5), states(3, 5)
    by_order = model.log_prob_by_order(X)
    together = model.log_prob(X)
    log_w = torch.log_softmax(torch.tensor(by_order), 0)
    uniform = torch.full_like(log_w, 0.5)
    gain = torch.nn.functional.kl_div(log_w, uniform, reduction="none").sum(0).numpy()
    verify.agree(together, by_order.mean(0) + gain, rtol=1e-12)
    verify.refutes(by_order.mean(0), by_order.mean(0) + gain, why="average of logarithms")
    verify.refutes(together, by_order.mean(0) - gain, why="sign")
    verify.refutes(together + np.log(2), by_order.mean(0) + gain, why="sum for average")
    verify.refutes(together, by_order.mean(0) + 2 * gain, why="factor 2")
    other = np.sum(np.exp(log_w.numpy()) * (log_w.numpy() + np.log(2)), axis=0)
    verify.refutes(together, by_order.mean(0) + other, why="divergence the other way round")
    verify.at_most(by_order.max(0) - np.log(2), together, atol=1e-12)
    verify.refutes(by_order.max(0) + 1e-9, together, why="as good as the best")


def flow(kind, d=2, size=0.35, **more):
    """Give a flow with random weights."""
    model = kind(layers=4, width=6, steps=1, **more)
    model._start(np.random.default_rng(1).normal(0.3, 1.4, (30, d)))
    model._set_scale(torch.tensor(np.random.default_rng(1).normal(0.3, 1.4, (30, d))))
    shaken(model.network_, size)
    return model


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-density",
    routes=("scipy.stats", "the formula", "a sum over a grid", "dlmath.generative.RealNVP"),
)
def test_change_of_variables(verify):
    """A log-normal and a tilted Gaussian come out, and a flow's density integrates to one."""
    x = np.array([0.2, 1.0, 3.5])
    base, slope = stats.norm.logpdf(np.log(x)), -np.log(x)
    verify.agree(base + slope, stats.lognorm.logpdf(x, 1), rtol=1e-13)
    verify.refutes(base, stats.lognorm.logpdf(x, 1), why="determinant forgotten")
    verify.refutes(base - slope, stats.lognorm.logpdf(x, 1), why="sign of the determinant")
    verify.refutes(base + slope / 2, stats.lognorm.logpdf(x, 1), why="factor 2")

    C = np.array([[1.3, 0.0], [-0.7, 0.4]])
    points = np.array([[0.3, -1.0], [2.0, 0.5]])
    z = points @ np.linalg.inv(C).T
    formula = stats.norm.logpdf(z).sum(1) + np.linalg.slogdet(np.linalg.inv(C))[1]
    law = stats.multivariate_normal(cov=C @ C.T).logpdf(points)
    verify.agree(formula, law, rtol=1e-13)
    verify.refutes(
        stats.norm.logpdf(points @ np.linalg.inv(C)).sum(1) - np.linalg.slogdet(C)[1],
        law,
        why="transpose",
    )

    line = np.linspace(-16, 16, 501)
    grid = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    cell = (line[1] - line[0]) ** 2
    for kind, atol in ((RealNVP, 1e-8), (NeuralSplineFlow, 1e-3)):
        model = flow(kind, size=0.2)
        z, log_det = model.transform(grid)
        base = stats.norm.logpdf(z).sum(1)
        verify.agree(cell * np.exp(model.log_prob(grid)).sum(), 1.0, atol=atol)
        verify.refutes(cell * np.exp(base).sum(), 1.0, why="determinant forgotten")
        verify.refutes(cell * np.exp(base - log_det).sum(), 1.0, why="sign of the determinant")


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-compose",
    routes=("automatic differentiation and slogdet", "dlmath.generative's sum over layers"),
)
@pytest.mark.parametrize(("kind", "rtol"), [(RealNVP, 1e-12), (NeuralSplineFlow, 1e-11)])
def test_log_determinants_add(verify, kind, rtol):
    """The Jacobian of the whole flow has the determinant that the layers' sum says."""
    network = flow(kind, d=5).network_
    x = torch.tensor(np.random.default_rng(2).normal(size=(6, 5)))
    jacobians = [torch.autograd.functional.jacobian(lambda u: network(u[None])[0][0], u) for u in x]
    whole = torch.linalg.slogdet(torch.stack(jacobians))[1].numpy()
    with torch.no_grad():
        total = network(x)[1].numpy()
        parts, point = [], x
        for layer in network.transforms:
            parts.append(layer(point)[1].numpy())
            point = layer(point)[0]
        at_start = np.sum([layer(x)[1].numpy() for layer in network.transforms], axis=0)
    verify.agree(total, whole, rtol=rtol, atol=1e-12)
    verify.agree(np.sum(parts, axis=0), whole, rtol=rtol, atol=1e-12)
    verify.refutes(-np.sum(parts, axis=0), whole, why="sign")
    verify.refutes(np.sum(parts[:-1], axis=0), whole, why="a layer forgotten")
    verify.refutes(at_start, whole, why="all layers taken at the first point")
    verify.refutes(np.mean(parts, axis=0), whole, why="mean for sum")


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-coupling",
    "eq-autoregressive-models-and-flows-coupling-inverse",
    "eq-autoregressive-models-and-flows-coupling-determinant",
    "eq-autoregressive-models-and-flows-triangular",
    routes=("a root search", "automatic differentiation", "dlmath.generative's Coupling"),
)
@pytest.mark.parametrize("name", ["affine", "spline"])
def test_coupling_layer(verify, name):
    """A layer leaves one group alone, is undone by a search, and has a triangular Jacobian."""
    kept = torch.tensor([True, False, True, False, False])
    count, move = (2, affine) if name == "affine" else (11, partial(spline, reach=3.0))
    layer = shaken(Coupling(kept, conditioner(2, 7, 3 * count), move), 0.5)
    x = torch.tensor(np.random.default_rng(3).uniform(-2, 2, (4, 5)))
    with torch.no_grad():
        z, log_det = layer(x)
        back, log_back = layer.inverse(z)
        h = layer.network(x[:, kept]).view(4, 3, count)

    def tau(u, row, j):
        with torch.no_grad():
            value = move(torch.full((1, 3), u, dtype=torch.float64), h[row : row + 1], False)[0]
        return value[0, j].item()

    moved = x[:, ~kept].numpy()
    by_hand = z.clone().numpy()
    by_hand[:, kept] = x[:, kept].numpy()
    by_hand[:, ~kept.numpy()] = [[tau(moved[i, j], i, j) for j in range(3)] for i in range(4)]
    verify.agree(by_hand, z.numpy(), rtol=1e-13)
    verify.refutes(back.numpy(), z.numpy(), why="the other direction")
    searched = [
        [
            optimize.brentq(
                lambda u, i=i, j=j: tau(u, i, j) - z[i, ~kept][j].item(), -60, 60, xtol=1e-14
            )
            for j in range(3)
        ]
        for i in range(4)
    ]
    verify.agree(back[:, ~kept].numpy(), searched, rtol=1e-9, atol=1e-10)
    verify.refutes(layer(z)[0].detach()[:, ~kept].numpy(), searched, why="applied twice")
    verify.agree(back.numpy(), x.numpy(), rtol=1e-9, atol=1e-10)
    verify.refutes(z.numpy(), x.numpy(), why="not undone")

    J = torch.stack(
        [torch.autograd.functional.jacobian(lambda u: layer(u[None])[0][0], u) for u in x]
    )
    order = [0, 2, 1, 3, 4]
    J = J[:, order][:, :, order].numpy()
    upper = J[:, :2]
    verify.agree(upper, np.tile(np.eye(2, 5), (4, 1, 1)))
    verify.refutes(J.transpose(0, 2, 1)[:, :2], np.tile(np.eye(2, 5), (4, 1, 1)), why="transpose")
    block = J[:, 2:, 2:]
    slopes = np.array([np.diag(b) for b in block])
    verify.agree(block, np.array([np.diag(s) for s in slopes]))
    verify.refutes(J[:, 2:, [0, 1, 2]], np.array([np.diag(s) for s in slopes]), why="other block")
    whole = np.linalg.slogdet(J)[1]
    verify.agree(log_det.numpy(), whole, rtol=1e-11, atol=1e-12)
    verify.refutes(-log_det.numpy(), whole, why="sign")
    verify.refutes(log_det.numpy() / 3, whole, why="factor n: mean for sum")
    verify.refutes(log_det.numpy() * 0, whole, why="determinant forgotten")
    verify.agree(log_back.numpy(), -whole, rtol=1e-9, atol=1e-9)
    verify.refutes(log_det.numpy(), -whole, why="sign of the inverse")


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-affine",
    routes=("sympy", "dlmath.generative's affine map"),
)
def test_affine_map(verify):
    """In symbols the inverse undoes the map and the log-slope is s; dlmath agrees in numbers."""
    u, s, t = sympy.symbols("u s t", real=True)
    image = u * sympy.exp(s) + t
    back, log_slope = (image - t) * sympy.exp(-s), sympy.log(sympy.diff(image, u))
    right = sympy.Matrix([u, s])
    verify.identical(sympy.Matrix([back, log_slope]), right)
    wrong = sympy.Matrix([(image - t) * sympy.exp(s), log_slope])
    verify.refutes(wrong, right, why="sign of s in the inverse")
    wrong = sympy.Matrix([image * sympy.exp(-s) - t, log_slope])
    verify.refutes(wrong, right, why="order of shift and scale")
    verify.refutes(sympy.Matrix([back, 2 * log_slope]), right, why="factor 2")
    values = {u: 0.7, s: -0.4, t: 1.3}
    free = torch.tensor([[[3 * math.atanh(-0.4 / 3), 1.3]]], dtype=torch.float64)
    found = affine(torch.tensor([[0.7]], dtype=torch.float64), free, False)
    verify.agree([found[0].item(), found[1].item()], [float(image.subs(values)), -0.4], rtol=1e-13)
    verify.refutes(
        [found[0].item(), -found[1].item()], [float(image.subs(values)), -0.4], why="sign"
    )


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-spline",
    "eq-autoregressive-models-and-flows-spline-slope",
    "eq-autoregressive-models-and-flows-spline-quotient",
    "eq-autoregressive-models-and-flows-spline-inverse",
    routes=("sympy", "a root search", "dlmath.generative's spline"),
)
def test_spline_piece(verify):
    """Values, slopes and quotient rule in symbols; the inverse by a search, and by dlmath."""
    xi, s, d0, d1, e = sympy.symbols("xi s delta0 delta1 e", positive=True)
    r = xi * (1 - xi)
    N, D = s * xi**2 + d0 * r, s + (d0 + d1 - 2 * s) * r
    inner = d1 * xi**2 + 2 * s * r + d0 * (1 - xi) ** 2
    # By u the slope of xi is 1/(u1 - u0), and the heights bring v1 - v0: together s.
    slope = s * sympy.diff(N / D, xi)
    verify.identical(slope, s**2 * inner / D**2)
    wrong = s**2 * (d0 * xi**2 + 2 * s * r + d1 * (1 - xi) ** 2) / D**2
    verify.refutes(slope, wrong, why="slopes exchanged")
    verify.refutes(slope, s * inner / D**2, why="power of s")
    half = s**2 * (d1 * xi**2 + s * r + d0 * (1 - xi) ** 2) / D**2
    verify.refutes(slope, half, why="factor 2")
    ends = sympy.Matrix(
        [(N / D).subs(xi, 0), (N / D).subs(xi, 1), slope.subs(xi, 0), slope.subs(xi, 1)]
    )
    verify.identical(ends.applyfunc(sympy.simplify), sympy.Matrix([0, 1, d0, d1]))
    verify.refutes(
        ends.applyfunc(sympy.simplify), sympy.Matrix([0, 1, d1, d0]), why="ends exchanged"
    )
    De = s + e * r
    text = (2 * s * xi + d0 * (1 - 2 * xi)) * (s + e * r) - (s * xi**2 + d0 * r) * e * (1 - 2 * xi)
    quotient = sympy.diff(N, xi) * De - N * sympy.diff(De, xi)
    verify.identical(quotient, text)
    plus = (2 * s * xi + d0 * (1 - 2 * xi)) * (s + e * r) + (s * xi**2 + d0 * r) * e * (1 - 2 * xi)
    verify.refutes(quotient, plus, why="sign in the quotient rule")

    u0, u1, v0, v1 = -0.4, 0.8, 0.3, 2.9
    chord = (v1 - v0) / (u1 - u0)
    tau = sympy.lambdify((xi, s, d0, d1), v0 + (v1 - v0) * N / D)
    for left, right in ((0.3, 4.0), (2.5, 0.1), (chord, chord)):
        for v in np.linspace(v0, v1, 7):
            place = optimize.brentq(
                lambda x, *slopes: tau(x, chord, *slopes[:2]) - slopes[2],
                0,
                1,
                (left, right, v),
                1e-15,
            )
            bend = (v - v0) * (left + right - 2 * chord)
            b = (v1 - v0) * left - bend
            a, c = (v1 - v0) * chord - b, -chord * (v - v0)
            root = np.sqrt(b**2 - 4 * a * c)
            verify.agree(-2 * c / (b + root), place, rtol=1e-12, atol=1e-13)
            if v == v1:
                verify.refutes(2 * c / (b + root), place, why="sign of c")
                verify.refutes(-2 * c / (b + 2 * root), place, why="weight of the root")
                verify.refutes(-c / (b + root), place, why="factor 2 in the root")

    free = torch.tensor(np.random.default_rng(4).normal(size=(1, 9, 14)))
    u = torch.linspace(-2.7, 2.7, 9, dtype=torch.float64)[None].requires_grad_()
    value, log_slope = spline(u, free, False, 3.0)
    (derivative,) = torch.autograd.grad(value.sum(), u)
    verify.agree(log_slope.detach().numpy(), derivative.log().numpy(), rtol=1e-10, atol=1e-11)
    verify.refutes(-log_slope.detach().numpy(), derivative.log().numpy(), why="sign of log-slopes")
    back, log_back = spline(value.detach(), free, True, 3.0)
    verify.agree(back.numpy(), u.detach().numpy(), rtol=1e-11, atol=1e-12)
    verify.refutes(value.detach().numpy(), u.detach().numpy(), why="not undone")
    verify.agree(log_back.numpy(), -log_slope.detach().numpy(), rtol=1e-9, atol=1e-9)
    verify.refutes(
        log_slope.detach().numpy(), -log_slope.detach().numpy(), why="sign of the inverse"
    )


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-leak",
    routes=("the normal distribution function", "a trained flow's samples", "quadrature"),
)
def test_leak(verify):
    """Ever steeper continuous maps leak ever less, never nothing; a jump leaks nothing."""
    for steep in (1.0, 5.0, 50.0):
        edge = math.atanh(0.5) / steep
        leak = integrate.quad(stats.norm.pdf, -edge, edge, epsabs=1e-13)[0]
        verify.agree(leak, 2 * stats.norm.cdf(edge) - 1, rtol=1e-10)
        verify.refutes(0.0, leak, why="nothing leaks")
        verify.at_most(-leak, -1e-3)
        jump = np.mean(np.abs(np.sign(stats.norm.ppf((np.arange(2000) + 0.5) / 2000))) < 0.5)
        verify.refutes(-jump, -1e-3, why="a map that is not continuous")
    x = flow(RealNVP, size=0.5).sample(4000, seed=1)[:, 0]
    low, high = np.quantile(x, [0.45, 0.55])
    between = np.mean((x > low) & (x < high))
    verify.at_most(-between, -1e-3)
    verify.refutes(0.0, -1e-3, why="a gap in a flow's law")


def field(x, W, V):
    return np.tanh(x @ W) @ V


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-ode",
    "eq-autoregressive-models-and-flows-instantaneous",
    routes=("a solution in closed form", "finite differences", "scipy's solver"),
)
def test_instantaneous_change_of_variables(verify):
    """For v = -tanh x and for a Gaussian in a linear field the rate of log p is -div v."""
    x0 = np.array([-1.2, 0.4, 2.0])

    def at(t):
        return np.arcsinh(np.exp(-t) * np.sinh(x0))

    t, h = 0.7, 1e-5
    rate = (at(t + h) - at(t - h)) / (2 * h)
    verify.agree(rate, -np.tanh(at(t)), rtol=1e-9)
    verify.refutes(rate, np.tanh(at(t)), why="sign of the field")
    solved = integrate.solve_ivp(lambda t, x: -np.tanh(x), (0, t), x0, rtol=1e-11, atol=1e-12)
    verify.agree(solved.y[:, -1], at(t), rtol=1e-9)
    verify.refutes(solved.y[:, -1], at(2 * t), why="factor 2 in time")

    def log_p(t):
        # x0 is standard normal; the map x(t) -> x0 has the slope e^t cosh x / cosh x0.
        return stats.norm.logpdf(x0) + t + np.log(np.cosh(at(t)) / np.cosh(x0))

    rate = (log_p(t + h) - log_p(t - h)) / (2 * h)
    divergence = -1 / np.cosh(at(t)) ** 2
    verify.agree(rate, -divergence, rtol=1e-8)
    verify.refutes(rate, divergence, why="sign")
    verify.refutes(rate, -divergence / 2, why="factor 2")
    verify.refutes(rate, 0 * divergence, why="no change")

    A = np.array([[0.3, -1.1], [0.8, -0.9]])
    start = np.array([0.5, -0.3])

    def gaussian(t):
        flow = linalg.expm(t * A)
        return stats.multivariate_normal(cov=flow @ flow.T).logpdf(flow @ start)

    rate = (gaussian(t + h) - gaussian(t - h)) / (2 * h)
    verify.agree(rate, -np.trace(A), rtol=1e-7)
    verify.refutes(rate, np.trace(A), why="sign of the trace")
    verify.refutes(rate, -np.linalg.det(A), why="determinant for trace")


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-variation",
    "eq-autoregressive-models-and-flows-liouville",
    routes=("scipy's solver for neighbouring starts", "scipy's solver for J", "quadrature"),
)
def test_jacobian_along_a_trajectory(verify):
    """Differences of neighbouring trajectories are J, whose determinant is the exponential."""
    rng = np.random.default_rng(5)
    W, V = rng.normal(size=(2, 6)), rng.normal(size=(6, 2))

    def A(x):
        return ((W * (1 - np.tanh(x @ W) ** 2)) @ V).T

    def solve(right, y, T=0.9):
        return integrate.solve_ivp(
            right, (0, T), y, rtol=1e-11, atol=1e-12, dense_output=True, method="DOP853"
        )

    start, h = np.array([0.4, -0.2]), 1e-4
    ends = [
        (
            solve(lambda t, x: field(x, W, V), start + h * e).y[:, -1]
            - solve(lambda t, x: field(x, W, V), start - h * e).y[:, -1]
        )
        / (2 * h)
        for e in np.eye(2)
    ]
    neighbours = np.array(ends).T

    def jacobian(transposed=False, sign=1):
        def right(t, y):
            a = sign * A(y[:2])
            J = y[2:].reshape(2, 2)
            return np.append(field(y[:2], W, V), (J @ a if transposed else a @ J).ravel())

        return solve(right, np.append(start, np.eye(2).ravel())).y[2:, -1].reshape(2, 2)

    verify.agree(jacobian(), neighbours, rtol=1e-6)
    verify.refutes(jacobian(transposed=True), neighbours, why="order of the product")
    verify.refutes(jacobian(sign=-1), neighbours, why="sign")
    verify.refutes(jacobian().T, neighbours, why="transpose")
    path = solve(lambda t, x: field(x, W, V), start).sol
    total = integrate.quad(lambda t: np.trace(A(path(t))), 0, 0.9, epsabs=1e-11)[0]
    verify.agree(np.linalg.det(jacobian()), np.exp(total), rtol=1e-8)
    verify.refutes(np.linalg.det(jacobian()), np.exp(-total), why="sign of the trace")
    verify.refutes(np.linalg.det(jacobian()), 1 + total, why="first order only")
    verify.refutes(np.linalg.det(jacobian()), np.exp(0.9 * np.trace(A(start))), why="frozen trace")


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-linear", routes=("scipy's expm and slogdet", "the trace")
)
def test_linear_field(verify):
    """The determinant of a matrix exponential is the exponential of the trace."""
    A = np.random.default_rng(6).normal(size=(5, 5))
    for t in (0.5, -1.3):
        log_det = np.linalg.slogdet(linalg.expm(t * A))[1]
        verify.agree(log_det, t * np.trace(A), rtol=1e-11)
        verify.refutes(log_det, -t * np.trace(A), why="sign")
        verify.refutes(log_det, t * np.trace(A) / 5, why="factor d")
        verify.refutes(log_det, t**2 * np.trace(A), why="power of t")
        verify.refutes(log_det, np.linalg.slogdet(t * A)[1], why="logarithm of det tA")


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-hutchinson",
    routes=("all sign vectors", "numpy.trace"),
)
def test_random_trace(verify):
    """The mean of the quadratic form over all sign vectors is the trace."""
    A = np.random.default_rng(7).normal(size=(6, 6))
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=6)))
    forms = np.einsum("ni,ij,nj->n", signs, A, signs)
    verify.agree(forms.mean(), np.trace(A), rtol=1e-12)
    verify.refutes(forms.sum(), np.trace(A), why="factor n: sum for mean")
    verify.refutes(forms.mean() / 6, np.trace(A), why="factor d")
    verify.refutes(-forms.mean(), np.trace(A), why="sign")
    equal = np.repeat(signs[:, :1], 6, axis=1)
    dependent = np.einsum("ni,ij,nj->n", equal, A, equal).mean()
    verify.refutes(dependent, np.trace(A), why="entries that are not independent")


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-dequantisation",
    "eq-autoregressive-models-and-flows-dequantisation-gap",
    routes=("distribution functions", "quadrature"),
)
def test_dequantisation(verify):
    """Cells of a skewed density have the probabilities, the bound and the gap of the text."""
    m, law = 5, stats.beta(1.6, 2.7)
    nodes, weights = special.roots_legendre(80)
    u, w = (nodes + 1) / 2, weights / 2
    # Two independent coordinates: d = 2, so that the power of m shows.
    for k in ((0, 1), (1, 1), (3, 2)):
        P = np.prod([law.cdf((j + 1) / m) - law.cdf(j / m) for j in k])
        y = [(j + u) / m for j in k]
        p = np.outer(law.pdf(y[0]), law.pdf(y[1]))
        W = np.outer(w, w)
        verify.agree(np.sum(W * p) / m**2, P, rtol=2e-6)
        verify.refutes(np.sum(W * p) / m, P, why="factor m^d")
        verify.refutes(np.sum(W * p), P, why="constant forgotten")
        log_p = np.log(p)
        bound = np.sum(W * log_p) - 2 * np.log(m)
        verify.at_most(bound, np.log(P))
        verify.refutes(bound + 2 * np.log(m), np.log(P), why="d log m forgotten")
        conditional = p / m**2 / P
        gap = -np.sum(W * np.log(conditional))
        verify.agree(np.log(P) - bound, gap, rtol=1e-3)
        verify.refutes(bound - np.log(P), gap, why="sign")
        other = np.sum(W * conditional * np.log(conditional))
        verify.refutes(other, gap, why="divergence the other way round")


def fields(n=4, size=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, size, size))


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-action",
    routes=("loops over sites", "dlmath.lattice.action", "dlmath.generative.LatticeFlow"),
)
def test_action(verify):
    """Sites and links summed one by one give dlmath's action, in NumPy and in torch."""
    m2, g, phi = -3.3, 2.7, fields()

    def loops(field, kinetic=0.5, mass=0.5, quartic=0.25, wrap=True):
        total = 0.0
        for i, j in itertools.product(range(4), repeat=2):
            for a, b in ((1, 0), (0, 1)):
                if wrap or (i + a < 4 and j + b < 4):
                    total += kinetic * (field[(i + a) % 4, (j + b) % 4] - field[i, j]) ** 2
            total += mass * m2 * field[i, j] ** 2 + quartic * g * field[i, j] ** 4
        return total

    by_hand = [loops(f) for f in phi]
    verify.agree(action(phi, m2, g), by_hand, rtol=1e-13)
    verify.refutes([loops(f, kinetic=1) for f in phi], by_hand, why="factor 2 of the gradients")
    verify.refutes([loops(f, mass=1) for f in phi], by_hand, why="factor 2 of the mass")
    verify.refutes([loops(f, mass=-0.5) for f in phi], by_hand, why="sign of the mass")
    verify.refutes([loops(f, quartic=1) for f in phi], by_hand, why="factor 4")
    verify.refutes([loops(f, wrap=False) for f in phi], by_hand, why="open boundaries")
    in_torch = LatticeFlow(size=4, mass_squared=m2, coupling=g)._action(
        torch.tensor(phi.reshape(4, 16))
    )
    verify.agree(in_torch.numpy(), by_hand, rtol=1e-13)
    verify.refutes(in_torch.numpy() / 16, by_hand, why="factor n: mean over sites")


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-reverse",
    routes=("quadrature of the divergence", "the formula"),
)
def test_reverse_divergence(verify):
    """On two by two sites the divergence, summed on a grid, is the mean of log q + S, and log Z."""
    m2, g = -1.0, 1.5
    x, w = np.polynomial.hermite_e.hermegauss(22)
    w = w / w.sum()
    grid = np.array(list(itertools.product(x, repeat=4)))
    weights = np.array([np.prod(c) for c in itertools.product(w, repeat=4)])
    S = action(grid.reshape(-1, 2, 2), m2, g)
    log_q = stats.norm.logpdf(grid).sum(1)
    Z = np.sum(weights * np.exp(-S - log_q))
    divergence = np.sum(weights * (log_q - (-S - np.log(Z))))
    mean = np.sum(weights * (log_q + S))
    verify.agree(mean + np.log(Z), divergence, rtol=1e-12)
    verify.refutes(mean - np.log(Z), divergence, why="sign of log Z")
    verify.refutes(np.sum(weights * (log_q - S)) + np.log(Z), divergence, why="sign of the action")
    verify.refutes(np.sum(weights * S) + np.log(Z), divergence, why="entropy forgotten")
    p_over_q = np.exp(-S - log_q) / Z
    forward = np.sum(weights * special.rel_entr(p_over_q, 1.0))
    verify.refutes(forward, divergence, why="forward for reverse")
    verify.at_most(-np.log(Z), mean)
    verify.refutes(-np.log(Z) + divergence + 1e-6, mean, why="bound that is too high")


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-acceptance",
    "eq-autoregressive-models-and-flows-balance",
    routes=("a transition matrix", "dlmath.lattice.independence_chain"),
)
def test_independence_chain(verify):
    """The matrix of the chain has detailed balance; a long chain visits states as p says."""
    rng = np.random.default_rng(8)
    energy, q = rng.normal(size=6), rng.dirichlet(np.ones(6))
    boltzmann = np.exp(-energy)
    p = boltzmann / boltzmann.sum()

    def flux(log_w):
        return p[:, None] * q * np.exp(np.minimum(0, log_w - log_w[:, None]))

    log_w = -energy - np.log(q)
    right = q[:, None] * q * np.minimum(*np.meshgrid(np.exp(log_w), np.exp(log_w)))
    right /= boltzmann.sum()
    verify.agree(flux(log_w), right, rtol=1e-12)
    verify.agree(flux(log_w), flux(log_w).T, rtol=1e-12)
    opposite = flux(-energy + np.log(q))
    verify.refutes(opposite, opposite.T, why="sign of log q")
    upside_down = flux(energy - np.log(q))
    verify.refutes(upside_down, upside_down.T, why="sign of the action")
    plain = flux(-energy)
    verify.refutes(plain, plain.T, why="no log q, as for symmetric proposals")
    moves = flux(log_w) / p[:, None]
    T = moves - np.diag(moves.sum(1)) + np.eye(6)
    epsilon = boltzmann.sum() / np.exp(log_w).max()
    law = np.eye(6)
    for n in range(1, 12):
        law = law @ T
        distance = np.abs(law - p).sum(1).max() / 2
        verify.at_most(distance, (1 - epsilon) ** n, atol=1e-14)
        if n == 4:
            verify.refutes((1 - epsilon) ** 3, (1 - epsilon) ** n, why="slower than the bound")

    draws = rng.choice(6, 400_000, p=q)
    visited, _ = independence_chain(log_w[draws], seed=1)
    frequencies = np.bincount(draws[visited], minlength=6) / draws.size
    verify.agree(frequencies, p, atol=0.006)
    verify.refutes(q, p, why="no correction")
    wrong_way = independence_chain(-log_w[draws], seed=1)[0]
    verify.refutes(
        np.bincount(draws[wrong_way], minlength=6) / draws.size, p, why="weights inverted"
    )


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-efficiency",
    routes=("sums over states", "dlmath.lattice.weight_efficiency", "chi squared"),
)
def test_efficiency(verify):
    """Draws in exact proportion to q give dlmath's value, the ratio and the chi squared."""
    counts = np.array([5, 2, 8, 1, 4])
    q = counts / counts.sum()
    w = np.array([0.5, 2.0, 1.0, 3.0, 0.2])
    p = q * w / np.sum(q * w)
    ratio = np.sum(q * w) ** 2 / np.sum(q * w**2)
    chi2 = np.sum((p - q) ** 2 / q)
    found = weight_efficiency(np.log(np.repeat(w, counts)))
    verify.agree(found, ratio, rtol=1e-13)
    verify.refutes(1 / found, ratio, why="inverted")
    verify.refutes(found * counts.sum(), ratio, why="factor n")
    verify.agree(1 / (1 + chi2), ratio, rtol=1e-13)
    verify.refutes(1 / (1 + np.sum((p - q) ** 2 / p)), ratio, why="p and q exchanged")
    verify.refutes(1 / chi2, ratio, why="one forgotten")
    verify.refutes(1 / (1 + chi2 / 2), ratio, why="factor 2")


def kl(q, p):
    return np.sum(special.rel_entr(q, p))


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-dropped",
    "eq-autoregressive-models-and-flows-mirror",
    routes=("scipy's relative entropy", "the formulas"),
)
def test_dropped_and_mirrored(verify):
    """What a lost phase costs, and what a random sign gains."""
    x = np.linspace(-4, 4, 801)
    p = np.exp(-3 * (x**2 - 1.5) ** 2)
    p /= p.sum()
    for edge in (0.0, 0.9):
        inside = x > edge
        share = p[inside].sum()
        q = np.where(inside, p, 0) / share
        verify.agree(kl(q, p), -np.log(share), rtol=1e-12)
        verify.refutes(kl(q, p), np.log(share), why="sign")
        verify.refutes(kl(q, p), -np.log(1 - share) if edge else 0.0, why="the other phase")
        verify.refutes(kl(q, p), 1 - share, why="first order")
        verify.refutes(2 * kl(q, p), -np.log(share), why="factor 2")
    verify.agree(kl(np.where(x > 0, p, 0) / p[x > 0].sum(), p), np.log(2), rtol=1e-2)
    verify.refutes(0.0, np.log(2), why="free of charge")
    rng = np.random.default_rng(9)
    for _ in range(5):
        q = rng.dirichlet(np.ones(x.size))
        mirrored = (q + q[::-1]) / 2
        verify.at_most(kl(mirrored, p), kl(q, p), atol=1e-12)
    verify.refutes(kl(q, p) + 1e-9, kl(mirrored, p), why="a random sign that costs")
    one = np.where(x > 1e-9, rng.random(x.size), 0)
    one /= one.sum()
    both = (one + one[::-1]) / 2
    verify.agree(kl(one, p) - kl(both, p), np.log(2), rtol=1e-10)
    verify.refutes(kl(both, p) - kl(one, p), np.log(2), why="sign of the gain")
    verify.refutes((kl(one, p) - kl(both, p)) / 2, np.log(2), why="factor 2 in the gain")


@pytest.mark.verifies(
    "eq-autoregressive-models-and-flows-forgotten",
    routes=("scipy.stats", "training without the determinant"),
)
def test_forgotten_determinant(verify):
    """Without the determinant training falls to the bound, below the entropy of the data."""
    d = 3
    torch.manual_seed(0)
    x = torch.randn(200, d)
    W = torch.eye(d).requires_grad_()
    adam = torch.optim.Adam([W], lr=0.05)
    for _ in range(400):
        cost = -log_gaussian(x @ W).mean()
        adam.zero_grad()
        cost.backward()
        adam.step()
    bound = -stats.norm.logpdf(np.zeros(d)).sum()
    verify.agree(cost.item(), bound, atol=1e-3)
    verify.refutes(cost.item(), stats.norm.entropy() * d, why="entropy of the data")
    verify.refutes(cost.item(), bound / d, why="factor d")
    verify.refutes(cost.item(), -bound, why="sign")
    verify.agree(bound, d / 2 * np.log(2 * np.pi), rtol=1e-13)
    verify.refutes(bound, d * np.log(2 * np.pi), why="factor 2")
    costs = [-log_gaussian(x @ (k * torch.eye(d))).mean().item() for k in (0.1, 1.0, 3.0)]
    verify.at_most(-np.array(costs), np.full(3, -bound))
    verify.refutes(-np.array(costs) + 20, np.full(3, -bound), why="below the bound")
