"""The numbered equations of the chapter on the types of learning."""

import itertools
from fractions import Fraction
from functools import cache

import mpmath
import numpy as np
import pytest
import sympy
from dlmath import bandits
from dlmath.clustering import assign, kmeans_cost, lloyd, move_centres
from dlmath.datasets import load_nuclear_masses
from scipy import integrate, optimize, stats
from scipy.spatial import KDTree
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.preprocessing import StandardScaler

# With a teacher.


@pytest.mark.verifies(
    "eq-types-of-learning-standardise", routes=("scikit-learn's scaler", "the formula")
)
def test_standardised_features(verify):
    """What scikit-learn's scaler returns is the formula, with mean zero and mean square one."""
    x = np.random.default_rng(0).gamma(2.0, 3.0, size=40)
    scaled = StandardScaler().fit_transform(x[:, np.newaxis]).ravel()
    formula = (x - np.mean(x)) / np.sqrt(np.mean(x**2) - np.mean(x) ** 2)
    verify.agree(scaled, formula, atol=1e-13)
    verify.refutes(scaled, (x - x.mean()) / x.std(ddof=1), why="n - 1 in the place of n")
    verify.refutes(scaled, x / x.std(), why="mean not subtracted")
    verify.refutes(scaled, (x - x.mean()) / x.var(), why="variance for deviation")
    verify.agree([scaled.mean(), np.mean(scaled**2)], [0.0, 1.0], atol=1e-14)
    verify.refutes([x.mean(), np.mean(x**2)], [0.0, 1.0], why="not standardised")


@pytest.mark.verifies(
    "eq-types-of-learning-vote",
    "eq-types-of-learning-neighbours",
    routes=("scikit-learn's neighbours", "a k-d tree and the formula"),
)
def test_neighbours_vote_and_average(verify):
    """Votes and means over the neighbours that a tree finds are scikit-learn's predictions."""
    rng = np.random.default_rng(1)
    X, X_new, m = rng.normal(size=(60, 2)), rng.normal(size=(80, 2)), 5
    labels, y = rng.integers(0, 2, 60), rng.normal(size=60)
    _, near = KDTree(X).query(X_new, k=m)
    votes = KNeighborsClassifier(m).fit(X, labels).predict(X_new)
    shares = np.array([sum(labels[i] for i in row) / m for row in near])
    verify.agree(votes, shares > 0.5)
    verify.refutes(votes, shares < 0.5, why="the minority")
    verify.refutes(votes, shares * m / len(X) > 0.5, why="n in the place of m")
    verify.refutes(votes, labels[near[:, 0]], why="one neighbour only")
    means = KNeighborsRegressor(m).fit(X, y).predict(X_new)
    verify.agree(means, [sum(y[i] for i in row) / m for row in near], atol=1e-14)
    verify.refutes(means, [sum(y[i] for i in row) / len(X) for row in near], why="factor n")
    verify.refutes(means, [sum(y[i] for i in row) for row in near], why="sum for mean")
    verify.refutes(means, [np.median(y[row]) for row in near], why="median for mean")


# Groups.


@pytest.mark.verifies("eq-types-of-learning-steiner", routes=("sympy", "scipy's search"))
def test_one_centre(verify):
    """Steiner's theorem is an identity of polynomials, and a search ends at the mean."""
    n = 3
    x, mu = sympy.symbols(f"x:{2 * n}", real=True), sympy.symbols("mu:2", real=True)
    points = [x[2 * i : 2 * i + 2] for i in range(n)]
    mean = [sum(p[k] for p in points) / n for k in range(2)]

    def inertia(about):
        return sum((p[k] - about[k]) ** 2 for p in points for k in range(2)) / n

    shift = sum((mean[k] - mu[k]) ** 2 for k in range(2))
    verify.identical(inertia(mu), inertia(mean) + shift)
    verify.refutes(inertia(mu), inertia(mean) - shift, why="sign")
    verify.refutes(inertia(mu), inertia(mean) + shift / n, why="factor n")
    verify.refutes(inertia(mu), inertia(mean) + 2 * shift, why="factor 2")
    cloud = np.random.default_rng(2).gamma(2.0, size=(7, 2))
    found = optimize.minimize(lambda m: np.mean(np.sum((cloud - m) ** 2, axis=1)), [0, 0]).x
    verify.agree(found, cloud.mean(axis=0), atol=1e-6)
    verify.refutes(found, np.median(cloud, axis=0), why="median for mean")


