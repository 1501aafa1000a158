"""The numbered equations of the chapter on momentum and stochastic gradients."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy
import torch
from dlmath import linear
from dlmath.iterations import (
    heavy_ball_parameters,
    iteration_matrix,
    least_squares_cloud,
    nesterov_parameters,
    stationary_covariance,
)
from dlmath.optimizers import GradientDescent, Momentum, Nesterov, inverse_decay, minimize
from dlmath.problems import Quadratic
from scipy import integrate, linalg, optimize, special

torch.set_num_threads(1)


class Bowl:
    """A smooth strongly convex cost that is no quadratic: x^T H x / 2 + sum log cosh(x - 1)."""

    def __init__(self, mu=0.2, L=9.0, seed=0):
        axes = np.linalg.qr(np.random.default_rng(seed).normal(size=(4, 4)))[0]
        self.H = (axes * np.geomspace(mu, L - 1, 4)) @ axes.T
        self.mu, self.L = mu, L
        self.start = 3 * axes.sum(axis=1)
        self.best = optimize.minimize(
            self.cost, self.start, jac=self.gradient, method="BFGS", options={"gtol": 1e-12}
        ).x
        for _ in range(5):
            self.best -= np.linalg.solve(self.hessian(self.best), self.gradient(self.best))

    def cost(self, x):
        return x @ self.H @ x / 2 + np.sum(np.logaddexp(x - 1, 1 - x) - np.log(2))

    def gradient(self, x):
        return self.H @ x + np.tanh(x - 1)

    def hessian(self, x):
        return self.H + np.diag(1 / np.cosh(x - 1) ** 2)

    def torch_walk(self, steps, **settings):
        """Let torch's SGD walk, with gradients by automatic differentiation."""
        x = torch.tensor(self.start.copy(), requires_grad=True)
        optimizer = torch.optim.SGD([x], **settings)
        path, H = [x.detach().numpy().copy()], torch.tensor(self.H)
        for _ in range(steps):
            optimizer.zero_grad()
            (x @ H @ x / 2 + torch.log(torch.cosh(x - 1)).sum()).backward()
            optimizer.step()
            path.append(x.detach().numpy().copy())
        return np.array(path)


def two_step(gradient, start, eta, betas, steps, ahead):
    """Walk without a velocity; with ``ahead`` the gradient is taken at the extrapolated point."""
    path = [np.array(start), np.array(start)]
    for k in range(steps):
        y = path[-1] + betas(k) * (path[-1] - path[-2])
        path.append(y - eta * gradient(y if ahead else path[-1]))
    return np.array(path[1:])


