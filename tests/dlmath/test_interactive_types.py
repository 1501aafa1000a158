"""The figures to move of the chapter on the types of learning, against NumPy."""

import json

import numpy as np
import pytest
from dlmath import clustering
from dlmath.interactive import bandit_player, lloyd_explorer
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from test_interactive import run_js

ALT = "A cloud of points in four colours with a larger dot in each, beside a few bars."


@pytest.fixture(scope="module")
def explorer():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(c, 6.0, 25) for c in (0, 30, 60, 60)])
    y = np.concatenate([rng.normal(c, 0.4, 25) for c in (0, 1, 4, 0)])
    return lloyd_explorer(x, y, alt=ALT)


def standardised(widget):
    points = np.array(widget.data["points"])
    sd = points.std(axis=0)
    return points / sd, sd


STEP = "[lloydStep(given.centres, given.data), lloydEnd(given.centres, given.data)]"


@pytest.mark.parametrize("seed", range(5))
def test_a_step_in_the_page_is_lloyds_and_ends_where_it_ends(explorer, seed):
    z, sd = standardised(explorer)
    start = np.random.default_rng(seed).uniform(z.min(axis=0), z.max(axis=0), (4, 2))
    given = {"centres": (start * sd).tolist(), "data": explorer.data}
    step, end = run_js("models/lloyd.js", STEP, given)
    labels = clustering.assign(z, start)
    moved = clustering.move_centres(z, labels, start)
    assert_array_equal(step["labels"], labels)
    assert_allclose(step["moved"], moved * sd, rtol=1e-9)
    assert_allclose(step["cost"], clustering.kmeans_cost(z, labels, start), rtol=1e-6)
    assert_allclose(step["costMoved"], clustering.kmeans_cost(z, labels, moved), rtol=1e-6)
    assert step["changed"] == np.sum(clustering.assign(z, moved) != labels)
    found = clustering.lloyd(z, start)
    assert_allclose(end["centres"], found.centres * sd, rtol=1e-9)
    assert_allclose(end["cost"], found.costs[-1], rtol=1e-6)
    assert end["steps"] == len(found.costs) // 2


def test_the_levels_are_those_of_the_starts_and_hold_all_of_them(explorer):
    levels = np.array(explorer.data["levels"])
    assert_allclose(levels[:, 1].sum(), 100, atol=0.5)
    ends = run_js(
        "models/lloyd.js",
        "['good', 'bad'].map((name) => lloydEnd(given[name], given).cost)",
        explorer.data,
    )
    assert_allclose(ends, [levels[0, 0], levels[-1, 0]], rtol=0.02)
    assert ends[1] > 1.1 * ends[0]


def test_buttons_set_the_centres_and_the_picture_says_when_they_rest(explorer):
    picture, moved, ended = run_js(
        "models/lloyd.js",
        "(() => { const end = actions.run(given[0], given[1]);"
        "return [compute(given[0], given[1]), actions.step(given[0], given[1]),"
        "compute(end, given[1])]; })()",
        [explorer.params, explorer.data],
    )
    assert list(moved) == ["c1", "c2", "c3", "c4"]
    arrows = [s for s in picture["panels"][0]["series"] if s["type"] == "arrow"]
    assert_allclose([[a["x"][1], a["y"][1]] for a in arrows], list(moved.values()))
    clouds = [s for s in picture["panels"][0]["series"] if s["type"] == "points"]
    assert sum(len(cloud["x"]) for cloud in clouds) == 100
    assert "message" not in picture
    assert ended["message"] == "no centre moves any more"


def test_a_centre_without_points_stays_in_the_page_too():
    given = [[[0, 0], [1, 0]], [0, 0], [[5, 5], [9, 9]]]
    means = run_js("models/lloyd.js", "clusterMeans(...given)", given)
    assert_allclose(means, [[0.5, 0], [9, 9]])


MEANS = [0.1, 0.3, 0.35, 0.5, 0.6]


class Stream:
    """Lehmer's generator in Python's integers."""

    def __init__(self, run):
        self.state = (run * 7919 + 1) % (2**31 - 1)
        for _ in range(10):
            self()

    def __call__(self):
        self.state = 48271 * self.state % (2**31 - 1)
        return self.state / (2**31 - 1)


def beta(a, b, uniform):
    """Marsaglia and Tsang, twice."""
    drawn = []
    for shape in (a, b):
        d = shape - 1 / 3
        while True:
            x = np.sqrt(-2 * np.log(uniform())) * np.cos(2 * np.pi * uniform())
            v = (1 + x / np.sqrt(9 * d)) ** 3
            if v > 0 and np.log(uniform()) < x**2 / 2 + d * (1 - v + np.log(v)):
                break
        drawn.append(d * v)
    return drawn[0] / sum(drawn)


def written_out(policy, epsilon, n, run):
    uniform, paid, pulls, arms = Stream(run), np.zeros(5), np.zeros(5), []
    for i in range(n):
        with np.errstate(all="ignore"):
            mean = np.where(pulls > 0, paid / pulls, np.inf)
            bound = np.where(pulls > 0, mean + np.sqrt(2 * np.log(i) / pulls), np.inf)
        if policy == "ε-greedy":
            u, v = uniform(), uniform()
            arm = int(5 * v) if pulls.min() > 0 and u < epsilon else mean.argmax()
        elif policy == "UCB1":
            arm = bound.argmax()
        else:
            drawn = [beta(1 + s, 1 + N - s, uniform) for s, N in zip(paid, pulls, strict=True)]
            arm = np.argmax(drawn)
        paid[arm] += uniform() < MEANS[arm]
        pulls[arm] += 1
        arms.append(int(arm))
    return arms, paid, pulls


