"""The table of all models, from records alone."""

import numpy as np
import pytest
from dlmath.aims import measured
from dlmath.comparison import (
    MEASURES,
    Judged,
    floor_of,
    herd_moments,
    judged_digits,
    not_dominated,
    rank_correlation,
    table_rows,
    weighted_frechet,
)
from dlmath.metrics import frechet_distance
from dlmath.trained import trained_names, trained_record
from numpy.testing import assert_allclose


def test_every_judged_model_is_there_once_for_each_number_of_evaluations():
    rows = judged_digits(without=False)
    names = [row.name for row in rows]
    assert len(set(names)) == len(names)
    for name in trained_names():
        if name != "digits-features":
            assert (name in names) == ("fd" in measured(name)), name
    every = judged_digits(without=False, every=True)
    ways = {(row.name, row.sampler, row.values["evaluations"]) for row in every}
    assert len(ways) == len(every)
    others = sum(len(trained_record(name)["measures"].get("others", [])) for name in names)
    assert len(every) == len(rows) + others
    for row in every:
        assert {"fd", "parameters", "seconds", "evaluations"} <= set(row.values)
        assert all(np.isfinite(value) and value > 0 for value in row.values.values())


def test_a_row_has_the_figures_of_its_record():
    (row,) = [row for row in judged_digits() if row.name == "gan-digits"]
    record = trained_record("gan-digits")
    assert row.values["fd"] == record["measures"]["fd"]
    assert row.values["seconds"] == record["cpu_seconds"]
    assert row.values["evaluations"] == 1


def test_measures_of_means_are_not_taken_for_those_of_samples():
    (row,) = [row for row in judged_digits() if row.name == "vae-digits"]
    assert row.values["fd"] == trained_record("vae-digits")["measures"]["fd_samples"]
    assert "precision" not in row.values
    assert not row.exact


def test_ways_of_sampling_become_rows(monkeypatch):
    record = {
        "parameters": 7, "cpu_seconds": 3.0,
        "measures": {
            "sampler": "heun", "evaluations": 19, "fd": 3.0, "precision": 0.6, "nats": 117.0,
            "two_sample": 0.55,
            "others": [{"sampler": "ddim", "evaluations": 9, "fd": 4.0, "precision": 0.5}],
        },
    }  # fmt: skip
    monkeypatch.setattr("dlmath.comparison.trained_record", lambda name: record)
    monkeypatch.setattr("dlmath.comparison.measured", lambda name: {
        key: value for key, value in record["measures"].items() if isinstance(value, float | int)
    })  # fmt: skip
    monkeypatch.setattr("dlmath.comparison.trained_names", lambda: ["new"])
    monkeypatch.setattr("dlmath.comparison.FAMILIES", {"Diffusion": ("new",)})
    rows = judged_digits(without=False, every=True)
    assert [row.values["fd"] for row in rows] == [3.0, 4.0]
    assert [row.values["evaluations"] for row in rows] == [19, 9]
    assert [row.sampler for row in rows] == ["heun", "ddim"]
    assert [row.values["precision"] for row in rows] == [0.6, 0.5]
    assert ["two_sample" in row.values for row in rows] == [True, False]
    assert all(row.values["nats"] == 117.0 for row in rows)
    assert judged_digits(without=False) == rows[:1]


def test_cells_say_what_is_a_bound_and_what_is_not_known():
    rows = [
        Judged("a", "F", {"fd": 3.04, "nats": 90.0}),
        Judged("b", "F", {"fd": 2.0, "nats": 95.0, "parameters": 77_873}, exact=True),
        Judged("c", "Without networks", {"fd": 1.0}),
    ]
    groups = table_rows(rows, ("fd", "nats", "parameters"))
    assert groups["F"] == [
        ["`b`", "2.0", "95.0", "78k"],
        ["`a`", "3.0", "≤90.0", "–"],
    ]
    assert groups["Without networks"] == [["c", "1.0", "–", "–"]]


def test_the_front_has_no_model_that_another_beats():
    rows = [
        Judged(name, "F", {"fd": fd, "memorisation": share})
        for name, fd, share in (("a", 1, 0.9), ("b", 2, 0.6), ("c", 3, 0.45), ("d", 3, 0.7),
                                ("e", 2, 0.6))
    ]  # fmt: skip
    front = not_dominated(rows, "fd", "memorisation")
    assert [row.name for row in front] == ["a", "b", "e", "c"]


def test_rank_correlation_knows_which_way_is_better():
    rows = [Judged(str(i), "F", {"fd": i, "precision": 1 - i / 10}) for i in range(1, 6)]
    assert rank_correlation(rows, "fd", "precision") == pytest.approx(1)
    with pytest.raises(ValueError, match="only 0"):
        rank_correlation(rows, "fd", "nats")


def test_costs():
    costs = {measure.key: measure.cost(0.75) for measure in MEASURES}
    assert (costs["fd"], costs["precision"], costs["memorisation"]) == (0.75, -0.75, 0.25)


def test_the_floor():
    mean, sd = floor_of("fd")
    assert 1 < mean < 5
    assert 0 < sd < 1
    assert floor_of("seconds") is None


def test_few_pictures_with_the_right_moments():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((400, 4)) @ np.diag([3, 1, 1, 0.5]), rng.standard_normal((300, 4))
    chosen = herd_moments(X, Y, 60)
    assert len(chosen) == 60
    found = weighted_frechet(X[chosen], Y)
    at_random = [weighted_frechet(X[rng.integers(400, size=60)], Y) for _ in range(20)]
    assert found < 0.2 * min(at_random)
    uniform = np.full(60, 1 / 60)
    assert_allclose(weighted_frechet(X[chosen], Y, uniform), found)


def test_weighted_distance_of_a_sample_is_nearly_the_usual_one():
    rng = np.random.default_rng(1)
    X, Y = rng.standard_normal((50, 3)), rng.standard_normal((40, 3))
    scaled = X.mean(axis=0) + np.sqrt(50 / 49) * (X - X.mean(axis=0))
    assert_allclose(weighted_frechet(scaled, Y), frechet_distance(X, Y), rtol=1e-10)