# The ball.


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-velocity",
    "eq-momentum-and-stochastic-heavy-ball",
    "eq-momentum-and-stochastic-memory",
    routes=("torch.optim.SGD", "dlmath.optimizers.Momentum", "a recursion without velocity"),
)
def test_heavy_ball(verify):
    """The walks of torch, dlmath and the two-step recursion agree; the moves are weighted sums."""
    bowl, eta, beta, steps = Bowl(), 0.05, 0.7, 25
    theirs = bowl.torch_walk(steps, lr=eta, momentum=beta)
    ours = minimize(bowl.gradient, bowl.start, Momentum(eta, beta), steps)
    verify.agree(ours, theirs, atol=1e-13)
    averaged = bowl.torch_walk(steps, lr=eta, momentum=beta, dampening=beta)
    verify.refutes(averaged, theirs, why="factor 1 - beta before the gradient")

    def plain(b=beta, rate=eta, ahead=False):
        return two_step(bowl.gradient, bowl.start, rate, lambda k: b, steps, ahead)

    verify.agree(plain(), theirs, atol=1e-13)
    verify.refutes(plain(b=-beta), theirs, why="sign of the momentum")
    verify.refutes(plain(rate=2 * eta), theirs, why="factor 2")
    verify.refutes(plain(ahead=True), theirs, why="gradient at the extrapolated point")

    gradients = np.array([bowl.gradient(x) for x in theirs])

    def moves(first=0):
        return np.array(
            [
                -eta * sum((beta**i * gradients[k - i] for i in range(first, k + 1)), np.zeros(4))
                for k in range(steps)
            ]
        )

    verify.agree(np.diff(theirs, axis=0), moves(), atol=1e-13)
    verify.refutes(np.diff(theirs, axis=0), -moves(), why="sign")
    verify.refutes(np.diff(theirs, axis=0), (1 - beta) * moves(), why="weights that sum to one")
    verify.refutes(np.diff(theirs, axis=0), moves(first=1), why="newest gradient left out")

    steady = minimize(lambda x: np.ones(1), np.zeros(1), Momentum(eta, beta), 200)
    verify.agree(steady[-2] - steady[-1], [eta / (1 - beta)], rtol=1e-10)
    verify.refutes(steady[-2] - steady[-1], [eta / (1 + beta)], why="sign in the effective rate")
    verify.refutes(steady[-2] - steady[-1], [eta], why="no memory")


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-oscillator", routes=("sympy", "scipy.integrate.solve_ivp")
)
def test_oscillator(verify):
    """Differences for derivatives give the ball; short time steps give the damped spring."""
    m, friction, dt, x, last, g = sympy.symbols("m gamma Delta x y g", positive=True)
    after = sympy.Symbol("z")
    motion = m * (after - 2 * x + last) / dt**2 + friction * (x - last) / dt + g
    (found,) = sympy.solve(motion, after)

    def ball(eta, beta):
        return x - eta * g + beta * (x - last)

    verify.identical(found.expand(), ball(dt**2 / m, 1 - friction * dt / m).expand())
    wrong = ball(dt / m, 1 - friction * dt / m)
    verify.refutes(found.expand(), wrong.expand(), why="time step not squared")
    wrong = ball(dt**2 / m, 1 + friction * dt / m)
    verify.refutes(found.expand(), wrong.expand(), why="sign of the friction")
    wrong = ball(dt**2 / m, 1 - friction * dt / (2 * m))
    verify.refutes(found.expand(), wrong.expand(), why="factor 2 of the friction")

    mass, gamma, h, step = 2.0, 0.6, 3.0, 1e-3
    exact = integrate.solve_ivp(
        lambda t, s: [s[1], -(gamma * s[1] + h * s[0]) / mass], (0, 4), [1.0, 0.0], rtol=1e-10
    ).y[0, -1]

    def at_the_end(eta, beta):
        rounds = round(4 / step)
        return minimize(lambda x: h * x, np.ones(1), Momentum(eta, beta), rounds)[-1, 0]

    beta = 1 - gamma * step / mass
    verify.agree(at_the_end(step**2 / mass, beta), exact, atol=2e-3)
    verify.refutes(at_the_end(step**2, beta), exact, why="mass forgotten")
    verify.refutes(at_the_end(step**2 / mass, beta**2), exact, why="twice the friction")


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-block",
    "eq-momentum-and-stochastic-band",
    "eq-momentum-and-stochastic-jury",
    "eq-momentum-and-stochastic-stable",
    routes=("eigenvalues of the matrix", "the polynomial's roots", "dlmath.optimizers.Momentum"),
)
def test_one_direction(verify):
    """The matrix steps as the optimiser does; its eigenvalues obey the three conditions."""
    eta, beta, h = 0.2, 0.6, 3.0
    path = minimize(lambda x: h * x, np.ones(1), Momentum(eta, beta), 7)[:, 0]
    matrix = iteration_matrix(h, eta, beta)
    states = [np.linalg.matrix_power(matrix, k) @ [1.0, 1.0] for k in range(7)]
    verify.agree(np.array(states)[:, 0], path[:7], atol=1e-14)
    turned = [np.linalg.matrix_power(matrix.T, k) @ [1.0, 1.0] for k in range(7)]
    verify.refutes(np.array(turned)[:, 0], path[:7], why="transposed")
    wrong = [np.linalg.matrix_power(matrix * [[1, -1], [1, 1]], k) @ [1, 1] for k in range(7)]
    verify.refutes(np.array(wrong)[:, 0], path[:7], why="sign of beta")

    r = np.sort_complex(np.linalg.eigvals(matrix))

    def roots(middle, product):
        return np.sort_complex(np.roots([1, -middle, product]))

    verify.agree(r, roots(1 + beta - eta * h, beta), atol=1e-13)
    verify.refutes(r, roots(1 + beta - 2 * eta * h, beta), why="factor 2 of the curvature")
    verify.refutes(r, roots(1 - beta - eta * h, beta), why="sign in the trace")
    verify.refutes(r, roots(1 + beta - eta * h, -beta), why="sign of the product")

    rng = np.random.default_rng(0)
    etas, betas = rng.uniform(0.01, 4.5, 4000), rng.uniform(0, 1, 4000)
    moduli = np.array(
        [
            np.abs(np.linalg.eigvals(iteration_matrix(1.0, e, b)))
            for e, b in zip(etas, betas, strict=True)
        ]
    )
    root = np.sqrt(betas)
    damped = np.abs(moduli.max(axis=1) - root) < 1e-7

    def inside(low, high):
        return ((low <= etas) & (etas <= high)).astype(float)

    verify.agree(damped.astype(float), inside((1 - root) ** 2, (1 + root) ** 2))
    verify.refutes(
        damped.astype(float), inside((1 - betas) ** 2, (1 + betas) ** 2), why="beta for its root"
    )
    verify.refutes(damped.astype(float), inside(1 - root, 1 + root), why="square")
    verify.refutes(damped.astype(float), inside(0, (1 + root) ** 2), why="no lower edge")
    converges = (moduli.max(axis=1) < 1).astype(float)
    verify.agree(converges, (etas < 2 * (1 + betas)).astype(float))
    verify.refutes(converges, (etas < 2).astype(float), why="limit of gradient descent")
    verify.refutes(converges, (etas < 1 + betas).astype(float), why="factor 2 of the limit")

    signed, radii = rng.uniform(-1, 1, 4000), rng.uniform(0.2, 1.3, 4000)
    largest = np.array(
        [np.abs(np.roots([1, -(1 + b - e), b])).max() for e, b in zip(etas, signed, strict=True)]
    )

    def both(power=2, sign=1):
        sums = np.abs(1 + signed - etas) <= radii + sign * signed / radii
        return ((np.abs(signed) <= radii**power) & sums).astype(float)

    verify.agree((largest <= radii).astype(float), both())
    verify.refutes((largest <= radii).astype(float), both(power=1), why="square of the radius")
    verify.refutes((largest <= radii).astype(float), both(sign=-1), why="sign in the sum")


