"""The page on notation: each entry of "ours and theirs" computed on both sides.

An entry is held to its test by its text: one that is added or changed without the other fails.
"""

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from built_site import ROOT
from dlmath import kernels
from dlmath.linear import ElasticNet, Lasso, LogisticRegression, Ridge
from numpy.testing import assert_allclose
from scipy import optimize, special
from sklearn import linear_model
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.neural_network import MLPRegressor

torch.set_num_threads(1)

TESTS: dict[str, tuple[str, Callable[[], None]]] = {}
N, P, LAM = 40, 4, 0.13


def entry(name, elsewhere):
    """Register the test of an entry by its name, with what the page says of others."""

    def register(test):
        assert name not in TESTS, name
        TESTS[name] = elsewhere, test
        return test

    return register


def entries():
    """Read the list on the page: what others call it, by the name in bold."""
    text = (ROOT / "chapters/appendices/notation.md").read_text(encoding="utf-8")
    pairs = text.split("::::{container} bk-pairs")[1].split("\n::::\n")[0].strip().split("\n\n")
    found = [re.fullmatch(r"\*\*(?P<name>.+?)\*\*.*\n: (?P<elsewhere>.+)", pair) for pair in pairs]
    assert all(found), pairs
    names = [match["name"] for match in found]
    assert len(names) == len(set(names))
    return {match["name"]: match["elsewhere"] for match in found}


def test_every_entry_is_tested_as_it_stands():
    assert entries() == {name: elsewhere for name, (elsewhere, _) in TESTS.items()}


def agree(ours, theirs, *wrong, tol=1e-6):
    """Require that two sides are equal, and that each wrong version differs visibly."""
    assert_allclose(ours, theirs, rtol=tol, atol=tol)
    for other in wrong:
        apart = np.abs(np.asarray(other) - np.asarray(ours)).max()
        assert apart > max(1e-3, 100 * tol) * np.abs(np.asarray(ours)).max()


def regression(outputs=None):
    """Draw features and targets that are not centred."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, P)) + 0.5
    shape = (N,) if outputs is None else (N, outputs)
    theta = rng.normal(size=(P, *shape[1:]))
    return X, X @ theta + 2 + 0.5 * rng.normal(size=shape)


def classes(count):
    """Draw features and labels of overlapping classes."""
    rng = np.random.default_rng(1)
    labels = rng.integers(count, size=N)
    return rng.normal(size=(N, P)) + 0.7 * np.eye(max(count, P))[labels][:, :P], labels


@entry("Ridge regression", r"`Ridge`: `alpha` $= n\lambda$")
def ridge():
    X, y = regression()

    def theirs(alpha):
        return linear_model.Ridge(alpha=alpha).fit(X, y).coef_

    wrong = theirs(LAM), theirs(2 * N * LAM)
    agree(Ridge(LAM).fit(X, y).coef_, theirs(N * LAM), *wrong, tol=1e-10)


def elastic(X, y, alpha, l1_ratio=1.0):
    """Fit scikit-learn's elastic net tightly."""
    model = linear_model.ElasticNet(alpha=alpha, l1_ratio=l1_ratio, tol=1e-12, max_iter=100_000)
    return model.fit(X, y).coef_


@entry("Lasso", r"`Lasso`: `alpha` $= \lambda/2$")
def lasso():
    X, y = regression()

    def theirs(alpha):
        return linear_model.Lasso(alpha=alpha, tol=1e-12, max_iter=100_000).fit(X, y).coef_

    agree(Lasso(LAM, tol=1e-12).fit(X, y).coef_, theirs(LAM / 2), theirs(LAM), theirs(N * LAM))