def clouds(seed=3):
    rng = np.random.default_rng(seed)
    return np.vstack([rng.normal(c, 0.8, size=(15, 2)) for c in (-2.0, 0.0, 2.5)])


@pytest.mark.verifies("eq-types-of-learning-kmeans", routes=("scikit-learn", "the formula"))
def test_cost_of_kmeans(verify):
    """scikit-learn's inertia is n times the cost."""
    X = clouds()
    model = KMeans(3, n_init=3, random_state=0).fit(X)
    labels, centres = model.labels_, model.cluster_centers_
    cost = sum(
        float((x - centres[c]) @ (x - centres[c])) for x, c in zip(X, labels, strict=True)
    ) / len(X)
    verify.agree(model.inertia_ / len(X), cost, rtol=1e-13)
    verify.refutes(model.inertia_, cost, why="factor n")
    verify.refutes(model.inertia_ / X.size, cost, why="divided by the features too")
    verify.refutes(model.inertia_ / len(X), 2 * cost, why="factor 2")
    verify.agree(kmeans_cost(X, labels, centres), cost, rtol=1e-13)


@pytest.mark.verifies(
    "eq-types-of-learning-assign", routes=("all assignments by enumeration", "dlmath.clustering")
)
def test_the_nearest_centre_is_the_best_label(verify):
    """Of all assignments the nearest centres, and of equal ones the first, have the lowest cost."""
    X = np.array([[0.0, 0.0], [1.0, 0.0], [3.0, 1.0], [2.0, 2.0], [0.5, 0.0]])
    centres = np.array([[1.0, 0.0], [0.0, 0.0], [3.0, 2.0]])
    every = [np.array(c) for c in itertools.product(range(3), repeat=len(X))]
    # In the order of enumeration the first of several minima has the lowest labels.
    best = min(every, key=lambda c: round(float(np.sum((X - centres[c]) ** 2)), 9))
    verify.agree(assign(X, centres), best)
    farthest = np.argmax([[np.linalg.norm(x - m) for m in centres] for x in X], axis=1)
    verify.refutes(farthest, best, why="farthest centre")
    last = 2 - assign(X, centres[::-1])
    verify.refutes(last, best, why="highest number of several nearest")


@pytest.mark.verifies("eq-types-of-learning-move", routes=("scipy's search", "dlmath.clustering"))
def test_the_means_are_the_best_centres(verify):
    """A search over all centres at fixed labels ends at the means of the groups."""
    X = clouds(4)[::3]
    labels = np.arange(len(X)) % 2
    found = optimize.minimize(
        lambda flat: sum(
            float(np.sum((x - flat.reshape(2, 2)[c]) ** 2)) for x, c in zip(X, labels, strict=True)
        ),
        np.zeros(4),
        options={"gtol": 1e-9},
    ).x.reshape(2, 2)
    moved = move_centres(X, labels, np.zeros((2, 2)))
    verify.agree(found, moved, atol=1e-7)
    sums = np.array([X[labels == j].sum(axis=0) for j in (0, 1)])
    verify.refutes(found, sums / len(X), why="n in the place of n_j")
    verify.refutes(found, sums, why="sum for mean")
    verify.refutes(found, moved[::-1], why="centres exchanged")