def largest_modulus(h, eta, beta):
    """Radius by the general solver for polynomials."""
    return max(np.abs(np.roots([1, -(1 + beta - eta * c), beta])).max() for c in h)


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-optimal",
    "eq-momentum-and-stochastic-converse",
    routes=("a search over eta and beta", "dlmath.iterations.heavy_ball_parameters"),
)
def test_best_ball(verify):
    """A search finds no better parameters; no draw of them beats the converse inequality."""
    mu, L = 0.5, 18.0
    kappa = L / mu
    best = optimize.differential_evolution(
        lambda p: largest_modulus((mu, L), p[0], p[1]),
        [(1e-3, 4 / L), (0, 1)],
        seed=1,
        tol=1e-12,
        maxiter=400,
    )
    eta, beta = heavy_ball_parameters(mu, L)
    verify.agree(best.x, [eta, beta], rtol=1e-8)
    verify.refutes(best.x, [eta, np.sqrt(beta)], why="square of beta")
    verify.refutes(best.x, [2 / (L + mu), beta], why="the rate of gradient descent")
    verify.refutes(best.x, [eta / 4, beta], why="factor 4")
    rho = (np.sqrt(kappa) - 1) / (np.sqrt(kappa) + 1)
    verify.agree(best.fun, rho, rtol=1e-8)
    verify.refutes(best.fun, (kappa - 1) / (kappa + 1), why="no root of kappa")
    verify.refutes(best.fun, 1 - 1 / np.sqrt(kappa), why="Nesterov's rate")
    at_all = [largest_modulus([h], eta, beta) for h in np.linspace(mu, L, 9)]
    verify.agree(at_all, np.full(9, rho), rtol=1e-7)
    verify.refutes(at_all, np.full(9, rho**2), why="modulus not beta")

    rng = np.random.default_rng(2)
    draws = np.column_stack([rng.uniform(0, 2.5 / L, 3000), rng.uniform(-1, 1, 3000)])
    radii = np.array([largest_modulus((mu, L), *p) for p in draws])
    draws, radii = draws[radii < 0.999], radii[radii < 0.999]
    draws, radii = np.vstack([draws, [eta, beta]]), np.append(radii, rho)
    ratio = draws[:, 1] / radii
    first = (1 + radii) / (1 - radii)
    kappas = np.full(len(radii), kappa)
    verify.at_most(kappas, first * (1 + ratio) / (1 - ratio), atol=1e-6 * kappa)
    verify.refutes(kappas, first * (1 - ratio) / (1 + ratio), why="sign of beta")
    verify.refutes(kappas, first, why="second fraction left out")
    verify.at_most(kappas, first**2, atol=1e-6 * kappa)
    verify.refutes(kappas, first, why="square")


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-transient",
    "eq-momentum-and-stochastic-overshoot",
    "eq-momentum-and-stochastic-solution",
    routes=("dlmath.optimizers.Momentum", "scipy.special.eval_chebyu", "large kappa"),
)
def test_transient(verify):
    """Walks in many directions keep the bound, the stiff one attains it; the peak is near 1/e."""
    kappa, steps = 60.0, 120
    eta, beta = heavy_ball_parameters(1, kappa)
    rho, k = np.sqrt(beta), np.arange(steps + 1)
    h = np.geomspace(1, kappa, 12)
    walks = minimize(lambda x: h * x, np.ones(12), Momentum(eta, beta), steps)
    cosine = (1 + rho**2 - eta * h) / (2 * rho)

    def chebyshev(sign=1, power=1):
        before = special.eval_chebyu(k - 1, cosine[:, None])
        return (rho**k * (special.eval_chebyu(k, cosine[:, None]) - sign * rho**power * before)).T

    verify.agree(walks, chebyshev(), atol=1e-10)
    verify.refutes(walks, chebyshev(sign=-1), why="sign")
    verify.refutes(walks, chebyshev(power=2), why="power of rho")
    verify.refutes(walks, chebyshev(power=0), why="factor rho left out")

    problem = Quadratic(kappa, 12, seed=3)
    directions = np.random.default_rng(4).normal(size=(40, 12))
    far = np.array(
        [
            np.linalg.norm(minimize(problem.gradient, d, Momentum(eta, beta), steps), axis=1)
            / np.linalg.norm(d)
            for d in directions
        ]
    )
    bound = (1 + (1 + rho) * k) * rho**k
    verify.at_most(far, np.tile(bound, (40, 1)), atol=1e-12)
    verify.refutes(far, np.tile(rho**k, (40, 1)), why="the asymptotic rate alone")
    verify.refutes(far, np.tile((1 + (1 - rho) * k) * rho**k, (40, 1)), why="sign of rho")
    verify.agree(np.abs(walks[:, -1]), bound, atol=1e-10)
    verify.refutes(np.abs(walks[:, -1]), bound / 2, why="factor 2")

    kappas = np.array([1.5, 10, 1e2, 1e4, 1e6, 1e8])
    root = np.sqrt(kappas)
    rhos = (root - 1) / (root + 1)
    peaks = np.array(
        [((1 + (1 + r) * n) * r**n).max() for r, n in ((r, np.arange(40_000)) for r in rhos)]
    )
    limit = (root + 1) / np.e * np.exp(1 / (root + 1))
    verify.at_most(peaks, limit)
    verify.refutes(peaks, limit / 2, why="factor 2")
    verify.refutes(peaks, limit / np.e, why="square of e")
    verify.agree(peaks[-1] / limit[-1], 1.0, rtol=1e-3)
    verify.refutes(peaks[-1] / root[-1], 1.0, why="factor e")


