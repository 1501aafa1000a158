"""The protocol that all generative models share, on the smallest model that there is."""

import io
import json

import numpy as np
import pytest
import torch
from dlmath.generative import GenerativeModel, check_pixels, load_trained, ship, trained_record
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from torch import nn


class Drift(GenerativeModel):
    """A Gaussian of unit variance whose mean is learnt, by noisy steps of gradient descent."""

    def __init__(
        self, eta=0.1, steps=60, batch_size=8, noise=0.0, levels=None, seed=0, device="cpu"
    ):
        self.eta = eta
        self.steps = steps
        self.batch_size = batch_size
        self.noise = noise
        self.levels = levels
        self.seed = seed
        self.device = device

    def _build(self, n_features):
        return nn.ParameterDict(
            {"mean": nn.Parameter(torch.randn(n_features, dtype=torch.float64))}
        )

    def fit(self, X, *, progress=False, bad_step=None, held_out=None):
        rows = self._start(X)
        mean = self.network_["mean"]

        def step(k):
            if k == bad_step:
                mean.data[0] = np.inf
            batch = rows[torch.randint(0, len(rows), (self.batch_size,))]
            loss = (batch - mean).square().sum(dim=1).mean() / 2
            with torch.no_grad():
                slope = (mean - batch).mean(dim=0) + self.noise * torch.randn(len(mean))
                mean.sub_(self.eta * slope)
            return loss.item()

        def validate():
            return (self._tensor(held_out) - mean).square().mean().item()

        with self._seeded():
            self._train(
                step, progress=progress, validate=None if held_out is None else validate, every=5
            )
        return self

    def sample(self, n, seed=0):
        with self._seeded(seed):
            return (self.network_["mean"].detach() + torch.randn(n, self.n_features_in_)).numpy()


@pytest.fixture
def X():
    return np.random.default_rng(5).normal([3.0, -1.0, 0.0], size=(200, 3))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DLMATH_DATA", str(tmp_path))
    return tmp_path / "models"


def mean(model):
    return model.network_["mean"].detach().numpy()


def test_learns_and_gives_the_same_twice(X):
    first, second = Drift().fit(X), Drift().fit(X)
    assert_allclose(mean(first), X.mean(axis=0), atol=0.35)
    assert_array_equal(mean(first), mean(second))
    assert_array_equal(first.sample(4, 1), second.sample(4, 1))
    assert not np.array_equal(mean(first), mean(Drift(seed=1).fit(X)))
    assert not np.array_equal(first.sample(4, 1), first.sample(4, 2))
    assert len(first.losses_) == 60
    assert first.count_parameters() == 3


def test_leaves_the_generators_of_others_alone(X):
    torch.manual_seed(9)
    expected = torch.randn(2)
    torch.manual_seed(9)
    Drift().fit(X).sample(3)
    assert torch.equal(torch.randn(2), expected)


def test_is_a_scikit_learn_estimator(X):
    model = Drift(eta=0.05, levels=None)
    assert clone(model).get_params() == model.get_params()
    assert repr(model) == "Drift(eta=0.05)"


def test_a_loss_that_is_not_finite_stops_and_loses_nothing(X):
    short, model = Drift(steps=20).fit(X), Drift(steps=60)
    with pytest.raises(FloatingPointError, match=r"Drift: the loss is not finite in step 21 of 60"):
        model.fit(X, bad_step=21)
    # The last finite loss was that of step 20, which began with what twenty steps had made.
    assert_array_equal(mean(model), mean(short))
    assert np.isfinite(model.sample(5)).all()
    assert not model.network_.training


def test_an_infinite_last_update_is_noticed(X):
    model = Drift(steps=1, eta=1e308, noise=1e10)
    with pytest.raises(FloatingPointError, match="last update is not finite in step 0 of 1"):
        model.fit(X)
    assert np.isfinite(mean(model)).all()


def test_validation_keeps_the_best(X):
    noisy = Drift(noise=5.0, steps=100).fit(X, held_out=X)
    assert len(noisy.validation_) == 20
    best = np.square(X - mean(noisy)).mean()
    assert_allclose(best, min(noisy.validation_), rtol=1e-12)
    assert best < noisy.validation_[-1]


def test_the_bar_names_the_model(X, capsys):
    Drift(steps=3).fit(X, progress=True)
    assert "Drift" in capsys.readouterr().err
    Drift(steps=3).fit(X)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"eta": 0.0}, "eta must be a positive number"),
        ({"steps": 0}, "steps must be an integer of at least 1"),
        ({"batch_size": 2.5}, "batch_size must be an integer"),
        ({"seed": -1}, "seed must be an integer of at least 0"),
        ({"levels": 1}, "levels must be an integer of at least 2"),
        ({"device": "abacus"}, "device must be one that torch finds here, got 'abacus'"),
    ],
)
def test_refuses_bad_hyperparameters_and_keeps_the_old_fit(X, change, message):
    model = Drift().fit(X)
    before = mean(model).copy()
    with pytest.raises(ValueError, match=message):
        model.set_params(**change).fit(X)
    assert_array_equal(mean(model), before)