@entry("Penalty that leaves nothing", r"first of `lasso_path`'s `alphas` $= \lambda_{\max}/2$")
def lambda_max():
    X, y = regression()
    Xc, yc = X - X.mean(axis=0), y - y.mean()
    largest = 2 / N * np.abs(Xc.T @ yc).max()
    alphas = linear_model.lasso_path(Xc, yc)[0]
    not_centred = np.abs(X.T @ y).max() / N
    agree(largest / 2, alphas[0], largest, not_centred, N * largest / 2, tol=1e-10)
    assert not Lasso(1.001 * largest).fit(X, y).coef_.any()
    assert Lasso(0.999 * largest).fit(X, y).coef_.any()


@entry(
    "Elastic net",
    r"`ElasticNet`: `alpha` $= \lambda_1/2 + \lambda_2$, `l1_ratio` $= (\lambda_1/2)/$`alpha`",
)
def elastic_net():
    X, y = regression()
    l1, l2 = 0.2, 0.05

    def theirs(half, whole):
        return elastic(X, y, half + whole, half / (half + whole))

    ours = ElasticNet(l1, l2, tol=1e-12).fit(X, y).coef_
    agree(ours, theirs(l1 / 2, l2), theirs(l1, l2), theirs(l1 / 2, l2 / 2), theirs(l1 / 2, 2 * l2))


@entry("Sample weights", r"`Ridge`: `alpha` $= \lambda \sum_i w_i$")
def sample_weights():
    X, y = regression()
    w = np.random.default_rng(2).integers(1, 5, N)

    def theirs(alpha):
        return linear_model.Ridge(alpha=alpha).fit(X, y, sample_weight=w).coef_

    ours = Ridge(LAM).fit(X, y, sample_weight=w).coef_
    agree(ours, theirs(LAM * w.sum()), theirs(LAM * N), theirs(LAM), tol=1e-10)
    # A weight of three is a sample that is there three times.
    agree(ours, Ridge(LAM).fit(np.repeat(X, w, axis=0), np.repeat(y, w)).coef_, tol=1e-10)


@entry("Kernel ridge", r"`KernelRidge`: `alpha` $= n\lambda$")
def kernel_ridge():
    X, y = regression()

    def theirs(alpha):
        # scikit-learn's exponent is gamma d^2, ours d^2 / (2 length^2); it has no intercept.
        return KernelRidge(alpha=alpha, kernel="rbf", gamma=1 / (2 * 1.5**2)).fit(X, y).predict(X)

    ours = kernels.KernelRidge(kernels.RBF(1.5), LAM, fit_intercept=False).fit(X, y).predict(X)
    agree(ours, theirs(N * LAM), theirs(LAM), theirs(2 * N * LAM), tol=1e-9)


@entry(
    "Gaussian process",
    r"`GaussianProcessRegressor`: `alpha` $= s^2$; kernel ridge with $n\lambda = s^2/\tau^2$",
)
def gaussian_process():
    X, y = regression()
    tau2, s = 2.3, 0.6

    def theirs(alpha):
        kernel = ConstantKernel(tau2, "fixed") * RBF(1.5, "fixed")
        return GaussianProcessRegressor(kernel, alpha=alpha).fit(X, y).predict(X)

    lam = s**2 / (N * tau2)
    ours = kernels.KernelRidge(kernels.RBF(1.5), lam, fit_intercept=False).fit(X, y).predict(X)
    agree(ours, theirs(s**2), theirs(s), theirs(s**2 / tau2), theirs(N * s**2), tol=1e-8)


@entry("Logistic regression", r"`LogisticRegression`: `C` $= 1/(2n\lambda)$")
def logistic():
    X, y = classes(2)

    def theirs(C):
        return linear_model.LogisticRegression(C=C, tol=1e-10, max_iter=10_000).fit(X, y).coef_

    ours = LogisticRegression(LAM, tol=1e-12).fit(X, y).coef_
    C = 1 / (2 * N * LAM)
    agree(ours, theirs(C), theirs(2 * C), theirs(N * C), theirs(1 / LAM), tol=1e-5)
    # The intercept is penalised by liblinear alone.
    y = (X[:, 0] > -0.5).astype(int)
    intercept = LogisticRegression(LAM, tol=1e-12).fit(X, y).intercept_
    models = [
        linear_model.LogisticRegression(C=C, tol=1e-10, max_iter=10_000, solver=solver).fit(X, y)
        for solver in ("lbfgs", "liblinear")
    ]
    agree(intercept, models[0].intercept_, models[1].intercept_, tol=1e-5)