@pytest.mark.verifies(
    "eq-types-of-learning-descent", routes=("exact fractions", "dlmath.clustering.lloyd")
)
def test_the_cost_never_rises_and_the_end_is_an_end(verify):
    """In fractions each half-step lowers the cost or leaves it; dlmath takes the same steps."""
    X = [
        [Fraction(v) for v in row]
        for row in ((0, 0), (1, 0), (2, 1), (4, 0), (7, 1), (9, 0), (10, 2))
    ]
    centres = [[Fraction(0), Fraction(0)], [Fraction(1), Fraction(0)]]
    start = np.array(centres, dtype=float)

    def distance(a, b):
        return sum((u - v) ** 2 for u, v in zip(a, b, strict=True))

    def cost(labels, centres):
        pairs = zip(X, labels, strict=True)
        return sum((distance(x, centres[c]) for x, c in pairs), Fraction(0)) / len(X)

    costs, seen, labels = [], [], None
    while True:
        new = [min((0, 1), key=lambda j: (distance(x, centres[j]), j)) for x in X]
        if new == labels:
            break
        labels = new
        assert labels not in seen
        seen.append(labels)
        costs.append(cost(labels, centres))
        for j in (0, 1):
            own = [x for x, c in zip(X, labels, strict=True) if c == j]
            if own:
                centres[j] = [
                    sum(column, Fraction(0)) / len(own) for column in zip(*own, strict=True)
                ]
        costs.append(cost(labels, centres))
    assert len(seen) > 2
    verify.at_most(np.array(costs[1:], dtype=float), np.array(costs[:-1], dtype=float))
    verify.refutes(
        np.array(costs[:-1], dtype=float), np.array(costs[1:], dtype=float), why="sign: rising"
    )
    verify.agree(
        lloyd(np.array(X, dtype=float), start).costs, np.array(costs, dtype=float), rtol=1e-14
    )
    one_half_step = np.repeat(np.array(costs[::2], dtype=float), 2)
    verify.refutes(one_half_step, np.array(costs, dtype=float), why="centres do not move")


@pytest.mark.verifies(
    "eq-types-of-learning-rectangle", routes=("Lloyd's algorithm from two starts", "the formula")
)
def test_a_rectangle_has_a_bad_end(verify):
    """From the middle above and below nothing moves; from left and right the cost is the least."""
    w, h = 5.0, 2.0
    X = np.array([[a * w / 2, b * h / 2] for a in (-1, 1) for b in (-1, 1)])
    bad = lloyd(X, [[0, h / 2], [0, -h / 2]]).costs[-1]
    good = lloyd(X, [[-1, 0.1], [1, -0.1]]).costs[-1]
    verify.agree([good, bad, bad / good], [h**2 / 4, w**2 / 4, (w / h) ** 2], rtol=1e-14)
    verify.refutes([bad, good, good / bad], [h**2 / 4, w**2 / 4, (w / h) ** 2], why="exchanged")
    verify.refutes([good, bad, bad / good], [h**2, w**2, (w / h) ** 2], why="factor n")
    verify.refutes([good, bad, bad / good], [h**2 / 4, w**2 / 4, w / h], why="no square")
    every = [
        kmeans_cost(X, np.array(c), move_centres(X, np.array(c), np.zeros((2, 2))))
        for c in itertools.product((0, 1), repeat=4)
    ]
    verify.agree(min(every), good, rtol=1e-14)
    verify.refutes(min(every), bad, why="the bad end is not the best")


@pytest.mark.verifies(
    "eq-types-of-learning-total", routes=("analysis of variance by scipy", "the formula")
)
def test_within_and_between(verify):
    """The total splits; scipy's F test has the same two parts."""
    X = clouds(5)
    found = lloyd(X, X[[0, 20, 40]])
    labels, centres = found.labels, found.centres
    total = np.mean(np.sum((X - X.mean(axis=0)) ** 2, axis=1))
    sizes = np.array([np.sum(labels == j) for j in range(3)])
    apart = np.sum((centres - X.mean(axis=0)) ** 2, axis=1)
    between = sizes @ apart / len(X)
    within = found.costs[-1]
    verify.agree(total, within + between, rtol=1e-13)
    verify.refutes(total, within - between, why="sign")
    verify.refutes(total, within + apart.mean(), why="groups not weighted")
    verify.refutes(total, within + sizes @ apart, why="factor n")
    # F of each feature is between/(K - 1) over within/(n - K).
    groups = [X[labels == j] for j in range(3)]
    F = stats.f_oneway(*groups).statistic
    parts = [sizes @ (centres - X.mean(axis=0)) ** 2, sum(len(g) * g.var(axis=0) for g in groups)]
    verify.agree(F, parts[0] / 2 / (parts[1] / (len(X) - 3)), rtol=1e-12)
    verify.refutes(F, parts[1] / parts[0], why="exchanged")