# Nesterov.


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-nesterov",
    "eq-momentum-and-stochastic-torch",
    "eq-momentum-and-stochastic-points",
    routes=("torch.optim.SGD with nesterov", "the two sequences", "dlmath.optimizers.Nesterov"),
)
def test_torch_holds_the_extrapolated_point(verify):
    """The parameters of torch are the y of the two sequences; its velocity leads back to the x."""
    bowl, eta, beta, steps = Bowl(), 0.08, 0.8, 30
    theirs = bowl.torch_walk(steps, lr=eta, momentum=beta, nesterov=True)
    x = two_step(bowl.gradient, bowl.start, eta, lambda k: beta, steps, ahead=True)
    y = np.vstack([x[:1], x[1:] + beta * np.diff(x, axis=0)])
    verify.agree(y, theirs, atol=1e-13)
    verify.refutes(x, theirs, why="the points themselves")
    verify.refutes(np.vstack([x[:1], x[1:] - beta * np.diff(x, axis=0)]), theirs, why="sign")
    ball = two_step(bowl.gradient, bowl.start, eta, lambda k: beta, steps, ahead=False)
    verify.refutes(ball, theirs, why="the heavy ball")

    ours, optimizer = [bowl.start.copy()], Nesterov(eta, beta)
    theta, velocity = bowl.start.copy(), np.zeros(4)
    back = {name: [theta.copy()] for name in ("right", "sign", "beta", "eta")}
    for _ in range(steps):
        gradient = bowl.gradient(theta)
        velocity = beta * velocity + gradient
        optimizer.step([theta], [gradient])
        ours.append(theta.copy())
        back["right"].append(theta + eta * beta * velocity)
        back["sign"].append(theta - eta * beta * velocity)
        back["beta"].append(theta + eta * velocity)
        back["eta"].append(theta + beta * velocity)
    verify.agree(ours, theirs, atol=1e-13)
    verify.refutes(
        bowl.torch_walk(steps, lr=eta, momentum=beta), theirs, why="step with v instead of g + b v"
    )
    verify.agree(back["right"], x, atol=1e-13)
    verify.refutes(back["sign"], x, why="sign of the way back")
    verify.refutes(back["beta"], x, why="factor beta")
    verify.refutes(back["eta"], x, why="factor eta")


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-nesterov-parameters",
    "eq-momentum-and-stochastic-nesterov-rate",
    "eq-momentum-and-stochastic-estimate",
    "eq-momentum-and-stochastic-lyapunov",
    routes=("walks on costs of known constants", "the energy step by step"),
)
def test_nesterov_for_strongly_convex_costs(verify):
    """On quadratics and others the cost keeps the bound and the energy falls by 1 - q a step."""
    eta, beta = nesterov_parameters(0.25, 4.0)
    verify.agree([eta, beta], [0.25, 0.6], rtol=1e-15)
    verify.refutes([eta, beta], [0.25, 0.36], why="the heavy ball's square")
    verify.refutes([eta, beta], [0.25, 15 / 17], why="no root of kappa")

    costs, bounds, starts = [], [], []
    for seed, quadratic in itertools.product(range(4), (True, False)):
        if quadratic:
            problem = Quadratic(400.0, 5, seed=seed)
            mu, L, best = 1.0, 400.0, problem.minimum
        else:
            problem = Bowl(0.05, 20.0, seed=seed)
            mu, L, best = problem.mu, problem.L, problem.best
        q, steps = np.sqrt(mu / L), 150
        eta, beta = nesterov_parameters(mu, L)
        x = two_step(problem.gradient, problem.start, eta, lambda k, b=beta: b, steps, ahead=True)
        y = np.vstack([x[:1], x[1:] + beta * np.diff(x, axis=0)])
        z = y + (y - x) / q
        excess = np.array([problem.cost(p) for p in x]) - problem.cost(best)
        gradients = np.array([problem.gradient(p) for p in y])

        def step(weight=q, scale=1 / mu, sign=-1, y=y, z=z, g=gradients):
            return ((1 - weight) * z + weight * (y + sign * scale * g))[:-1]

        verify.agree(z[1:], step(), atol=1e-11)
        verify.refutes(z[1:], step(weight=1 - q), why="weights exchanged")
        verify.refutes(z[1:], step(scale=1 / L), why="L for mu")
        verify.refutes(z[1:], step(sign=1), why="sign")

        energy = excess + mu / 2 * np.sum((z - best) ** 2, axis=1)
        verify.at_most(energy[1:], (1 - q) * energy[:-1], atol=1e-12)
        verify.refutes(energy[1:], (1 - 4 * q) * energy[:-1], why="four times the rate")
        verify.refutes(energy[1:], q * energy[:-1], why="q for 1 - q")
        costs.append(excess)
        starts.append(energy[0])
        bounds.append((1 - q) ** np.arange(steps + 1))
    costs, bounds, starts = np.array(costs), np.array(bounds), np.array(starts)[:, None]
    verify.at_most(costs, bounds * starts, atol=1e-12)
    verify.refutes(costs, bounds**4 * starts, why="four times the rate of the cost")
    verify.refutes(costs, bounds * starts / 2.5, why="factor 2.5")
    verify.at_most(costs, 2 * bounds * costs[:, :1], atol=1e-12)
    verify.refutes(costs, bounds**4 * 2 * costs[:, :1], why="rate, from the cost")
    verify.at_most(starts, 2 * costs[:, :1], atol=1e-12)
    verify.refutes(starts, costs[:, :1], why="factor 2 at the start")


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-nesterov-convex",
    routes=("dlmath.linear.fista without a penalty", "the recursion of the text"),
)
def test_nesterov_without_strong_convexity(verify):
    """FISTA with no penalty is the recursion; on a nearly flat cost it keeps the bound."""
    n, steps = 40, 200
    X = np.diag(np.arange(1, n + 1.0) ** -1.5) * np.sqrt(n)
    y = X @ np.ones(n)
    L = linalg.eigvalsh(2 * X.T @ X / n)[-1]
    a = [1.0]
    for _ in range(steps):
        a.append((1 + np.sqrt(1 + 4 * a[-1] ** 2)) / 2)

    def gradient(t):
        return 2 / n * X.T @ (X @ t - y)

    def walk(beta):
        return two_step(gradient, np.zeros(n), 1 / L, beta, steps, ahead=True)

    x = walk(lambda k: (a[k - 1] - 1) / a[k] if k else 0.0)
    theirs = np.array(linear.fista(X, y, 0.0, steps))
    verify.agree(x, theirs, atol=1e-12)
    verify.refutes(walk(lambda k: (a[k] - 1) / a[k]), theirs, why="index of a")
    verify.refutes(walk(lambda k: a[k - 1] / a[k] if k else 0.0), theirs, why="minus one")
    k = np.arange(1, steps + 1)
    cost = np.mean((x[1:] @ X.T - y) ** 2, axis=1)
    bound = 2 * L * n / (k + 1) ** 2
    verify.at_most(cost, bound)
    verify.refutes(cost, bound / (k + 1) ** 2, why="fourth power")
    verify.refutes(cost, bound / n, why="factor n, the length of the way")
    plain = minimize(gradient, np.zeros(n), GradientDescent(1 / L), 200)
    slow = np.mean((plain[1:] @ X.T - y) ** 2, axis=1)
    verify.at_most(cost[50:], slow[50:])
    verify.refutes(slow[50:], cost[50:], why="gradient descent no slower")


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-kinked",
    "eq-momentum-and-stochastic-cycle",
    routes=("exact fractions", "dlmath.optimizers.Momentum", "difference quotients"),
)
def test_cycle(verify):
    """In fractions three steps lead back; the slope is monotone with 1 and 25; walks are caught."""

    def slope(x, middle=24, far=24):
        return 25 * x if x < 1 else (x + middle if x < 2 else 25 * x - far)

    grid = np.linspace(-3, 4, 1401)
    values = np.array([slope(x) for x in grid])
    quotients = np.diff(values) / np.diff(grid)
    verify.agree([quotients.min(), quotients.max()], [1.0, 25.0], rtol=1e-9)
    jump = np.diff([slope(x, middle=26) for x in grid]) / np.diff(grid)
    verify.refutes([jump.min(), jump.max()], [1.0, 25.0], why="a jump at 1")
    jump = np.diff([slope(x, far=20) for x in grid]) / np.diff(grid)
    verify.refutes([jump.min(), jump.max()], [1.0, 25.0], why="a jump at 2")

    eta, beta = Fraction(1, 9), Fraction(4, 9)
    verify.agree([float(eta), float(beta)], heavy_ball_parameters(1, 25), rtol=1e-15)
    verify.refutes([1 / 9, 2 / 3], heavy_ball_parameters(1, 25), why="root of beta")
    points = [Fraction(p, 1225) for p in (2592, 792, -2208)]

    def after(order, e=eta, b=beta):
        p = [points[i] for i in order]
        return [
            float(p[i] - e * slope(p[i]) + b * (p[i] - p[i - 1]) - p[(i + 1) % 3]) for i in range(3)
        ]

    verify.agree(after([0, 1, 2]), np.zeros(3))
    verify.refutes(after([0, 2, 1]), np.zeros(3), why="turned round")
    verify.refutes(after([0, 1, 2], e=2 * eta), np.zeros(3), why="factor 2")
    verify.refutes(after([0, 1, 2], b=-beta), np.zeros(3), why="sign")
    caught = minimize(
        lambda x: np.array(slope(float(x))), np.array(3.3), Momentum(1 / 9, 4 / 9), 240
    )
    target = np.array([float(p) for p in points])
    verify.agree(np.sort(caught[-3:]), np.sort(target), atol=1e-12)
    verify.refutes(np.sort(caught[:3]), np.sort(target), why="the first steps")
    fast = minimize(
        lambda x: np.array(slope(float(x))),
        np.array(3.3),
        Nesterov(*nesterov_parameters(1, 25)),
        240,
    )
    verify.agree(fast[-3:], np.zeros(3), atol=1e-12)
    verify.refutes(caught[-3:], np.zeros(3), why="the heavy ball, at the same place")


