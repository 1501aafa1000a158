"""The figure in which measures judge a cloud of samples, against dlmath.metrics."""

import json

import numpy as np
import pytest
from dlmath.interactive import sample_judge
from dlmath.interactive._judging import START, _band, _cloud, _clouds, _measures
from numpy.testing import assert_allclose
from scipy import stats
from test_interactive import run_js

ALT = "Three humps of points in three colours, and six dots inside a narrow band beside them."
SOURCE = "models/sample-judge.js"

CASES = [
    START,
    START | {"shift": 0.7, "n": 60},
    START | {"spread": 0.4, "hump": 0.35},
    START | {"copies": 1.0, "n": 40},
    START | {"copies": 0.3, "hump": 0.0, "shift": 2.0, "n": 20},
]


@pytest.mark.parametrize("params", CASES)
def test_points_and_measures_are_those_of_dlmath(params):
    sets, found = run_js(
        SOURCE, "(() => { const s = clouds(given); return [s, measures(s)]; })()", params
    )
    train, held_out, fake = _clouds(params)
    for name, expected in (("train", train), ("heldOut", held_out), ("fake", fake)):
        assert_allclose(sets[name], expected, rtol=1e-12, atol=1e-12)
    assert_allclose(found, _measures(train, held_out, fake), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n", [20, 80])
def test_the_band_is_that_of_real_data(n):
    found = run_js(SOURCE, "band(given)", n)
    mean, sd = _band(n)
    assert_allclose([row["mean"] for row in found], mean, rtol=1e-9, atol=1e-12)
    assert_allclose([row["sd"] for row in found], sd, rtol=1e-9)


def test_each_fault_is_found_out_by_the_measure_that_is_meant_for_it():
    """Which measures leave their band of two standard deviations is what the chapter says."""
    scores = run_js(
        SOURCE,
        "given.actions.map((name) => { const p = { n: 100, ...given.sets[name] };"
        "const real = band(100), found = measures(clouds(p));"
        "return found.map((v, k) => (v - real[k].mean) / real[k].sd); })",
        {
            "actions": ["honest", "copier", "forgetful", "timid"],
            "sets": {
                "honest": START,
                "copier": START | {"copies": 1.0},
                "forgetful": START | {"hump": 0.0},
                "timid": START | {"spread": 0.5},
            },
        },
    )
    honest, copier, forgetful, timid = (np.abs(row) > 2 for row in scores)
    assert not honest.any()
    assert copier.tolist() == [False] * 5 + [True]
    assert forgetful.tolist() == [True, True, False, True, False, False]
    assert timid[[3, 4]].all()
    assert not timid[:3].any()


def test_small_faults_need_many_points():
    """Half a hump hides among 100 points and not among 200; so do three tenths of copies."""
    given = [
        START | fault | {"n": n} for n in (100, 200) for fault in ({"hump": 0.5}, {"copies": 0.3})
    ]
    scores = run_js(
        SOURCE,
        "given.map((p) => { const found = measures(clouds(p));"
        "return found.map((v, k) => (v - band(p.n)[k].mean) / band(p.n)[k].sd); })",
        given,
    )
    few_half, few_copies, many_half, many_copies = (np.abs(row) > 2 for row in scores)
    assert not few_half.any()
    assert many_half.tolist() == [True, True, False, False, False, False]
    assert not few_copies[5]
    assert many_copies[5]


def test_the_picture_shows_the_scores():
    picture = run_js(SOURCE, "compute(given)", START | {"hump": 0.0})
    points, rows = picture["panels"]
    assert [len(series["x"]) for series in points["series"][:3]] == [100] * 3
    marks = [s for s in rows["series"] if s["type"] == "points"]
    assert sum(len(series["x"]) for series in marks) == 6
    assert all(abs(x) <= 2 for x in marks[0]["x"])
    assert all(2 < abs(x) <= 10 for x in marks[1]["x"])
    assert len(picture["readouts"]) == 6


def test_the_law_of_the_points():
    points = _cloud(5, 20_000)
    assert_allclose(points.mean(axis=0), [0, 0.2 / 3], atol=0.03)
    low = points[points[:, 1] < 0.5]
    left = low[low[:, 0] < 0, 0]
    assert stats.kstest(left, stats.norm(-2, 0.55).cdf).pvalue > 0.001
    assert_allclose(len(_cloud(6, 3000, 0.0)), 3000)
    assert _cloud(6, 3000, 0.0)[:, 1].max() < 1.6


def test_the_still_and_the_size():
    widget = sample_judge(alt=ALT)
    assert widget.still == sample_judge(alt=ALT).still
    assert len(json.dumps(widget.data)) < 100
    with pytest.raises(ValueError, match="alt must say what is seen"):
        sample_judge(alt="Points.")