@pytest.mark.verifies(
    "eq-types-of-learning-direction",
    routes=("a search over all angles", "scikit-learn's PCA", "the eigenvalue"),
)
def test_the_direction_of_largest_variance(verify):
    """A scan of all directions of the plane finds no more variance than the largest eigenvalue."""
    rng = np.random.default_rng(6)
    X = rng.normal(size=(50, 2)) @ np.array([[2.0, 0.7], [0.0, 0.5]])
    X -= X.mean(axis=0)
    S = X.T @ X / len(X)
    nu = np.roots([1, -np.trace(S), np.linalg.det(S)])

    def variance(angle):
        return np.mean((X @ [np.cos(angle), np.sin(angle)]) ** 2)

    best = max(
        -optimize.minimize_scalar(lambda a: -variance(a), bounds=b, method="bounded").fun
        for b in ((0, 2), (1, np.pi))
    )
    verify.agree(best, max(nu), rtol=1e-9)
    verify.refutes(best, min(nu), why="smallest eigenvalue")
    verify.refutes(best, len(X) * max(nu), why="factor n")
    verify.refutes(best, np.sqrt(max(nu)), why="standard deviation for variance")
    # scikit-learn divides by n - 1.
    theirs = PCA(2).fit(X).explained_variance_ * (len(X) - 1) / len(X)
    verify.agree(theirs, np.sort(nu)[::-1], rtol=1e-12)
    verify.refutes(theirs, np.sort(nu), why="order")
    v = np.array([np.cos(0.4), np.sin(0.4)])
    verify.agree(variance(0.4), v @ S @ v, rtol=1e-13)
    verify.refutes(variance(0.4), v @ S @ v * 2, why="factor 2")


# The data as their own teacher.


def shifted(f, dz, dn):
    Z, N = sympy.symbols("Z N")
    return f.subs({Z: Z + dz, N: N + dn}, simultaneous=True)


DIRECT = [(1, 0), (-1, 0), (0, 1), (0, -1)]
CORNERS = list(itertools.product((1, -1), repeat=2))


HALF, QUARTER = sympy.Rational(1, 2), sympy.Rational(1, 4)


def stencil(f, edge=HALF, corner=-QUARTER):
    return sum(edge * shifted(f, *at) for at in DIRECT) + sum(
        corner * shifted(f, *at) for at in CORNERS
    )


@pytest.mark.verifies(
    "eq-types-of-learning-stencil",
    "eq-types-of-learning-mixed",
    "eq-types-of-learning-exact",
    routes=("sympy, with arbitrary functions", "the differences applied twice"),
)
def test_what_the_neighbours_know(verify):
    """The prediction is exact for the functions of the theorem; its error is the difference."""
    Z, N = sympy.symbols("Z N")
    g, h, a, b, B = (sympy.Function(name) for name in "ghabB")
    known = g(Z) + h(N) + Z * a(N) + N * b(Z)
    verify.identical(sympy.expand(stencil(known)), sympy.expand(known))
    verify.refutes(
        sympy.expand(stencil(known, corner=QUARTER)),
        sympy.expand(known),
        why="sign of the corners",
    )
    verify.refutes(
        sympy.expand(stencil(known, edge=QUARTER, corner=0)),
        sympy.expand(known),
        why="mean of the direct neighbours",
    )
    more = known + (Z * N) ** 2
    verify.refutes(sympy.expand(stencil(more)), sympy.expand(more), why="mixed term of order four")

    def second(f, dz, dn):
        return shifted(f, dz, dn) - 2 * f + shifted(f, -dz, -dn)

    field = B(Z, N)
    mixed = second(second(field, 0, 1), 1, 0) / 4
    verify.identical(field - stencil(field), mixed)
    verify.refutes(field - stencil(field), -mixed, why="sign of the error")
    verify.refutes(field - stencil(field), 2 * mixed, why="factor 2")
    verify.refutes(field - stencil(field), 4 * mixed, why="no quarter")