def softmax_fit(X, y, lam, count):
    """Minimise the mean cross-entropy of a softmax without intercepts, by SciPy."""
    Y = np.eye(count)[y]

    def cost(flat):
        Theta = flat.reshape(X.shape[1], count)
        Z = X @ Theta
        value = np.mean(special.logsumexp(Z, axis=1) - np.sum(Y * Z, axis=1))
        gradient = X.T @ (special.softmax(Z, axis=1) - Y) / len(X) + 2 * lam * Theta
        return value + lam * np.sum(Theta**2), gradient.ravel()

    begin = np.random.default_rng(3).normal(size=X.shape[1] * count)
    options = {"gtol": 1e-10, "maxiter": 10_000}
    found = optimize.minimize(cost, begin, jac=True, method="BFGS", options=options)
    return found.x.reshape(X.shape[1], count)


@entry(
    "Two classes by softmax", r"logistic regression with $\lambda$, $\theta = \theta_1 - \theta_0$"
)
def two_classes():
    X, y = classes(2)
    ours = LogisticRegression(LAM, fit_intercept=False, tol=1e-12).fit(X, y).coef_.ravel()

    def difference(lam):
        Theta = softmax_fit(X, y, lam, 2)
        return Theta[:, 1] - Theta[:, 0]

    right = difference(2 * LAM)
    agree(ours, right, difference(LAM), difference(4 * LAM), -right, tol=1e-6)


@entry(
    "Softmax coefficients",
    "`LogisticRegression` with more than two classes: `coef_` sums to zero",
)
def gauge():
    X, y = classes(3)
    theirs = linear_model.LogisticRegression(
        C=1 / (2 * N * LAM), fit_intercept=False, tol=1e-10, max_iter=10_000
    ).fit(X, y)
    assert_allclose(theirs.coef_.sum(axis=0), 0, atol=1e-6)
    ours = softmax_fit(X, y, LAM, 3)
    centred = ours - ours.mean(axis=1, keepdims=True)
    agree(centred.T, theirs.coef_, ours.T - ours.T[:1], ours.T / 2, tol=1e-5)
    # The gauge changes no probability.
    agree(special.softmax(X @ ours, axis=1), special.softmax(X @ (ours - ours[:, :1]), axis=1))


def most_probable(log_prior, s):
    """Maximise a posterior density without an intercept, by a search that needs no derivative."""
    X, y = regression()

    def minus_log_density(theta):
        return np.sum((y - X @ theta) ** 2) / (2 * s**2) - log_prior(theta)

    begin = np.linalg.lstsq(X, y)[0]
    for _ in range(6):
        options = {"xtol": 1e-10, "ftol": 1e-15, "maxiter": 20_000}
        begin = optimize.minimize(minus_log_density, begin, method="Powell", options=options).x
    return begin


@entry("Gaussian prior", r"ridge with $\lambda = s^2/(n\tau^2)$")
def gaussian_prior():
    X, y = regression()
    s, tau = 0.8, 0.3

    def ours(lam):
        return Ridge(lam, fit_intercept=False).fit(X, y).coef_

    lam = s**2 / (N * tau**2)
    found = most_probable(lambda theta: -np.sum(theta**2) / (2 * tau**2), s)
    agree(ours(lam), found, ours(2 * lam), ours(N * lam), ours(s / (N * tau)), tol=1e-5)


