"""Bandits against exact probabilities and against policies written out for a single run."""

import numpy as np
import pytest
from dlmath.bandits import (
    epsilon_greedy,
    explore_then_commit,
    pull_arms,
    regret,
    thompson,
    ucb1,
    ucb_index,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, stats

MEANS = np.array([0.2, 0.6, 0.45])


def counts(arms, size=3):
    return np.array([np.bincount(run, minlength=size) for run in arms])


def test_a_greedy_run_that_begins_badly_stays_with_the_worse_arm():
    arms = pull_arms(epsilon_greedy(0), [0.5, 0.4], 200, runs=4000, seed=1)
    never_back = np.all(arms[:, 2:] == 1, axis=1).mean()
    # At once stuck: the first arm pays nothing and the second does.
    assert never_back > 0.5 * 0.4 - 4 * np.sqrt(0.2 * 0.8 / 4000)


def test_exploration_is_uniform():
    arms = pull_arms(epsilon_greedy(1), MEANS, 303, runs=400, seed=2)
    assert_array_equal(counts(arms[:, :3]), np.ones((400, 3)))
    assert_allclose(counts(arms[:, 3:]).mean(axis=0), [100] * 3, atol=4 * np.sqrt(300 / 4.5 / 400))


def test_explore_then_commit_pulls_in_turn_and_then_one_arm():
    arms = pull_arms(explore_then_commit(7), MEANS, 60, runs=50, seed=3)
    assert_array_equal(counts(arms[:, :21]), np.full((50, 3), 7))
    assert (arms[:, 21:] == arms[:, 21:22]).all()
    assert len(np.unique(arms[:, 21])) > 1


def test_ucb1_is_the_policy_of_its_formula():
    arms = pull_arms(ucb1, MEANS, 200, seed=4)[0]
    assert_array_equal(arms[:3], [0, 1, 2])
    # Deterministic arms make the rewards known: the run can be written out.
    ours = pull_arms(ucb1, [0.0, 1.0], 50)[0]
    pulls, paid, written = [1, 1], [0.0, 1.0], [0, 1]
    for i in range(2, 50):
        index = [paid[a] / pulls[a] + np.sqrt(2 * np.log(i) / pulls[a]) for a in (0, 1)]
        written.append(int(index[1] > index[0]))
        pulls[written[-1]] += 1
        paid[1] = pulls[1]
    assert_array_equal(ours, written)


def test_the_index_is_infinite_for_an_arm_that_has_not_been_pulled():
    index = ucb_index([[1, 0, 0]], [[2, 1, 0]])
    assert_allclose(index[0, :2], [0.5 + np.sqrt(np.log(3)), np.sqrt(2 * np.log(3))])
    assert np.isinf(index[0, 2])


def test_thompson_pulls_an_arm_as_often_as_it_is_probably_the_best():
    successes, pulls = np.array([[3.0, 5.0]]), np.array([[7.0, 8.0]])
    rng = np.random.default_rng(5)
    chosen = thompson(np.repeat(successes, 20_000, 0), np.repeat(pulls, 20_000, 0), rng)
    first, second = stats.beta(4, 5), stats.beta(6, 4)
    best = integrate.quad(lambda p: second.pdf(p) * first.cdf(p), 0, 1)[0]
    assert_allclose(chosen.mean(), best, atol=4 * np.sqrt(best * (1 - best) / 20_000))


def test_regret_adds_the_gaps():
    arms = [[0, 1, 2], [1, 1, 0]]
    assert_allclose(regret(arms, MEANS), np.cumsum([0.2, 0.0, 0.275]))


@pytest.mark.parametrize(
    ("policy", "most"), [(ucb1, 150), (thompson, 40), (explore_then_commit(30), 60)]
)
def test_good_policies_pull_the_best_arm_most(policy, most):
    arms = pull_arms(policy, MEANS, 2000, runs=100, seed=6)
    assert regret(arms, MEANS)[-1] < most
    assert counts(arms).mean(axis=0).argmax() == 1


def test_runs_are_the_same_for_the_same_seed():
    runs = [pull_arms(thompson, MEANS, 30, runs=5, seed=s) for s in (1, 1, 2)]
    assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: epsilon_greedy(1.5), "epsilon must lie between 0 and 1"),
        (lambda: explore_then_commit(0), "m must be an integer of at least 1"),
        (lambda: pull_arms(ucb1, [0.5], 10), "means must be a vector of at least two"),
        (lambda: pull_arms(ucb1, [0.5, 1.5], 10), "means must lie between 0 and 1"),
        (lambda: pull_arms(ucb1, [0.5, np.nan], 10), "means must lie between 0 and 1"),
        (lambda: pull_arms(ucb1, MEANS, 0), "n must be an integer"),
        (lambda: pull_arms(ucb1, MEANS, 5, runs=0), "runs must be an integer"),
        (lambda: regret([0, 1], MEANS), "arms must be a matrix"),
        (lambda: regret([[0.5]], MEANS), "arms must be a matrix of integers"),
        (lambda: regret([[3]], MEANS), "arms must be numbers from 0 to 2"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