@pytest.mark.verifies(
    "eq-types-of-learning-masked", routes=("scikit-learn's least squares", "scipy's search")
)
def test_masked_squares_on_the_chart(verify):
    """The weights that minimise the mean squared error of a covered square, found in two ways."""
    nuclei = load_nuclear_masses()
    energy = {(z, n): b for z, n, b in zip(nuclei.Z, nuclei.N, nuclei.binding_energy, strict=True)}
    around = [at for at in itertools.product((-1, 0, 1), repeat=2) if at != (0, 0)]
    rows, covered = [], []
    for (z, n), b in energy.items():
        near = [energy.get((z + dz, n + dn)) for dz, dn in around]
        if z >= 8 and n >= 8 and None not in near:
            rows.append(near)
            covered.append(b)
    x, B = np.array(rows), np.array(covered)
    theirs = LinearRegression(fit_intercept=False).fit(x, B).coef_

    # A search in well-conditioned coordinates: differences from the round numbers, whitened.
    start = np.array([-0.25, 0.5, -0.25, 0.5, 0.5, -0.25, 0.5, -0.25])
    _, R = np.linalg.qr(x)
    white = np.linalg.solve(R.T, x.T).T * np.sqrt(len(B))

    def cost(u):
        return np.mean((B - x @ start - white @ u) ** 2)

    found = optimize.minimize(cost, np.zeros(8), options={"gtol": 1e-8}).x
    theta = start + np.linalg.solve(R, found) * np.sqrt(len(B))
    verify.agree(theirs, theta, atol=1e-4)
    verify.refutes(theirs, start, why="round numbers are not the minimiser")
    verify.refutes(theirs, -theta, why="sign")
    verify.refutes(theirs, theta / 2, why="factor 2")
    best = np.mean((B - x @ theirs) ** 2)
    verify.agree(best, cost(found), rtol=1e-9)
    verify.refutes(best, len(B) * cost(found), why="factor n")


# Bandits.

MEANS = (0.7, 0.4, 0.5)


def history_policy(history):
    """Choose from the history with probabilities that depend on all of it."""
    weights = np.array([1.0 + sum(r + 0.5 for a, r in history if a == arm) for arm in range(3)])
    return weights / weights.sum()


def enumerate_histories(n):
    """List all histories of n pulls, with their probabilities."""
    for steps in itertools.product(itertools.product(range(3), (0, 1)), repeat=n):
        p = 1.0
        for i, (arm, reward) in enumerate(steps):
            p *= history_policy(steps[:i])[arm] * (MEANS[arm] if reward else 1 - MEANS[arm])
        yield p, steps


@pytest.mark.verifies(
    "eq-types-of-learning-regret",
    "eq-types-of-learning-decomposition",
    routes=("all rewards of all histories", "all pulls of all histories"),
)
def test_regret_counts_mistakes(verify):
    """For a policy that looks at everything, the reward lost is the sum of gaps times pulls."""
    n, histories = 4, list(enumerate_histories(4))
    assert np.isclose(sum(p for p, _ in histories), 1)
    reward = sum(p * sum(r for _, r in steps) for p, steps in histories)
    pulls = [sum(p * sum(a == arm for a, _ in steps) for p, steps in histories) for arm in range(3)]
    gaps = max(MEANS) - np.array(MEANS)
    lost = n * max(MEANS) - reward
    verify.agree(lost, gaps @ pulls, rtol=1e-12)
    verify.refutes(-lost, gaps @ pulls, why="sign")
    verify.refutes(lost / n, gaps @ pulls, why="factor n")
    verify.refutes(lost, np.array(MEANS) @ pulls, why="means for gaps")
    verify.refutes(n * np.mean(MEANS) - reward, gaps @ pulls, why="against the average arm")
    # dlmath adds the gaps of the arms that were pulled: weigh the histories by their probability.
    average = sum(p * bandits.regret([[a for a, _ in steps]], MEANS)[-1] for p, steps in histories)
    verify.agree(average, lost, rtol=1e-12)
    verify.refutes(average, lost - gaps.max(), why="one pull too few")


def exact_counts(choose, means, n):
    """Give the expected pulls of two arms under a policy of the counts, by dynamic programming."""
    states = {(0, 0, 0, 0): 1.0}  # successes and pulls of the first arm, then of the second
    for _ in range(n):
        new: dict[tuple[int, ...], float] = {}
        for (s1, n1, s2, n2), p in states.items():
            for arm, chance in enumerate(choose(s1, n1, s2, n2)):
                if chance == 0:
                    continue
                for reward, q in ((1, means[arm]), (0, 1 - means[arm])):
                    after = (
                        (s1 + reward, n1 + 1, s2, n2) if arm == 0 else (s1, n1, s2 + reward, n2 + 1)
                    )
                    new[after] = new.get(after, 0.0) + p * chance * q
        states = new
    return np.array([sum(p * state[k] for state, p in states.items()) for k in (1, 3)])


