"""Coverage, conformal quantiles, ensembles and scores: examples, and what they refuse."""

import numpy as np
import pytest
from dlmath.calibration import (
    best_scale,
    conformal_quantile,
    conformal_rank,
    coverage,
    ensemble,
    log_score,
)


def test_coverage_counts_the_ends_and_takes_infinite_widths():
    assert coverage([1.0, -1.0, 2.0, -3.0], 1.0) == 0.5
    assert coverage([1.0, -1.0, 2.0, -3.0], [0.5, 1.0, np.inf, 3.0]) == 0.75


def test_ranks_are_exact_where_floats_are_not():
    # 0.95 * 20 and 0.9 * 10 are not whole numbers in binary.
    assert [conformal_rank(n, 0.95) for n in (19, 39, 59)] == [19, 38, 57]
    assert conformal_rank(9, 0.9) == 9
    assert conformal_rank(0, 0.5) == 1


def test_coverage_of_exchangeable_scores_is_what_is_promised():
    """Draws without replacement from a fixed population, as the nuclides are split."""
    rng = np.random.default_rng(0)
    population = np.abs(rng.standard_cauchy(60))
    hits = []
    for _ in range(20000):
        drawn = rng.permutation(population)[:20]
        hits.append(drawn[-1] <= conformal_quantile(drawn[:-1], 0.9))
    assert np.mean(hits) == pytest.approx(18 / 20, abs=0.008)


def test_ensembles_have_the_unbiased_spread():
    mean, spread = ensemble([[1.0, 2.0], [3.0, 2.0]])
    assert mean.tolist() == [2.0, 2.0]
    assert spread == pytest.approx([np.sqrt(2), 0.0])


def test_the_best_scale_is_best():
    rng = np.random.default_rng(1)
    std = rng.uniform(1, 2, 50)
    error = 3 * std * rng.normal(size=50)
    c = best_scale(error, std)
    for other in (0.9 * c, 1.1 * c):
        assert log_score(error, c * std) < log_score(error, other * std)
    assert best_scale(error, c * std) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: coverage([], 1.0), "error must be a list of at least one number"),
        (lambda: coverage([1.0], -1.0), "half_width must not be negative"),
        (lambda: coverage([1.0], np.nan), "half_width must not be negative, and no NaN"),
        (lambda: coverage([1.0, 2.0], [1.0]), "half_width must be one number or have shape"),
        (lambda: conformal_rank(-1, 0.5), "n must be an integer and not negative"),
        (lambda: conformal_rank(5, 1), "level must be a probability between 0 and 1, got 1"),
        (lambda: conformal_rank(5, "high"), "level must be a probability"),
        (lambda: conformal_quantile([[1.0]], 0.5), "scores must be a list"),
        (lambda: conformal_quantile([np.nan], 0.5), "NaN"),
        (lambda: ensemble([[1.0, 2.0]]), "a row for each of at least two members"),
        (lambda: log_score([1.0], 0.0), "std must be above zero"),
        (lambda: log_score([1.0, 2.0], [1.0, 2.0, 3.0]), "std must be one number or have shape"),
        (lambda: best_scale([0.0, 0.0], 1.0), "error must not be zero for all samples"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
