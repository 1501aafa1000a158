"""The figures that put models side by side, against dlmath."""

import numpy as np
import pytest
from dlmath.comparison import (
    MEASURES,
    Judged,
    judged_digits,
    not_dominated,
    rank_correlation,
)
from dlmath.datasets import simulate_ising
from dlmath.interactive import ising_compared, model_scatter
from dlmath.ising import independent_spins, jackknife, pack_spins
from numpy.testing import assert_allclose, assert_array_equal
from test_interactive import run_js

ALT = "Named dots in a plane of two measures, with a band where real digits lie."
TEMPERATURES = (1.8, 2.27, 3.0)


@pytest.fixture(scope="module")
def scatter():
    return model_scatter(alt=ALT)


@pytest.mark.parametrize(
    ("x", "y"), [("nats", "fd"), ("fd", "memorisation"), ("precision", "recall"), ("fd", "seconds")]
)
@pytest.mark.parametrize("without", [True, False])
def test_front_and_rank_correlation_are_those_of_dlmath(scatter, x, y, without):
    labels = {measure.key: measure.label for measure in MEASURES}
    params = {"x": labels[x], "y": labels[y], "without": without, "model": "none"}
    found = run_js(
        "models/model-scatter.js",
        "(() => { const f = chosen(given.params, given.data);"
        "return [f.rows.map((r) => r.name), f.front.map((i) => f.rows[i].name), f.rho]; })()",
        {"params": params, "data": scatter.data},
    )
    rows = judged_digits(without=without)
    both = [row.name for row in rows if x in row.values and y in row.values]
    assert found[0] == both
    assert found[1] == [row.name for row in not_dominated(rows, x, y)]
    if len(both) > 2:
        assert_allclose(found[2], rank_correlation(rows, x, y), atol=1e-12)


def test_every_choice_of_measures_can_be_drawn(scatter):
    labels = [measure.label for measure in MEASURES]
    names = scatter.controls[2]["options"]
    pictures = run_js(
        "models/model-scatter.js",
        "given.labels.flatMap((x) => given.labels.map((y) => compute("
        "{ x, y, without: true, model: given.name }, given.data).panels[0]))",
        {"labels": labels, "data": scatter.data, "name": names[-1]},
    )
    for panel in pictures:
        assert np.isfinite([*panel["xlim"], *panel["ylim"]]).all()
        assert panel["xlim"][0] < panel["xlim"][1]
        if panel["xscale"] == "log":
            assert panel["xlim"][0] > 0
    assert any(s["type"] == "band" for s in pictures[0]["series"])


def test_scatter_refuses_unknown_measures():
    with pytest.raises(ValueError, match="y must be one of"):
        model_scatter(y="beauty", alt=ALT)


def test_models_of_several_budgets_are_told_apart():
    rows = [Judged("a", "F", {"fd": 3.0, "nats": 2.0, "evaluations": e}) for e in (10, 20)]
    rows.append(Judged("a", "F", {"fd": 3.0, "nats": 2.0, "evaluations": 20}, sampler="ddim"))
    figure = model_scatter([*rows, Judged("b", "G", {"fd": 1.0, "nats": 5.0})], alt=ALT)
    assert figure.controls[2]["options"] == ["none", "a (10)", "a (20)", "a (ddim, 20)", "b"]


@pytest.fixture(scope="module")
def compared():
    texts = [pack_spins(simulate_ising(48, 8, tau, seed=9)) for tau in TEMPERATURES]
    return ising_compared(TEMPERATURES, texts, 8, start=2, alt=ALT)


def test_observables_are_those_of_dlmath(compared):
    found = run_js(
        "models/ising-compared.js",
        "given.flow.map((text, k) => measured(unpack(text, 8), 8, given.temperatures[k]))",
        compared.data,
    )
    for k, (tau, row) in enumerate(zip(TEMPERATURES, found, strict=True)):
        spins = simulate_ising(48, 8, tau, seed=9)
        expected = jackknife(spins, tau, blocks=24)
        names = {"energy": "energy", "abs": "abs_magnetisation", "chi": "susceptibility",
                 "K": "thermometer", "correlation": "correlation"}  # fmt: skip
        for name, ours in names.items():
            assert_allclose(row[name], expected[ours][0], rtol=1e-9, atol=1e-12)
        one = jackknife(np.repeat(spins, 2, axis=0), tau, blocks=48)
        assert_allclose(row["errors"]["energy"], one.energy[1], rtol=1e-9)
        assert_allclose(row["errors"]["K"], one.thermometer[1], rtol=1e-6)
        assert_allclose(row["errors"]["correlation"], one.correlation[1], rtol=1e-9, atol=1e-12)
        assert compared.data["exact"][k]["K"] == pytest.approx(1 / tau, rel=1e-5)


def test_every_page_and_source_is_drawn(compared):
    pictures = run_js(
        "models/ising-compared.js",
        "[1, 2, 3].flatMap((k) => [1, 4].flatMap((page) => ['the flow', 'independent spins']"
        ".map((source) => compute({ k, page, source }, given))))",
        compared.data,
    )
    for picture in pictures:
        assert len(picture["panels"]) == 3
        text = " ".join(" ".join(pair) for pair in picture["readouts"])
        assert "NaN" not in text
        region = picture["panels"][1]["series"][0]
        assert len(region["x"]) % 6 == 0


def test_packed_spins_are_read_in_the_page(compared):
    found = run_js("models/ising-compared.js", "unpack(given, 8)", compared.data["wolff"][1])
    spins = simulate_ising(48, 8, TEMPERATURES[1], seed=1)
    assert_array_equal(found, spins.reshape(48, 64))


def test_a_thermometer_has_ends():
    found = run_js(
        "models/ising-compared.js",
        "[[[3, 5], [3, 5]], [[3, 5], [-3, -5]], [[3, 5], [0, 0]]]"
        ".map(([c, a]) => thermometer(c, a)).map((v) => (Number.isFinite(v) ? v : String(v)))",
        0,
    )
    assert found[:2] == ["Infinity", "-Infinity"]
    assert abs(found[2]) < 1e-12


def test_compared_refuses_what_does_not_fit():
    text = pack_spins(independent_spins(48, 4, 0.5))
    with pytest.raises(ValueError, match="must rise"):
        ising_compared((2.0, 1.0), [text, text], 4, alt=ALT)
    with pytest.raises(ValueError, match="at least 48"):
        ising_compared((1.0, 2.0), [text, text[:64]], 4, start=1, alt=ALT)
    with pytest.raises(ValueError, match="start must be"):
        ising_compared((1.0, 2.0), [text, text], 4, start=3, alt=ALT)
