"""The chart of nuclides and polynomials at its edges: JavaScript against dlmath and NumPy."""

import dataclasses
import gzip
import json
import subprocess

import numpy as np
import pytest
from bookkit.node import node
from dlmath.datasets import load_nuclear_masses
from dlmath.interactive import NuclearChart, polynomial_edge
from dlmath.interactive._bundle import bundle
from dlmath.interactive._nuclear import ALL, DEEP, FULL, MODELS, NEUTRAL
from dlmath.nuclear import (
    LiquidDrop,
    PolynomialMass,
    duflo_zuker_terms,
    edge_split,
    extended_liquid_drop_terms,
    from_oxygen,
    is_deformed,
    liquid_drop_terms,
    random_splits,
    time_split,
)
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.utils import Bunch

ALT = "The chart of nuclides, orange at the magic numbers and blue in the regions between them."


def run_js(source, expression, given):
    """Evaluate an expression with the names of a bundle in scope; ``given`` is its one input."""
    program = f"{bundle(source)}\nconst given = {json.dumps(given)};\n"
    program += f"console.log(JSON.stringify({expression}));"
    done = subprocess.run(
        [node(), "--input-type=module", "-"],
        input=program,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def masses():
    return from_oxygen(load_nuclear_masses())


@pytest.fixture(scope="module")
def splits(masses):
    return {
        "random": random_splits(masses)[0],
        "2016": time_split(2016),
        "2003": time_split(2003),
        "edges": edge_split(masses),
    }


@pytest.fixture(scope="module")
def chart(masses, splits):
    return NuclearChart(masses, splits, alt=ALT)


UNPACKED = "unpackNuclides(given)"


def test_the_page_gets_the_nuclides_to_the_keV(masses, chart):
    unpacked = run_js("nuclearchart.js", UNPACKED, chart.data)
    order = np.lexsort((masses.N, masses.Z))
    assert_array_equal(unpacked["Z"], masses.Z[order])
    assert_array_equal(unpacked["N"], masses.N[order])
    assert_allclose(unpacked["energy"], masses.binding_energy[order], rtol=0, atol=0.000501)
    assert_allclose(unpacked["error"], masses.binding_energy_uncertainty[order], atol=0.000501)
    assert_array_equal(unpacked["deformed"], is_deformed(masses.Z, masses.N)[order])
    assert_array_equal(unpacked["stable"], np.flatnonzero(masses.half_life_flag[order] == "stable"))
    names = run_js("nuclearchart.js", f"[50, 8, 110].map({UNPACKED}.symbol)", chart.data)
    assert names == ["Sn", "O", "Ds"]


def rounded(split):
    return np.rint(1000 * split.y_train) / 1000


def test_the_page_gets_the_training_sets_of_their_time(masses, splits, chart):
    unpacked = run_js(
        "nuclearchart.js",
        f"given.splits.map((split) => unpackSplit(split, {UNPACKED}))",
        chart.data,
    )
    assert [split["label"] for split in chart.data["splits"]] == [ALL, *splits]
    assert len(unpacked[0]["train"]["Z"]) == masses.Z.size
    assert unpacked[0]["held"] == []
    order = np.lexsort((masses.N, masses.Z))
    for given, found in zip(splits.values(), unpacked[1:], strict=True):
        train = np.column_stack([found["train"][name] for name in ("Z", "N", "energy")])
        expected = np.column_stack([given.X_train, rounded(given)])
        train, expected = (rows[np.lexsort(rows.T)] for rows in (train, expected))
        assert_allclose(train, expected, rtol=0, atol=1e-9)
        held = np.column_stack([masses.Z, masses.N])[order][found["held"]]
        assert_array_equal(held[np.lexsort(held.T)], given.X_test[np.lexsort(given.X_test.T)])


TERMS = """(() => {
  const models = massModels(given.polynomial), all = unpackNuclides(given);
  const linear = Object.values(models).slice(0, 3);
  return linear.map(({ columns }) => columns(all)(all).map((column) => [...column]));
})()"""


def test_terms_are_those_of_dlmath(masses, chart):
    order = np.lexsort((masses.N, masses.Z))
    Z, N = masses.Z[order], masses.N[order]
    expected = [
        liquid_drop_terms(Z, N),
        extended_liquid_drop_terms(Z, N),
        duflo_zuker_terms(Z, N, is_deformed(Z, N)),
    ]
    for found, design in zip(run_js("nuclearchart.js", TERMS, chart.data), expected, strict=True):
        assert_allclose(np.transpose(found), design, rtol=1e-11, atol=1e-12)


FITS = """(() => {
  const models = massModels(given.polynomial), all = unpackNuclides(given);
  return given.splits.map((split) => Object.values(models).map((model) => {
    const { predicted, theta, ...fit } = fitMasses(all, unpackSplit(split, all), model);
    return { ...fit, predicted: [...predicted], parameters: theta.length };
  }));
})()"""


def test_fits_in_the_page_are_those_of_dlmath(masses, splits, chart):
    """Every model on every training set, in predicted energies, of up to two thousand MeV."""
    order = np.lexsort((masses.N, masses.Z))
    X = np.column_stack([masses.Z, masses.N])[order]
    energy = np.rint(1000 * masses.binding_energy[order]) / 1000
    fits = run_js("nuclearchart.js", FITS, chart.data)
    for found, split in zip(fits[1:], splits.values(), strict=True):
        held = np.array([row not in split.X_train.tolist() for row in X.tolist()])
        for fit, make in zip(found, MODELS.values(), strict=True):
            model = make().fit(split.X_train, rounded(split))
            predicted = model.predict(X)
            assert_allclose(fit["predicted"], predicted, rtol=0, atol=3e-9)
            assert_allclose(fit["residual"], energy - predicted, rtol=0, atol=3e-9)
            train = rounded(split) - model.predict(split.X_train)
            assert_allclose(fit["rmsTrain"], np.sqrt(np.mean(train**2)), rtol=1e-8)
            test = (energy - predicted)[held]
            assert_allclose(fit["rmsHeld"], np.sqrt(np.mean(test**2)), rtol=1e-8)
    assert fits[0][0]["rmsHeld"] is None
    assert [fit["parameters"] for fit in fits[0]] == [5, 12, 10, 45]


@pytest.fixture(scope="module")
def edge(masses):
    return polynomial_edge(masses, alt=ALT)


@pytest.mark.parametrize(("degree", "lam"), [(1, 1e-10), (8, 1e-10), (10, 1e-12), (6, 1e-3)])
def test_polynomials_in_the_page_are_those_of_dlmath(masses, edge, degree, lam):
    """Degree by degree from one reduction, against a fit of its own for each."""
    found = run_js(
        "models/polynomial-edge.js",
        "(() => { const fit = fitPolynomial(prepare(given.data), given.degree, given.lam);"
        " return { ...fit, predicted: [...fit.predicted] }; })()",
        {"data": edge.data, "degree": degree, "lam": lam},
    )
    split = edge_split(masses)
    model = PolynomialMass(degree=degree, lam=lam).fit(split.X_train, rounded(split))
    order = np.lexsort((masses.N, masses.Z))
    X = np.column_stack([masses.Z, masses.N])[order]
    assert_allclose(found["predicted"], model.predict(X), rtol=0, atol=1e-7)
    errors = {
        "rmsInside": rounded(split) - model.predict(split.X_train),
        "rmsEdge": np.rint(1000 * split.y_test) / 1000 - model.predict(split.X_test),
    }
    for name, residual in errors.items():
        assert_allclose(found[name], np.sqrt(np.mean(residual**2)), rtol=1e-8)


def test_the_chain_is_drawn_as_energy_beyond_the_smooth_drop(masses, edge):
    picture = run_js(
        "models/polynomial-edge.js",
        "compute({ degree: 8, lam: 1e-10, element: 'Rb' }, given)",
        edge.data,
    )
    split = edge_split(masses)
    drop = LiquidDrop().fit(split.X_train, rounded(split))
    polynomial = PolynomialMass().fit(split.X_train, rounded(split))
    _, curve, used, held, *_ = picture["panels"][0]["series"]
    for points, X, y in (
        (used, split.X_train, rounded(split)),
        (held, split.X_test, np.rint(1000 * split.y_test) / 1000),
    ):
        rows = np.flatnonzero(X[:, 0] == 37)
        rows = rows[np.argsort(X[rows, 1])]
        smooth = liquid_drop_terms(37, X[rows, 1])[:, :4] @ drop.coef_[:4]
        assert_array_equal(points["x"], X[rows, 1])
        assert_allclose(points["y"], y[rows] - smooth, rtol=0, atol=1e-7)
    at = np.array([40, 55])
    shown = np.interp(at, curve["x"], curve["y"])
    smooth = liquid_drop_terms(37, at)[:, :4] @ drop.coef_[:4]
    expected = polynomial.predict(np.column_stack([[37, 37], at])) - smooth
    assert_allclose(shown, expected, rtol=0, atol=1e-7)


def test_colours_are_grey_at_zero_blue_below_and_orange_above():
    colours = {"bg": [200] * 3, "ink": [0] * 3, "c1": [0, 0, 200], "c2": [200, 100, 0]}
    program = "[0, -0.62, 0.62, -0.3, -1, -7].map(diverging(given))"
    zero, blue, orange, pale, *deep = run_js("nuclearchart.js", program, colours)
    grey = round(200 * (1 - NEUTRAL))
    assert zero == f"rgb({grey} {grey} {grey})"
    assert (blue, orange) == ("rgb(0 0 200)", "rgb(200 100 0)")
    share = 0.3 / FULL
    red, blue = round(178 * (1 - share)), round(178 + share * 22)
    assert pale == f"rgb({red} {red} {blue})"
    assert deep == [f"rgb(0 0 {round(200 * (1 - DEEP))})"] * 2


def changed(masses, **fields):
    return Bunch(**{**masses, **fields})


def make_chart(masses, splits, **change):
    return NuclearChart(masses, splits, **{"alt": ALT, **change})


def make_edge(masses, splits, **change):
    return polynomial_edge(masses, **{"alt": ALT, **change})


@pytest.mark.parametrize(
    ("make", "change", "message"),
    [
        (make_chart, {"masses": [1, 2]}, "masses must have the fields Z, N"),
        (make_chart, {"masses": load_nuclear_masses()}, "masses must have Z and N of 8 or more"),
        (make_chart, {"splits": [1]}, "splits must map names"),
        (make_chart, {"splits": {"a": (1, 2)}}, r"splits\['a'\] must be a Split of dlmath.nuclear"),
        (make_chart, {"splits": {ALL: None}}, "splits must map names, but not 'all nuclides'"),
        (make_chart, {"model": "magic"}, "model must be one of liquid drop, 5 terms; "),
        (make_chart, {"training": "2012"}, "training must be one of all nuclides; random"),
        (make_chart, {"colour": "red"}, "colour must be one of residual; sets"),
        (make_chart, {"section": "isobars"}, "section must be one of isotopes; isotones"),
        (make_chart, {"span": 0.1}, "span must be a number of MeV from 0.3 to 30"),
        (make_chart, {"nuclide": (50, 150)}, "nuclide must be the Z and N of one of the masses"),
        (make_chart, {"nuclide": 50}, "nuclide must be a non-empty vector"),
        (make_chart, {"alt": "A chart."}, "alt must say what is seen"),
        (make_chart, {"height": (1, 2)}, "height must be two numbers"),
        (make_edge, {"masses": [1, 2]}, "masses must have the fields Z, N"),
        (make_edge, {"degree": 11}, "degree must be an integer from 1 to 10"),
        (make_edge, {"degree": 2.5}, "degree must be an integer from 1 to 10"),
        (make_edge, {"lam": 0.0}, "lam must be a number from 1e-12 to 1"),
        (make_edge, {"element": "Xx"}, "element must be one of O; F"),
        (make_edge, {"alt": ""}, "alt must say what is seen"),
    ],
)
def test_bad_input_is_named(masses, splits, make, change, message):
    with pytest.raises(ValueError, match=message):
        make(**{"masses": masses, "splits": splits, **change})


def test_what_cannot_be_told_apart_is_refused(masses, splits):
    twice = changed(masses, N=np.where(masses.N == 9, 8, masses.N))
    with pytest.raises(ValueError, match="masses must not have a nuclide twice"):
        NuclearChart(twice, splits, alt=ALT)
    infinite = changed(masses, binding_energy=np.full(masses.Z.size, np.inf))
    with pytest.raises(ValueError, match=r"masses\.binding_energy contains NaN or infinity"):
        NuclearChart(infinite, splits, alt=ALT)
    less = dataclasses.replace(splits["edges"], X_test=splits["edges"].X_test[1:])
    with pytest.raises(ValueError, match=r"splits\['edges'\] must test on the nuclides of masses"):
        NuclearChart(masses, {"edges": less}, alt=ALT)


def test_state_is_checked_when_it_changes(chart):
    for name, value in (("model", "none"), ("training", "2012"), ("span", 99.0), ("colour", "x")):
        with pytest.raises(ValueError, match=f"{name} must be"):
            setattr(chart, name, value)


def test_the_order_of_the_masses_does_not_matter(masses, splits, chart):
    order = np.random.default_rng(0).permutation(masses.Z.size)
    fields = {name: v[order] for name, v in masses.items() if isinstance(v, np.ndarray)}
    again = NuclearChart(changed(masses, **fields), splits, alt=ALT)
    assert again.data == chart.data
    assert again.still == chart.still


def test_pages_stay_light(chart, edge):
    """Data and pictures as a server sends them."""
    assert len(gzip.compress(json.dumps(chart.data).encode())) <= 15_000
    assert len(gzip.compress(json.dumps(edge.data).encode())) <= 7_500
    for widget in (chart, edge):
        assert "<svg" in widget.still
        assert len(gzip.compress(widget.still.encode())) <= 20_000


def test_the_picture_shows_the_model_that_is_asked_for(masses, splits, chart):
    other = NuclearChart(masses, splits, model="Duflo-Zuker, 10 terms", alt=ALT)
    trained = NuclearChart(masses, splits, training="edges", alt=ALT)
    assert len({chart.still, other.still, trained.still}) == 3
