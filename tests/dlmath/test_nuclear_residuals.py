"""Features, residual models and the process with parity, on small sets of nuclides."""

import warnings

import numpy as np
import pytest
from dlmath import nuclear
from dlmath.datasets import load_nuclear_masses
from dlmath.kernels import GaussianProcess
from dlmath.nuclear import (
    MASS_FEATURE_NAMES,
    DufloZuker,
    LiquidDrop,
    MassProcess,
    ResidualModel,
    mass_features,
    mass_kernel,
)
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor


@pytest.fixture(scope="module")
def tin():
    """Load the isotopes from silver to tellurium, and hold every fifth out."""
    nuclei = nuclear.from_oxygen(load_nuclear_masses())
    rows = (nuclei.Z >= 47) & (nuclei.Z <= 52)
    X = np.column_stack([nuclei.Z, nuclei.N])[rows]
    test = np.arange(len(X)) % 5 == 0
    y, noise = nuclei.binding_energy[rows], nuclei.binding_energy_uncertainty[rows]
    return X[~test], y[~test], noise[~test], X[test], y[test]


def test_features_of_tin_120_and_lead_208():
    features = mass_features([50, 82], [70, 126])
    assert features.shape == (2, len(MASS_FEATURE_NAMES)) == (2, 16)
    found = dict(zip(MASS_FEATURE_NAMES, features.T.tolist(), strict=True))
    assert found["Z odd"] == found["N odd"] == [0, 0]
    assert found["cube root of A"] == pytest.approx([120 ** (1 / 3), 208 ** (1 / 3)])
    assert found["(N - Z) / A"] == pytest.approx([20 / 120, 44 / 208])
    assert found["Z from magic"] == [0, 0]
    assert found["N from magic"] == [-12, 0]
    assert found["|N from magic|"] == [12, 0]
    assert found["promiscuity"] == [0, 0]
    # A closed shell is the beginning of the next one.
    assert found["shell of Z"] == [6, 7]
    assert found["filling of N"] == pytest.approx([20 / 32, 0])
    assert found["Z from stability"] == pytest.approx([-0.53, 0.13], abs=0.01)


def test_features_broadcast_and_refuse_what_is_no_nuclide():
    assert mass_features(50, [[60, 61], [62, 63]]).shape == (2, 2, 16)
    with pytest.raises(ValueError, match="whole numbers"):
        mass_features(50.5, 70)


def test_a_residual_model_is_the_formula_and_what_was_learned(tin):
    X, y, _, X_new, _ = tin
    tree = DecisionTreeRegressor(max_depth=4, random_state=0)
    model = ResidualModel(LiquidDrop(), tree).fit(X, y)
    drop = LiquidDrop().fit(X, y)
    left = clone(tree).fit(mass_features(*X.T), y - drop.predict(X))
    expected = drop.predict(X_new) + left.predict(mass_features(*X_new.T))
    assert_allclose(model.predict(X_new), expected, rtol=1e-12)
    # What is handed over is left alone.
    with pytest.raises(NotFittedError):
        tree.predict(mass_features(*X.T))


def test_parities_help_where_pairing_is_left_out(tin):
    X, y, _, X_new, y_new = tin

    class Smooth(LiquidDrop):
        def _terms(self, X):
            return super()._terms(X)[:, :4]

    errors = [
        np.std(
            y_new
            - ResidualModel(Smooth(), LinearRegression(), features=name).fit(X, y).predict(X_new)
        )
        for name in ("physics", "numbers")
    ]
    assert errors[0] < 0.5 * errors[1]


def test_bad_settings_are_refused(tin):
    X, y, *_ = tin
    with pytest.raises(ValueError, match="learner must be a regressor"):
        ResidualModel(LiquidDrop()).fit(X, y)
    with pytest.raises(ValueError, match='features must be "physics" or "numbers"'):
        ResidualModel(LiquidDrop(), LinearRegression(), features="all").fit(X, y)
    with pytest.raises(ValueError, match="y must hold a number for each row"):
        ResidualModel(LiquidDrop(), LinearRegression()).fit(X, y[1:])
    with pytest.raises(ValueError, match="n_evidence must be an integer"):
        MassProcess(n_evidence=-1).fit(X, y)


def test_a_process_with_a_given_kernel_is_a_gaussian_process_of_the_residuals(tin):
    X, y, noise, X_new, _ = tin
    kernel = mass_kernel(0.5)
    model = MassProcess(DufloZuker(), kernel).fit(X, y, noise)
    formula = DufloZuker().fit(X, y)
    process = GaussianProcess(kernel, noise=noise**2, optimise=False)
    process.fit(X, y - formula.predict(X))
    mean, std = process.predict(X_new, return_std=True)
    found, spread = model.predict(X_new, return_std=True)
    assert_allclose(found, formula.predict(X_new) + mean, rtol=1e-12)
    assert_allclose(spread, std, rtol=1e-12)
    again, covariance = model.predict(X_new, return_cov=True)
    assert_allclose(again, model.predict(X_new))
    assert_allclose(np.sqrt(np.diag(covariance)), std, rtol=1e-8)


def test_the_search_makes_the_data_more_likely_and_predicts_better_than_the_formula(tin):
    X, y, noise, X_new, y_new = tin
    with warnings.catch_warnings():
        # Six elements cannot tell all lengths.
        warnings.simplefilter("ignore")
        found = MassProcess(DufloZuker(), n_evidence=80).fit(X, y, noise)
    left = y - DufloZuker().fit(X, y).predict(X)
    given = MassProcess(DufloZuker(), mass_kernel(np.mean(left**2))).fit(X, y, noise)
    likelihoods = [m.process_.log_marginal_likelihood_ for m in (found, given)]
    assert likelihoods[0] > likelihoods[1]
    error = y_new - found.predict(X_new)
    formula = y_new - found.base_.predict(X_new)
    assert np.std(error) < 0.6 * np.std(formula)


def test_evidence_comes_from_whole_blocks(tin):
    from dlmath.nuclear._residuals import _in_blocks

    X = np.column_stack([np.repeat(np.arange(60), 60), np.tile(np.arange(60), 60)])
    chosen = X[_in_blocks(X, 180, 0)]
    blocks, counts = np.unique(chosen // 6, axis=0, return_counts=True)
    assert len(chosen) == 180
    assert counts.tolist() == [36] * 5
    other = np.unique(X[_in_blocks(X, 180, 1)] // 6, axis=0)
    assert blocks.tolist() != other.tolist()