# Stochastic gradients.


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-sgd",
    "eq-momentum-and-stochastic-noise",
    routes=("all batches enumerated", "the formula", "torch's gradients of the samples"),
)
def test_noise_of_all_batches(verify):
    """Over all batches the step is that of the full gradient on average, its noise as stated."""
    rng = np.random.default_rng(0)
    n, B, eta = 6, 3, 0.1
    X, y, theta = rng.normal(size=(n, 2)), rng.normal(size=n), rng.normal(size=2)

    def sample(t):
        return (torch.tensor(y) - torch.tensor(X) @ t) ** 2

    g = torch.autograd.functional.jacobian(sample, torch.tensor(theta)).numpy()
    full = 2 / n * X.T @ (X @ theta - y)
    trace = np.mean(np.sum((g - full) ** 2, axis=1))
    for draw, factor in (
        (itertools.combinations(range(n), B), (n - B) / (n - 1)),
        (itertools.product(range(n), repeat=B), 1.0),
    ):
        batches = np.array([g[list(rows)].mean(axis=0) for rows in draw])
        steps = theta - eta * batches
        verify.agree(steps.mean(axis=0), theta - eta * full, atol=1e-14)
        verify.refutes(steps.mean(axis=0), theta + eta * full, why="sign")
        verify.refutes(steps.mean(axis=0), theta - B * eta * full, why="factor B")
        noise = np.mean(np.sum((batches - full) ** 2, axis=1))
        verify.agree(noise, trace / B * factor, rtol=1e-12)
        verify.refutes(noise, trace / B * (n - B) / n, why="n for n - 1")
        verify.refutes(noise, trace * factor, why="factor B in the noise")
        verify.refutes(noise, trace / n * factor, why="factor n")
        verify.refutes(noise, trace / B * (1.6 - factor), why="with and without exchanged")


def second_moments(h, rates, s2, start):
    """Exact mean squares of a walk on h x^2 / 2 with noise of the variance s2."""
    D = [start]
    for eta in rates:
        D.append((1 - eta * h) ** 2 * D[-1] + eta**2 * s2)
    return np.array(D)


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-ball",
    "eq-momentum-and-stochastic-recursion",
    routes=("all signs of the noise", "the geometric series", "a cost that is no quadratic"),
)
def test_constant_rate(verify):
    """Over all signs of the noise a parabola attains the bound's limit; another cost keeps it."""
    mu, s, B, eta, x0, steps = 0.8, 1.3, 4, 0.5, 2.0, 12
    noise = s / np.sqrt(B) * np.array(list(itertools.product((-1.0, 1.0), repeat=steps)))

    def walk(slope):
        x = np.full(len(noise), x0)
        squares = [x0**2]
        for column in noise.T:
            x = x - eta * (slope(x) + column)
            squares.append(np.mean(x**2))
        return np.array(squares)

    parabola = walk(lambda x: mu * x)

    def right(rate=1 - eta * mu, push=eta**2 * s**2 / B):
        return rate**2 * parabola[:-1] + push

    verify.agree(parabola[1:], right(), rtol=1e-12)
    verify.refutes(parabola[1:], right(rate=1 - 2 * eta * mu), why="factor 2")
    verify.refutes(parabola[1:], right(push=eta**2 * s**2), why="factor B")
    verify.refutes(parabola[1:], right(push=eta * s**2 / B), why="square of eta")

    # x + tanh(x) with the curvature from 0.8 to 2.8, so that eta is at most 2 / (mu + L).
    bent = walk(lambda x: mu * x + 2 * np.tanh(x))
    assert eta <= 2 / (mu + 2.8)
    k = np.arange(steps + 1)

    def bound(radius):
        return (1 - eta * mu) ** (2 * k) * x0**2 + radius

    radius = eta * s**2 / (B * mu * (2 - eta * mu))
    both = np.array([parabola, bent])
    verify.at_most(both, np.tile(bound(radius), (2, 1)))
    verify.refutes(both, np.tile(bound(radius / 2), (2, 1)), why="factor 2 of the radius")
    verify.refutes(both, np.tile(bound(radius / B), (2, 1)), why="factor B of the radius")
    verify.refutes(both, np.tile(bound(eta * radius), (2, 1)), why="square of eta in the radius")
    verify.agree(second_moments(mu, [eta] * 200, s**2 / B, x0**2)[-1], radius, rtol=1e-12)
    verify.refutes(
        second_moments(mu, [eta / 2] * 200, s**2 / B, x0**2)[-1], radius, why="half the rate"
    )


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-robbins-monro",
    "eq-momentum-and-stochastic-schedule",
    routes=("exact second moments", "simulated walks", "dlmath.optimizers.inverse_decay"),
)
def test_falling_rates(verify):
    """Rates that fall with a divergent sum bring the mean square to zero, others do not."""
    mu, s2, steps = 1.0, 0.5, 200_000
    k = np.arange(steps)
    allowed = [0.5 / (1 + k) ** 0.4, 0.5 / (1 + k) ** 0.9]
    ends = [second_moments(mu, rates, s2, 9.0)[-1] for rates in allowed]
    verify.at_most(ends, np.full(2, 3e-3))
    stuck = [second_moments(mu, rates, s2, 9.0)[-1] for rates in (0.5 + 0 * k, 0.5 * 0.9**k)]
    verify.refutes(stuck, np.full(2, 3e-3), why="a constant rate, and one with a finite sum")

    kappa, B, many = 8.0, 2, 3000
    rates = 2 / (mu * (np.arange(many) + kappa + 1))
    schedule = inverse_decay(2 / (mu + kappa), 1 / (kappa + 1))
    verify.agree([schedule(i) for i in range(many)], rates, rtol=1e-13)
    verify.refutes([schedule(i) for i in range(many)], rates / 2, why="factor 2 of the rate")
    m = np.arange(many + 1) + kappa + 1
    moments = np.array([second_moments(mu, rates, s2 / B, start) for start in (0.0, 0.05, 4.0)])

    def bound(four=4.0, power=1):
        tops = [max(four * s2 / (B * mu**2), (kappa + 1) * start) for start in (0.0, 0.05, 4.0)]
        return np.array(tops)[:, None] / m**power

    verify.at_most(moments, bound())
    verify.refutes(moments, bound(four=1.0), why="factor 4")
    verify.refutes(moments, bound(power=2), why="a square too fast")
    rng = np.random.default_rng(1)
    walks = minimize(
        lambda x: x + np.sqrt(s2 / B) * rng.standard_normal(x.shape),
        np.full(20_000, 2.0),
        GradientDescent(schedule),
        60,
    )
    simulated = np.mean(walks**2, axis=1)
    verify.agree(simulated[1:], moments[2, 1:61], rtol=0.05)
    verify.refutes(simulated[1:], moments[1, 1:61], why="another start")