@entry("Laplace prior", r"lasso with $\lambda = 2s^2/(nb)$")
def laplace_prior():
    X, y = regression()
    s, b = 0.8, 0.05

    def ours(lam):
        return Lasso(lam, fit_intercept=False, tol=1e-12).fit(X, y).coef_

    lam = 2 * s**2 / (N * b)
    found = most_probable(lambda theta: -np.sum(np.abs(theta)) / b, s)
    agree(ours(lam), found, ours(lam / 2), ours(2 * lam), ours(lam / N), tol=1e-5)


@entry("Squared error", r"`torch.nn.MSELoss` $= C/$number of outputs")
def squared_error():
    X, Y = regression(outputs=3)
    F = X @ np.ones((P, 3))
    ours = np.mean(np.sum((Y - F) ** 2, axis=1))
    theirs = torch.nn.MSELoss()(torch.tensor(F), torch.tensor(Y)).item()
    agree(ours / 3, theirs, ours, ours / 6, ours / 3 / N, tol=1e-12)


@entry("Cross-entropy", "`torch.nn.CrossEntropyLoss`, of the inputs of the softmax")
def cross_entropy():
    X, y = classes(3)
    Z = X[:, :3] * 1.3
    probabilities = special.softmax(Z, axis=1)
    ours = -np.mean(np.log(probabilities[np.arange(N), y]))
    loss = torch.nn.CrossEntropyLoss()
    theirs = loss(torch.tensor(Z), torch.tensor(y)).item()
    softmax_twice = loss(torch.tensor(probabilities), torch.tensor(y)).item()
    agree(ours, theirs, softmax_twice, N * ours, tol=1e-12)


@entry(
    "Layer",
    r"`torch.nn.Linear`: `weight` $= W^{l\,\T}$; `MLPRegressor`: `coefs_[l-1]` $= W^l$",
)
def layer():
    X, Y = regression(outputs=2)
    linear = torch.nn.Linear(P, 2, dtype=torch.float64)
    W, b = linear.weight.detach().numpy().T, linear.bias.detach().numpy()
    assert W.shape == (P, 2)
    agree(X @ W + b, linear(torch.tensor(X)).detach().numpy(), X @ W - b, tol=1e-12)
    model = MLPRegressor(hidden_layer_sizes=[5], activation="tanh", max_iter=2, random_state=0)
    model.fit(X, Y)
    (W1, W2), (b1, b2) = model.coefs_, model.intercepts_
    assert (W1.shape, W2.shape) == ((P, 5), (5, 2))
    ours = np.tanh(X @ W1 + b1) @ W2 + b2
    agree(ours, model.predict(X), np.tanh(X @ W1 - b1) @ W2 + b2, tol=1e-10)


def network_gradient(weights, biases, X, y, lam):
    """Differentiate the cost of a network with one hidden layer; penalise its weights alone."""
    (W1, W2), (b1, b2) = (
        [torch.tensor(v, requires_grad=True) for v in p] for p in (weights, biases)
    )
    f = (torch.tanh(torch.tensor(X) @ W1 + b1) @ W2 + b2).ravel()
    cost = ((torch.tensor(y) - f) ** 2).mean() + lam * ((W1**2).sum() + (W2**2).sum())
    return [g.numpy() for g in torch.autograd.grad(cost, [W1, W2])]


@entry(
    "Weight penalty of a network",
    r"`MLPRegressor`, one output: `alpha` $= n\lambda$; on batches of $B$ samples, $B\lambda$",
)
def network_penalty():
    """One step of gradient descent of theirs, on the full batch and on one of ten samples."""
    X, y = regression()
    eta, alpha = 0.01, 3.0
    for size in (N, 10):
        model = MLPRegressor(
            hidden_layer_sizes=[5],
            activation="tanh",
            solver="sgd",
            momentum=0,
            learning_rate_init=eta,
            alpha=alpha,
            batch_size=size,
            max_iter=1,
            random_state=0,
            shuffle=False,
        )
        # The first call draws the weights and makes a step; the second is looked at.
        model.partial_fit(X[:size], y[:size])
        weights = [W.copy() for W in model.coefs_]
        biases = [b.copy() for b in model.intercepts_]
        model.partial_fit(X[:size], y[:size])
        # Their cost is half of ours.
        theirs = 2 * (weights[0] - model.coefs_[0]) / eta

        def ours(lam, size=size, weights=weights, biases=biases):
            return network_gradient(weights, biases, X[:size], y[:size], lam)[0]

        agree(ours(alpha / size), theirs, ours(alpha), ours(alpha / (2 * size)), tol=1e-9)