def greedy(s1, n1, s2, n2):
    if n1 == 0 or n2 == 0:
        return (1, 0) if n1 == 0 else (0, 1)
    return (1, 0) if s1 * n2 >= s2 * n1 else (0, 1)


@pytest.mark.verifies(
    "eq-types-of-learning-epsilon", routes=("exact dynamic programming", "the bound")
)
def test_epsilon_greedy_loses_at_a_constant_rate(verify):
    """The exact regret of epsilon-greedy lies above the line; without curiosity it need not."""
    means, epsilon, n = (0.95, 0.05), 0.4, 30
    gap = means[0] - means[1]

    def choose(s1, n1, s2, n2):
        best = np.array(greedy(s1, n1, s2, n2), dtype=float)
        return best if min(n1, n2) == 0 else (1 - epsilon) * best + epsilon / 2

    exact = np.array([gap * exact_counts(choose, means, k)[1] for k in (2, 10, n)])
    line = epsilon * np.array([2, 10, n]) / 2 * gap
    verify.at_most(line, exact)
    verify.refutes(2 * line, exact, why="K forgotten: factor 2")
    verify.refutes(line * np.array([2, 10, n]), exact, why="factor n")
    simulated = bandits.pull_arms(bandits.epsilon_greedy(epsilon), means, n, runs=20_000, seed=1)
    pulls = np.mean(np.sum(simulated == 1, axis=1))
    verify.agree(gap * pulls, exact[-1], rtol=0.02)
    verify.refutes(gap * pulls, exact[-1] - 0.1 * line[-1], why="a tenth of the exploration less")


@pytest.mark.verifies(
    "eq-types-of-learning-greedy", routes=("exact dynamic programming", "the bound")
)
def test_greed_gets_stuck(verify):
    """The exact regret of greed lies above the line of the runs that are stuck from the start."""
    means, sizes = (0.2, 0.15), np.array([2, 10, 40])
    gap = means[0] - means[1]
    exact = np.array([gap * exact_counts(greedy, means, n)[1] for n in sizes])
    line = (1 - means[0]) * means[1] * gap * (sizes - 1)
    verify.at_most(line, exact)
    swapped = (1 - means[0]) * (1 - means[1]) * gap * (sizes - 1)
    verify.refutes(swapped, exact, why="1 - mu for mu")
    verify.refutes(2 * line, exact, why="factor 2")
    # Stuck from the start: after n pulls all but one went to the second arm.
    histories = bandits.pull_arms(bandits.epsilon_greedy(0), means, 60, runs=40_000, seed=2)
    stuck = np.mean(np.sum(histories == 1, axis=1) == 59)
    verify.agree(stuck, (1 - means[0]) * means[1], atol=0.005)
    verify.refutes(stuck, (1 - means[0]), why="success of the second arm forgotten")
    verify.refutes(stuck, (1 - means[1]) * means[0], why="arms exchanged")


@pytest.mark.verifies(
    "eq-types-of-learning-hoeffding", routes=("exact binomial tails", "the bound")
)
def test_hoeffding(verify):
    """Exact binomial tails stay below the bound, and a bound with 4 for 2 is broken."""
    upper, lower, bound, wrong = [], [], [], []
    for N, mu in itertools.product((1, 5, 40, 400), (0.1, 0.5, 0.8)):
        for successes in range(N + 1):
            u = successes / N - mu
            if u > 0:
                upper.append(stats.binom.sf(successes - 1, N, mu))
                lower.append(stats.binom.cdf(N - successes, N, 1 - mu))
                bound.append(np.exp(-2 * N * u**2))
                wrong.append(np.exp(-4 * N * u**2))
    verify.at_most(upper, bound, atol=1e-15)
    verify.refutes(upper, wrong, why="factor 2 in the exponent")
    verify.refutes(upper, np.array(bound) / 8, why="too small by a constant")
    # The other tail, by symmetry: failures are successes of 1 - mu.
    verify.at_most(lower, bound, atol=1e-15)
    verify.refutes(lower, wrong, why="factor 2 in the exponent, lower tail")