def example(seed=0):
    """Draw a Hessian and a covariance that do not commute."""
    rng = np.random.default_rng(seed)
    A, root = rng.normal(size=(2, 3, 3))
    return A @ A.T / 3 + 0.3 * np.eye(3), root @ root.T / 3


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-balance",
    "eq-momentum-and-stochastic-entries",
    "eq-momentum-and-stochastic-stationary",
    routes=("scipy's discrete Lyapunov equation", "dlmath.iterations.stationary_covariance"),
)
def test_stationary_covariance(verify):
    """Iterated covariances, SciPy's solution and the entries of the eigenbasis agree."""
    H, N = example()
    eta = 1.2 / linalg.eigvalsh(H)[-1]
    A = np.eye(3) - eta * H
    S = linalg.solve_discrete_lyapunov(A, eta**2 * N)
    iterated = np.zeros((3, 3))
    for _ in range(3000):
        iterated = A @ iterated @ A + eta**2 * N
    verify.agree(iterated, S, rtol=1e-10)
    verify.refutes(linalg.solve_discrete_lyapunov(A, eta * N), S, why="square of eta")
    verify.agree(H @ S + S @ H - eta * H @ S @ H, eta * N, atol=1e-12)
    verify.refutes(H @ S + S @ H + eta * H @ S @ H, eta * N, why="sign")
    verify.refutes(H @ S + S @ H, eta * N, why="first order in eta")
    verify.refutes(2 * H @ S - eta * H @ S @ H, eta * N, why="transpose of one term")
    verify.agree(stationary_covariance(H, N, eta), S, rtol=1e-10)
    verify.refutes(stationary_covariance(H, 2 * N, eta), S, why="factor 2")

    h, V = linalg.eigh(H)
    turned = V.T @ N @ V

    def entries(second=1.0, both=1.0):
        return V @ (eta * turned / (h[:, None] + both * h - second * eta * np.outer(h, h))) @ V.T

    verify.agree(entries(), S, rtol=1e-10)
    verify.refutes(entries(second=-1), S, why="sign before the product")
    verify.refutes(entries(both=0), S, why="one curvature left out")

    hh, s, B, rate = 1.7, 0.9, 5, 0.4
    series = rate**2 * s**2 / B * sum((1 - rate * hh) ** (2 * j) for j in range(400))

    def variance(two=2.0, sign=-1.0, batch=B):
        return rate * s**2 / (batch * hh * (two + sign * rate * hh))

    verify.agree(series, variance(), rtol=1e-13)
    verify.refutes(series, variance(two=1.0), why="factor 2 of the variance")
    verify.refutes(series, variance(sign=1.0), why="sign in the variance")
    verify.refutes(series, variance(batch=1), why="factor B")
    rng = np.random.default_rng(3)
    walk = minimize(
        lambda x: hh * x + s / np.sqrt(B) * rng.standard_normal(x.shape),
        np.zeros(200_000),
        GradientDescent(rate),
        40,
    )
    verify.agree(np.var(walk[-1]), variance(), rtol=0.02)
    verify.refutes(np.var(walk[-1]), variance(two=2.5), why="another constant, by simulation")


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-langevin", routes=("exact covariances", "simulated walks")
)
def test_langevin(verify):
    """With a vanishing step the covariance is T H^-1, that of Boltzmann's distribution."""
    H, _ = example(seed=2)
    T, eta = 0.7, 1e-6
    A = np.eye(3) - eta * H

    def cloud(push):
        return linalg.solve_discrete_lyapunov(A, push * np.eye(3))

    verify.agree(cloud(2 * eta * T), T * np.linalg.inv(H), rtol=1e-5)
    verify.refutes(cloud(eta * T), T * np.linalg.inv(H), why="factor 2")
    verify.refutes(cloud(2 * eta**2 * T), T * np.linalg.inv(H), why="noise times eta")
    verify.refutes(cloud(2 * eta * T**2), T * np.linalg.inv(H), why="root of the temperature")
    coarse = 0.3 / linalg.eigvalsh(H)[-1]
    rng, x = np.random.default_rng(5), np.zeros((40_000, 3))
    for _ in range(150):
        x = x - coarse * x @ H + np.sqrt(2 * coarse * T) * rng.standard_normal(x.shape)
    exact = 2 * T * np.linalg.inv(2 * H - coarse * H @ H)
    verify.agree(x.T @ x / 40_000, exact, atol=0.05 * np.abs(exact).max())
    verify.refutes(2 * x.T @ x / 40_000, exact, why="factor 2, by simulation")


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-least-squares-noise",
    routes=("torch's gradients of the samples", "all signs of the errors"),
)
def test_noise_of_least_squares(verify):
    """Gradients by automatic differentiation have the covariance; over all signs it is 2 s^2 H."""
    rng = np.random.default_rng(1)
    n, s = 7, 0.8
    X, theta = rng.normal(size=(n, 2)), np.array([1.0, -0.5])
    y = X @ theta + rng.normal(size=n)
    best = np.linalg.lstsq(X, y, rcond=None)[0]
    residual = y - X @ best

    def sample(t):
        return (torch.tensor(y) - torch.tensor(X) @ t) ** 2

    g = torch.autograd.functional.jacobian(sample, torch.tensor(best)).numpy()
    right = 4 / n * (X * residual[:, None] ** 2).T @ X
    verify.agree(np.cov(g.T, bias=True), right, rtol=1e-11)
    verify.refutes(np.cov(g.T, bias=True), right / 4, why="factor 4")
    verify.refutes(np.cov(g.T, bias=True), n * right, why="factor n")
    verify.refutes(np.cov(g.T), right, why="n - 1 for n")

    H = 2 * X.T @ X / n
    errors = s * np.array(list(itertools.product((-1.0, 1.0), repeat=n)))
    averaged = np.mean([4 / n * (X * e[:, None] ** 2).T @ X for e in errors], axis=0)
    verify.agree(averaged, 2 * s**2 * H, rtol=1e-12)
    verify.refutes(averaged, s**2 * H, why="factor 2")
    verify.refutes(averaged, 2 * s * H, why="variance for standard deviation")
    verify.refutes(averaged, 2 * s**2 * np.eye(2), why="isotropic noise")


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-round",
    "eq-momentum-and-stochastic-sum",
    routes=("scipy's discrete Lyapunov equation", "the closed forms"),
)
def test_round_cloud(verify):
    """With noise proportional to the Hessian the cloud is round; Langevin's adds the posterior."""
    H, _ = example(seed=4)
    one, s, B, n = np.eye(3), 0.9, 4, 50
    eta = 0.9 / linalg.eigvalsh(H)[-1]
    A = one - eta * H
    S = linalg.solve_discrete_lyapunov(A, eta**2 * 2 * s**2 / B * H)
    last = np.linalg.inv(one - eta / 2 * H)
    verify.agree(S, eta * s**2 / B * last, atol=1e-13)
    verify.refutes(S, 2 * eta * s**2 / B * last, why="factor 2")
    verify.refutes(S, eta * s**2 * last, why="factor B")
    verify.refutes(S, eta * s**2 / B * np.linalg.inv(one + eta / 2 * H), why="sign")
    verify.refutes(S, eta * s**2 / B * np.linalg.inv(H), why="the shape of the posterior")
    small = 1e-7
    first = linalg.solve_discrete_lyapunov(one - small * H, small**2 * 2 * s**2 / B * H) / small
    verify.agree(first, s**2 / B * one, atol=1e-7)
    verify.refutes(first, 2 * s**2 / B * one, why="factor 2, to first order")

    T = 2 * s**2 / n
    both = linalg.solve_discrete_lyapunov(A, 2 * eta * T * one + eta**2 * 2 * s**2 / B * H)
    posterior = 2 * s**2 / n * np.linalg.inv(H)
    verify.agree(both, (posterior + eta * s**2 / B * one) @ last, atol=1e-13)
    verify.refutes(both, posterior + eta * s**2 / B * one, why="last factor left out")
    verify.refutes(both, (posterior / 2 + eta * s**2 / B * one) @ last, why="half a posterior")
    verify.refutes(both, (posterior - eta * s**2 / B * one) @ last, why="sign of the cloud")


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-posterior",
    routes=("torch's Hessian of the log posterior", "least squares under all signs of the errors"),
)
def test_posterior(verify):
    """The inverse curvature of minus the log likelihood is the covariance of the text."""
    rng = np.random.default_rng(6)
    n, s = 9, 0.6
    X, y = rng.normal(size=(n, 3)), rng.normal(size=n)

    def minus_log(t):
        residual = torch.tensor(y) - torch.tensor(X) @ t
        return residual @ residual / (2 * s**2)

    curvature = torch.autograd.functional.hessian(minus_log, torch.zeros(3, dtype=torch.float64))
    H = 2 * X.T @ X / n
    right = 2 * s**2 / n * np.linalg.inv(H)
    verify.agree(np.linalg.inv(curvature.numpy()), right, rtol=1e-11)
    verify.refutes(np.linalg.inv(curvature.numpy()), right / 2, why="factor 2")
    verify.refutes(np.linalg.inv(curvature.numpy()), n * right, why="factor n")
    verify.refutes(np.linalg.inv(curvature.numpy()), right * s**2, why="power of s")
    errors = s * np.array(list(itertools.product((-1.0, 1.0), repeat=n)))
    estimates = np.linalg.lstsq(X, errors.T, rcond=None)[0]
    of_the_fits = estimates @ estimates.T / len(errors)
    verify.agree(of_the_fits, right, rtol=1e-10)
    verify.refutes(of_the_fits, s**2 * np.linalg.inv(H), why="2 / n left out")


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-multiplicative",
    routes=("all batches enumerated", "dlmath.iterations.least_squares_cloud"),
)
def test_exact_cloud(verify):
    """The covariance that all batches, enumerated, leave as it is solves the equation."""
    rng = np.random.default_rng(7)
    n, B = 5, 2
    X, y = rng.normal(size=(n, 2)), rng.normal(size=n)
    H = 2 * X.T @ X / n
    best = np.linalg.lstsq(X, y, rcond=None)[0]
    residual = y - X @ best
    eta = 0.25 / linalg.eigvalsh(H)[-1]
    one = np.eye(2)
    for replace in (False, True):
        draws = (
            itertools.product(range(n), repeat=B)
            if replace
            else itertools.combinations(range(n), B)
        )
        steps = []
        for rows in draws:
            x, e = X[list(rows)], residual[list(rows)]
            steps.append((one - eta * 2 * x.T @ x / B, 2 * eta / B * x.T @ e))
        # The covariance that is its own mean over all batches: four linear equations.
        growth = np.mean([np.kron(M, M) for M, _ in steps], axis=0)
        push = np.mean([np.outer(g, g) for _, g in steps], axis=0)
        S = np.linalg.solve(np.eye(4) - growth, push.ravel()).reshape(2, 2)
        f = 1.0 if replace else (n - B) / (n - 1)
        Sigma = 4 / n * (X * residual[:, None] ** 2).T @ X
        spread = np.mean([4 * np.outer(x, x) @ S @ np.outer(x, x) for x in X], axis=0)

        def right(f=f, plus=1.0, minus=1.0, batch=B, S=S, Sigma=Sigma, spread=spread):
            A = one - eta * H
            return A @ S @ A + eta**2 * f / batch * (Sigma + plus * spread - minus * H @ S @ H)

        verify.agree(S, right(), rtol=1e-11)
        verify.refutes(S, right(f=1.75 - f), why="with and without exchanged")
        verify.refutes(S, right(plus=0, minus=0), why="curvature that does not fluctuate")
        verify.refutes(S, right(minus=-1), why="sign")
        verify.refutes(S, right(batch=1), why="factor B")
        verify.agree(least_squares_cloud(X, y, eta, B, replace=replace), S, rtol=1e-9)
        verify.refutes(
            least_squares_cloud(X, y, eta, B, replace=not replace), S, why="the other way to draw"
        )


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-momentum-noise",
    routes=("scipy's discrete Lyapunov equation of the pair", "simulated walks"),
)
def test_noise_with_momentum(verify):
    """The covariance of the pair of places has the variance; small rates see eta / (1 - beta)."""
    h, s, B, eta, beta = 1.4, 0.7, 3, 0.5, 0.6

    def pair(eta):
        push = np.array([[eta**2 * s**2 / B, 0.0], [0.0, 0.0]])
        return linalg.solve_discrete_lyapunov(iteration_matrix(h, eta, beta), push)[0, 0]

    def formula(plus=1 + beta, minus=1 - beta, two=2.0, batch=B):
        return eta * s**2 / (batch * h * minus) * plus / (two * (1 + beta) - eta * h)

    verify.agree(pair(eta), formula(), rtol=1e-11)
    verify.refutes(pair(eta), formula(plus=1 - beta, minus=1 + beta), why="sign of beta")
    verify.refutes(pair(eta), formula(two=1.0), why="factor 2")
    verify.refutes(pair(eta), formula(batch=1), why="factor B")
    verify.refutes(pair(eta), formula(minus=1.0), why="effective rate forgotten")
    small = 1e-6
    effective = small / (1 - beta)
    verify.agree(pair(small), effective * s**2 / (2 * B * h), rtol=1e-5)
    verify.refutes(pair(small), small * s**2 / (2 * B * h), why="eta for the effective rate")
    slow = np.abs(np.linalg.eigvals(iteration_matrix(h, small, beta))).max()
    verify.agree((1 - slow) / small, h / (1 - beta), rtol=1e-5)
    verify.refutes((1 - slow) / small, h, why="no effective rate in the root")
    rng = np.random.default_rng(9)
    walk = minimize(
        lambda x: h * x + s / np.sqrt(B) * rng.standard_normal(x.shape),
        np.zeros(200_000),
        Momentum(eta, beta),
        60,
    )
    verify.agree(np.var(walk[-1]), formula(), rtol=0.02)
    verify.refutes(np.var(walk[-1]), formula(two=2.2), why="another constant, by simulation")