def torch_step(optimiser, lam_of_cost=0.0, **options):
    """Make two steps on a quadratic cost and give the parameters."""
    A, b = (
        torch.tensor([[2.0, 0.3], [0.3, 1.0]], dtype=torch.float64),
        torch.tensor([1.0, -2.0], dtype=torch.float64),
    )
    x = torch.tensor([1.5, 0.7], dtype=torch.float64, requires_grad=True)
    step = optimiser([x], **options)
    for _ in range(2):
        step.zero_grad()
        (x @ A @ x / 2 - b @ x + lam_of_cost * x @ x).backward()
        step.step()
    return x.detach().numpy()


@entry(
    "Penalty in an optimiser",
    r"`torch.optim.SGD`, `Adam`: `weight_decay` $= 2\lambda$, for all parameters that it is given",
)
def weight_decay():
    for optimiser in (torch.optim.SGD, torch.optim.Adam):

        def decayed(decay, optimiser=optimiser):
            return torch_step(optimiser, lr=0.1, weight_decay=decay)

        ours = torch_step(optimiser, LAM, lr=0.1)
        # Adam's step hardly depends on the size of the gradient: differences are small.
        assert_allclose(ours, decayed(2 * LAM), rtol=1e-12)
        assert np.abs(ours - decayed(LAM)).max() > 1e-6
        assert np.abs(ours - decayed(4 * LAM)).max() > 1e-6


@entry(
    "Decoupled decay",
    r"`torch.optim.AdamW`: `weight_decay` shrinks by $\eta\,\cdot$`weight_decay` a step and is no"
    " penalty",
)
def decoupled_decay():
    """By hand: shrink, then Adam's step for the cost without a penalty."""
    A, b = np.array([[2.0, 0.3], [0.3, 1.0]]), np.array([1.0, -2.0])

    def by_hand(shrink, penalty, eta=0.1, beta1=0.9, beta2=0.999):
        x, m, v = np.array([1.5, 0.7]), np.zeros(2), np.zeros(2)
        for k in (1, 2):
            g = A @ x - b + 2 * penalty * x
            m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
            x = (1 - shrink) * x
            x = x - eta * m / (1 - beta1**k) / (np.sqrt(v / (1 - beta2**k)) + 1e-8)
        return x

    theirs = torch_step(torch.optim.AdamW, lr=0.1, weight_decay=0.5)
    wrong = by_hand(0.5, 0), by_hand(0.1, 0), by_hand(0, 0.25)
    agree(by_hand(0.1 * 0.5, 0), theirs, *wrong, tol=1e-10)


@entry("Nesterov", "`torch.optim.SGD(nesterov=True)`: its parameter is $y_k$")
def nesterov():
    A, b = np.array([[2.0, 0.3], [0.3, 1.0]]), np.array([1.0, -2.0])
    eta, beta = 0.1, 0.7
    x = y = np.array([1.5, 0.7])
    for _ in range(2):
        new = y - eta * (A @ y - b)
        x, y = new, new + beta * (new - x)
    theirs = torch_step(torch.optim.SGD, lr=eta, momentum=beta, nesterov=True)
    heavy = torch_step(torch.optim.SGD, lr=eta, momentum=beta)
    agree(y, theirs, x, heavy, tol=1e-12)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", TESTS)
def test_ours_are_theirs(name):
    TESTS[name][1]()