@pytest.mark.verifies(
    "eq-types-of-learning-ucb", routes=("dlmath.bandits.ucb_index", "Hoeffding's bound solved")
)
def test_upper_confidence_bound(verify):
    """The index is where Hoeffding's bound has fallen to the inverse fourth power of the pulls."""
    successes, pulls = np.array([3.0, 10.0, 1.0]), np.array([7.0, 16.0, 4.0])
    i = pulls.sum()
    solved = [
        optimize.brentq(lambda m: 2 * N * (m - s / N) ** 2 - 4 * np.log(i), s / N, s / N + 9)  # noqa: B023
        for s, N in zip(successes, pulls, strict=True)
    ]
    index = bandits.ucb_index(successes, pulls)
    verify.agree(index, solved, atol=1e-11)
    verify.refutes(2 * successes / pulls - index, solved, why="sign of the bonus")
    verify.refutes(successes / pulls + np.sqrt(np.log(i) / pulls), solved, why="factor 2")
    own = successes / pulls + np.sqrt(2 * np.log(pulls) / pulls)
    verify.refutes(own, solved, why="pulls of the arm in the logarithm")
    runs = np.repeat(successes[np.newaxis], 3, axis=0), np.repeat(pulls[np.newaxis], 3, axis=0)
    chosen = bandits.ucb1(*runs, np.random.default_rng(0))
    verify.agree(chosen, np.full(3, np.argmax(solved)))
    verify.refutes(np.full(3, np.argmin(solved)), np.full(3, np.argmax(solved)), why="smallest")


@pytest.mark.verifies(
    "eq-types-of-learning-ucb-count",
    "eq-types-of-learning-ucb-regret",
    routes=("simulation with dlmath.bandits", "exact dynamic programming", "the bound"),
)
def test_the_bound_of_ucb(verify):
    """Exact and simulated pulls of the poor arm stay below the bound; a smaller one is broken."""
    means = (0.9, 0.1)
    gap = means[0] - means[1]

    def choose(s1, n1, s2, n2):
        index = bandits.ucb_index([s1, s2], [n1, n2])
        return (1, 0) if index[0] >= index[1] else (0, 1)

    n = 40
    exact = exact_counts(choose, means, n)
    arms = bandits.pull_arms(bandits.ucb1, means, n, runs=4000, seed=3)
    verify.agree(np.mean(np.sum(arms == 1, axis=1)), exact[1], atol=0.15)
    verify.refutes(np.mean(np.sum(arms == 0, axis=1)), exact[1], why="the other arm")

    sizes = np.array([40, 400, 10_000])
    long = bandits.pull_arms(bandits.ucb1, means, int(sizes[-1]), runs=20, seed=4)
    pulls = np.cumsum(long == 1, axis=1).mean(axis=0)[sizes - 1]
    bound = 8 * np.log(sizes) / gap**2 + 1 + np.pi**2 / 3
    verify.at_most(pulls, bound)
    verify.refutes(pulls, np.log(sizes) / (8 * gap**2), why="1/8 for 8")
    verify.refutes(pulls, np.full(3, 1 + np.pi**2 / 3), why="no logarithm")
    lost = bandits.regret(long, means)[sizes - 1]
    total = 8 * np.log(sizes) / gap + (1 + np.pi**2 / 3) * gap
    verify.at_most(lost, total)
    verify.refutes(lost, np.log(sizes) / (8 * gap), why="1/8 for 8, regret")
    # The second bound is the first times the gap.
    verify.agree(gap * bound, total, rtol=1e-13)
    verify.refutes(bound, total, why="the gap forgotten")
    verify.refutes(gap**2 * bound, total, why="the gap twice")