def test_pixels_out_of_range_are_named_with_their_place():
    X = np.zeros((3, 4), dtype=int)
    X[2, 1] = 17
    with pytest.raises(ValueError, match=r"0 to 16 \(levels=17\), got 17 in row 2, column 1"):
        check_pixels(X, 17)
    with pytest.raises(ValueError, match=r"got 0\.5 in row 0, column 0"):
        check_pixels(X + 0.5, 17)
    with pytest.raises(ValueError, match="got -1"):
        check_pixels(X - 1, 2)
    assert check_pixels(X, 18).dtype == np.int64
    assert check_pixels(X + 0.5, None).dtype == float


@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 0), ("float32", 1e-7), ("float16", 1e-3)])
def test_comes_back_from_a_file(X, tmp_path, dtype, rtol):
    model = Drift(noise=0.1).fit(X)
    model.save(tmp_path / "drift.npz", dtype)
    back = Drift.load(tmp_path / "drift.npz")
    assert back.get_params() == model.get_params()
    assert back.n_features_in_ == 3
    assert_allclose(mean(back), mean(model), rtol=rtol)
    assert mean(back).dtype == float


class Other(Drift):
    """A model of another name."""


def rewritten(path, **arrays):
    with np.load(path) as file:
        np.savez(path, **{**{name: file[name] for name in file.files}, **arrays})


def test_says_what_is_wrong_with_a_file(X, tmp_path):
    path = tmp_path / "drift.npz"
    Drift().fit(X).save(path)
    with pytest.raises(ValueError, match="holds weights of Drift, not of Other"):
        Other.load(path)
    with pytest.raises(FileNotFoundError, match="no file of weights"):
        Drift.load(tmp_path / "nothing.npz")
    content = path.read_bytes()
    array = io.BytesIO()
    np.save(array, np.zeros(3))
    for damaged in (content[:-40], content[:100], b"", b"text", array.getvalue()):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="is damaged, or no file of weights"):
            Drift.load(path)
    path.write_bytes(content)
    rewritten(path, mean=np.array([1.0, np.nan, 0.0]))
    with pytest.raises(ValueError, match="is damaged: mean is not finite"):
        Drift.load(path)
    rewritten(path, mean=np.zeros(4))
    with pytest.raises(ValueError, match="does not fit a Drift"):
        Drift.load(path)
    rewritten(path, mean=np.zeros(3), extra=np.zeros(1))
    with pytest.raises(ValueError, match="does not fit a Drift"):
        Drift.load(path)
    rewritten(path, header=np.array(json.dumps({"model": "Drift"})))
    with pytest.raises(ValueError, match="header is not one of this package"):
        Drift.load(path)


def test_never_unpickles(X, tmp_path):
    path = tmp_path / "drift.npz"
    Drift().fit(X).save(path)
    rewritten(path, mean=np.array([print, print, print], dtype=object))
    with pytest.raises(ValueError, match="damaged, or no file of weights: Object arrays"):
        Drift.load(path)


def test_refuses_a_precision_in_which_weights_overflow(X, tmp_path):
    model = Drift().fit(X * 1e6)
    with pytest.raises(ValueError, match="mean holds a number that is too large for float16"):
        model.save(tmp_path / "drift.npz", "float16")
    with pytest.raises(ValueError, match="dtype must be"):
        model.save(tmp_path / "drift.npz", "int8")
    assert not (tmp_path / "drift.npz").exists()


def test_ships_with_a_record(X, folder):
    folder.parent.mkdir(exist_ok=True)
    model = Drift().fit(X)
    shipped = ship(model, "drift", script="data/train_drift.py", cpu_seconds=1.234)
    record = trained_record("drift")
    assert record["model"] == "Drift"
    assert record["parameters"] == 3
    assert record["cpu_seconds"] == 1.2
    assert_array_equal(mean(shipped), mean(model).astype(np.float16))
    assert_array_equal(mean(load_trained("drift")), mean(shipped))
    ship(model, "drift", script="s", cpu_seconds=1, measures={"fd": np.float64(2.123456789)})
    assert trained_record("drift")["measures"] == {"fd": 2.12346}


def test_shipped_weights_are_compared_with_their_record(X, folder):
    ship(Drift().fit(X), "drift", script="data/train_drift.py", cpu_seconds=1)
    path = folder / "drift.npz"
    rewritten(path, mean=np.zeros(3))
    with pytest.raises(ValueError, match=r"not the file expected.*data/train_drift\.py"):
        load_trained("drift")
    path.unlink()
    with pytest.raises(ValueError, match="found no file"):
        load_trained("drift")
    with pytest.raises(ValueError, match="name must be one of drift, got 'draft'"):
        load_trained("draft")