@pytest.mark.parametrize("policy", ["ε-greedy", "UCB1", "Thompson sampling"])
@pytest.mark.parametrize("run", [1, 17])
def test_a_run_in_the_page_is_the_policy_written_out(policy, run):
    widget = bandit_player(MEANS, n=400, alt=ALT)
    params = {**widget.params, "policy": policy, "epsilon": 0.2, "run": run, "pulls": 400}
    given = {"params": params, "data": widget.data}
    shown, state, picture = run_js(
        "models/bandit.js",
        "(() => { const shown = played(given.params, given.data);"
        "return [shown, countsAfter(shown, 400, 5), compute(given.params, given.data)]; })()",
        given,
    )
    arms, paid, pulls = written_out(policy, 0.2, 400, run)
    assert shown["arms"] == arms
    assert_allclose([state["successes"], state["pulls"]], [paid, pulls])
    gaps = 0.6 - np.array(MEANS)
    assert_allclose(shown["regret"], np.append(0, np.cumsum(gaps[arms])), atol=1e-12)
    assert_allclose(shown["regret"][-1], gaps @ pulls)
    others = [written_out(policy, 0.2, 400, 100 + r)[0] for r in range(3)]
    many = run_js(
        "models/bandit.js",
        "[0, 1, 2].map((r) => playRun(given.params, given.data.means, 400, 100 + r).arms)",
        given,
    )
    assert many == others
    drawn = picture["panels"][1]["series"][1]
    assert_allclose(drawn["y"][-1], shown["regret"][-1])


def test_what_is_shown_does_not_change_what_is_played():
    widget = bandit_player(MEANS, n=300, alt=ALT)
    pictures = run_js(
        "models/bandit.js",
        "[0, 1, 57, 300].map((pulls) => compute({ ...given.params, pulls }, given.data))",
        {"params": widget.params, "data": widget.data},
    )
    counted = [
        [int(s["text"]) for s in p["panels"][0]["series"] if s["type"] == "text"] for p in pictures
    ]
    assert [sum(c) for c in counted] == [0, 1, 57, 300]
    averages = [p["panels"][1]["series"][0]["y"] for p in pictures]
    assert averages[0] == averages[3]


def test_the_uniform_and_the_beta_numbers_have_their_distributions():
    uniform, drawn = run_js(
        "models/bandit.js",
        "(() => { const next = uniformStream(5);"
        "return [Array.from({ length: 4000 }, next),"
        "Array.from({ length: 4000 }, () => betaNumber(3, 8, next))]; })()",
        None,
    )
    assert stats.kstest(uniform, "uniform").pvalue > 0.01
    assert stats.kstest(drawn, stats.beta(3, 8).cdf).pvalue > 0.01
    firsts = run_js(
        "models/bandit.js", "Array.from({ length: 200 }, (_, r) => uniformStream(r)())", None
    )
    assert stats.kstest(firsts, "uniform").pvalue > 0.01


def test_bounds_of_the_estimates():
    state = {"successes": [3, 0, 1], "pulls": [5, 0, 1]}
    ucb, posterior = run_js(
        "models/bandit.js",
        "['UCB1', 'ε-greedy'].map((policy) => reachOf({ policy }, given, 6))",
        state,
    )
    assert_allclose(ucb[0], [0.6, 0.6 + np.sqrt(2 * np.log(6) / 5)])
    for (low, high), s, N in zip(posterior, *state.values(), strict=True):
        belief = stats.beta(1 + s, 1 + N - s)
        assert_allclose([low, high], belief.mean() + np.array([-1, 1]) * belief.std())


def test_data_of_the_pages_stay_small(explorer):
    for figure in (explorer, bandit_player(MEANS, alt=ALT)):
        assert len(json.dumps(figure.data, separators=(",", ":"))) < 30_000


def lloyds(**change):
    return lloyd_explorer(**{"x": np.arange(9.0), "y": np.arange(9.0) ** 2, "alt": ALT, **change})


def bandit(**change):
    return bandit_player(**{"means": MEANS, "alt": ALT, **change})


@pytest.mark.parametrize(
    ("make", "change", "message"),
    [
        (lloyds, {"x": [0.0, np.nan]}, "x contains NaN"),
        (lloyds, {"y": [1.0, 2.0]}, "y must have 9 entries, got 2"),
        (lloyds, {"y": np.ones(9)}, "y must not be all equal"),
        (lloyds, {"clusters": 5}, "clusters must be an integer from 2 to 4"),
        (lloyds, {"x": [0.0, 1.0], "y": [0.0, 1.0]}, "clusters must be at most the number"),
        (lloyds, {"alt": "Points."}, "alt must say what is seen"),
        (bandit, {"means": [0.5]}, "means must be from two to nine probabilities"),
        (bandit, {"means": [0.5, 1.1]}, "means must be from two to nine probabilities"),
        (bandit, {"n": 10}, "n must be an integer from 100 to 5000"),
        (bandit, {"epsilon": -0.1}, "epsilon must lie between 0 and 1"),
        (bandit, {"regret_limit": 0.0}, "regret_limit must be positive"),
        (bandit, {"alt": "Arms."}, "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(make, change, message):
    with pytest.raises(ValueError, match=message):
        make(**change)


@pytest.mark.parametrize("make", [lloyds, bandit])
def test_stills_are_the_same_at_every_run(make):
    assert make().still == make().still
    assert make().still.count("<svg") == 1