@pytest.mark.verifies(
    "eq-types-of-learning-ucb-sum",
    "eq-types-of-learning-ucb-three",
    routes=("runs of dlmath.bandits", "the piles of cards"),
)
def test_steps_of_the_proof(verify):
    """In every run the count is below the sum, and each pull in it has one of the three causes."""
    means, n, ell = np.array([0.8, 0.6, 0.3]), 300, 12
    star, arm, gap = 0, 1, 0.2
    counts, sums, early, unexplained, falsely = [], [], [], 0, 0
    for seed in range(60):
        cards = np.random.default_rng(seed).uniform(size=(3, n)) < means[:, np.newaxis]
        mean_of = np.cumsum(cards, axis=1) / np.arange(1, n + 1)
        pulls, paid, later = np.zeros((1, 3)), np.zeros((1, 3)), 0
        for i in range(n):
            chosen = bandits.ucb1(paid, pulls, np.random.default_rng(0))[0]
            if chosen == arm and pulls[0, arm] >= ell:
                later += 1
                r, q = int(pulls[0, star]), int(pulls[0, arm])
                wide_r, wide_q = (np.sqrt(2 * np.log(i) / k) for k in (r, q))
                three = (
                    mean_of[star, r - 1] <= means[star] - wide_r,
                    mean_of[arm, q - 1] >= means[arm] + wide_q,
                    means[star] < means[arm] + 2 * wide_q,
                )
                unexplained += not any(three)
                falsely += not any((*three[:2], means[star] < means[arm] + wide_q / 4))
            paid[0, chosen] += cards[chosen, int(pulls[0, chosen])]
            pulls[0, chosen] += 1
        counts.append(pulls[0, arm])
        sums.append(ell + later)
        early.append(later)
    verify.at_most(counts, sums)
    verify.refutes(counts, early, why="the first pulls forgotten")
    verify.agree([unexplained], [0])
    verify.refutes([falsely], [0], why="an eighth of the width in the third event")
    # With enough pulls the third is impossible: 8 is needed.
    ln_n, q = np.log(n), np.ceil(8 * np.log(n) / gap**2)
    verify.at_most(2 * np.sqrt(2 * ln_n / q), gap)
    verify.refutes(2 * np.sqrt(2 * ln_n / (q / 2)), gap, why="4 in the place of 8")


@pytest.mark.verifies("eq-types-of-learning-ucb-tail", routes=("sympy", "mpmath's summation"))
def test_sum_of_the_tails(verify):
    """The sum is pi squared over three, in symbols and by summation."""
    i = sympy.symbols("i", positive=True, integer=True)
    closed = sympy.summation(i**2 * 2 * i**-4, (i, 1, sympy.oo))
    verify.identical(closed, sympy.pi**2 / 3)
    verify.refutes(closed, sympy.pi**2 / 6, why="factor 2")
    verify.refutes(closed, sympy.pi**4 / 45, why="pairs not counted")
    summed = float(mpmath.nsum(lambda k: 2 / k**2, [1, mpmath.inf]))
    verify.agree(summed, np.pi**2 / 3, rtol=1e-13)
    verify.refutes(summed, np.pi**2 / 6, why="factor 2, summed")


@cache
def _factorial_ratio(s, N):
    return float(sympy.factorial(N + 1) / (sympy.factorial(s) * sympy.factorial(N - s)))


@pytest.mark.verifies(
    "eq-types-of-learning-beta", routes=("quadrature of Bayes' rule", "the closed form", "scipy")
)
def test_beta_density(verify):
    """Likelihood times a uniform prior, divided by its integral, is the density with factorials."""
    x = np.linspace(0.05, 0.95, 7)
    for s, N in ((0, 0), (3, 5), (1, 9)):
        integral = integrate.quad(lambda t, s=s, N=N: t**s * (1 - t) ** (N - s), 0, 1)[0]
        posterior = x**s * (1 - x) ** (N - s) / integral
        closed = _factorial_ratio(s, N) * x**s * (1 - x) ** (N - s)
        verify.agree(posterior, closed, rtol=1e-12)
        verify.agree(posterior, stats.beta(1 + s, 1 + N - s).pdf(x), rtol=1e-12)
    verify.refutes(posterior, closed / (N + 1), why="N! in the place of (N + 1)!")
    verify.refutes(posterior, closed[::-1], why="successes and failures exchanged")
    verify.refutes(posterior, stats.beta(s, N - s).pdf(x), why="prior forgotten")