@pytest.mark.verifies(
    "eq-momentum-and-stochastic-average",
    routes=("a walk with known noise", "dlmath.iterations.stationary_covariance"),
)
def test_average(verify):
    """The mean of a walk is the averaged noise and the two ends, whatever the rate."""
    H, N = example(seed=8)
    rng = np.random.default_rng(10)
    K, eta, best = 60, 0.5 / linalg.eigvalsh(H)[-1], np.array([1.0, -2.0, 0.5])
    noise = iter(xi := rng.normal(size=(K, 3)))
    walk = minimize(lambda x: H @ (x - best) + next(noise), np.zeros(3), GradientDescent(eta), K)
    mean = walk[:K].mean(axis=0) - best

    def right(sign=-1, ends=1, rate=eta):
        turned = np.linalg.solve(H, np.stack([xi.mean(axis=0), walk[0] - walk[-1]], axis=1))
        return sign * turned[:, 0] + ends * turned[:, 1] / (rate * K)

    verify.agree(mean, right(), rtol=1e-11)
    verify.refutes(mean, right(sign=1), why="sign of the noise")
    verify.refutes(mean, right(ends=-1), why="sign of the ends")
    verify.refutes(mean, right(ends=0), why="ends left out")
    verify.refutes(mean, right(rate=1.0), why="factor eta")

    # The variance of a long mean: the sum of the covariances of all pairs of places.
    S, A = stationary_covariance(H, N, eta), np.eye(3) - eta * H
    long = 100_000
    tail = np.linalg.solve(np.eye(3) - A, A @ S)
    covariance = (S + tail + tail.T) / long
    inverse = np.linalg.inv(H)
    verify.agree(covariance, inverse @ N @ inverse / long, rtol=1e-8)
    verify.refutes(covariance, S / long, why="independent places")
    verify.refutes(covariance, eta * inverse @ N @ inverse / long, why="a rate in the variance")
