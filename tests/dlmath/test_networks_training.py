"""Training and the two estimators: batches, stopping, divergence, interruption, agreement."""

import numpy as np
import pytest
from dlmath.networks import FeedForwardNetwork, FFNNClassifier, FFNNRegressor, train
from dlmath.optimizers import (
    AdaGrad,
    Adam,
    AdamW,
    GradientDescent,
    Momentum,
    Nesterov,
    RMSprop,
)
from sklearn.datasets import load_digits, load_iris
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import scale
from sklearn.utils.estimator_checks import parametrize_with_checks


@pytest.fixture
def rng():
    return np.random.default_rng(21)


@pytest.fixture
def waves(rng):
    X = rng.uniform(-2, 2, (60, 2))
    return X, np.column_stack([np.sin(X[:, 0]), X[:, 0] * X[:, 1]])


# Two of scikit-learn's checks need packages or settings that the book does not. Their data are not
# standardised, and the steps of momentum grow with them: only with bounded activations is it sure
# not to diverge.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [
        FFNNRegressor(epochs=100),
        FFNNRegressor((10, 10), optimizer="momentum", eta=0.01, early_stopping=True),
        FFNNClassifier(eta=0.01, epochs=60),
        FFNNClassifier((8,), "silu", early_stopping=True, eta=0.01, epochs=60),
    ]
)
def test_is_an_estimator(estimator, check):
    check(estimator)


def test_a_full_batch_makes_the_steps_of_the_optimizer(waves):
    X, Y = waves
    ours, by_hand = (FeedForwardNetwork([2, 7, 2], seed=3) for _ in range(2))
    history = train(ours, X, Y, optimizer=Adam(0.01), epochs=30, batch_size=None, lam=0.01)
    optimizer, costs = Adam(0.01), []
    for _ in range(30):
        value, gradients = by_hand.value_and_gradients(X, Y, lam=0.01)
        optimizer.step(by_hand.parameters, gradients)
        costs.append(value)
    assert np.allclose(history.cost, costs, rtol=1e-12)
    assert history.steps == 30
    for p, q in zip(ours.parameters, by_hand.parameters, strict=True):
        assert np.allclose(p, q, rtol=1e-10, atol=1e-12)


def test_mini_batches_visit_every_sample_once_in_a_new_order(waves, monkeypatch):
    X, Y = waves
    network, seen = FeedForwardNetwork([2, 4, 2]), []
    plain = FeedForwardNetwork._differentiate

    def watched(self, X, *rest):
        seen.append(X.copy())
        return plain(self, X, *rest)

    monkeypatch.setattr(FeedForwardNetwork, "_differentiate", watched)
    history = train(network, X, Y, optimizer=GradientDescent(0.01), epochs=2, batch_size=25)
    assert [len(rows) for rows in seen] == [25, 25, 10] * 2
    assert history.steps == 6
    first, second = np.concatenate(seen[:3]), np.concatenate(seen[3:])
    assert not (first == second).all()
    for visited in (first, second):
        assert (np.sort(visited, axis=0) == np.sort(X, axis=0)).all()


def test_training_is_torchs_to_rounding(waves, torch):
    X, Y = waves
    ours = FeedForwardNetwork([2, 6, 2], "tanh", seed=5)
    tensors = [torch.tensor(p, requires_grad=True) for p in ours.parameters]
    theirs = torch.optim.Adam(tensors, 0.01)
    train(ours, X, Y, optimizer=Adam(0.01), epochs=300, batch_size=None)
    for _ in range(300):
        theirs.zero_grad()
        W1, b1, W2, b2 = tensors
        A = torch.tanh(torch.tensor(X) @ W1 + b1) @ W2 + b2
        ((A - torch.tensor(Y)) ** 2).sum(dim=1).mean().backward()
        theirs.step()
    for p, tensor in zip(ours.parameters, tensors, strict=True):
        assert np.allclose(p, tensor.detach().numpy(), rtol=1e-9, atol=1e-10)


def test_the_seed_decides_all(waves):
    X, Y = waves

    def trained(seed):
        network = FeedForwardNetwork([2, 5, 2], seed=1)
        train(network, X, Y, optimizer=Adam(0.01), epochs=5, dropout=0.2, seed=seed)
        return network.forward(X)

    assert (trained(3) == trained(3)).all()
    assert not np.allclose(trained(3), trained(4))


def test_early_stopping_keeps_the_best_network(waves):
    X, Y = waves
    network = FeedForwardNetwork([2, 40, 2], seed=0)
    noisy = Y[:30] + np.random.default_rng(0).standard_normal((30, 2))
    held = X[30:], Y[30:]
    history = train(
        network, X[:30], noisy, optimizer=Adam(0.02), epochs=2000, validation=held, patience=15
    )
    best = history.best_epoch
    assert best == np.argmin(history.validation_cost)
    assert len(history.cost) == best + 16
    assert len(history.cost) < 2000
    assert network.cost_value(*held) == history.validation_cost[best]


def test_a_callback_sees_the_network_and_may_stop(waves):
    X, Y = waves
    network, seen = FeedForwardNetwork([2, 5, 2]), []

    def look(epoch, now, history):
        seen.append((epoch, now.cost_value(X, Y), len(history.cost)))
        return epoch == 3

    train(network, X, Y, optimizer=Momentum(0.01), epochs=50, callback=look)
    assert [entry[0] for entry in seen] == [0, 1, 2, 3]
    assert [entry[2] for entry in seen] == [1, 2, 3, 4]
    assert seen[-1][1] < seen[0][1]
    assert network.cost_value(X, Y) == seen[-1][1]


def test_an_interruption_keeps_the_last_whole_epoch(waves, monkeypatch):
    X, Y = waves
    network, costs = FeedForwardNetwork([2, 5, 2]), []

    class Interrupted(Adam):
        def _update(self, rate, parameter, gradient, *memory):
            if self.k == 8:  # in the middle of the third epoch, with three batches each
                parameter[:5] = 0
                raise KeyboardInterrupt
            super()._update(rate, parameter, gradient, *memory)

    with pytest.raises(KeyboardInterrupt):
        train(
            network,
            X,
            Y,
            optimizer=Interrupted(0.01),
            epochs=10,
            batch_size=20,
            callback=lambda epoch, now, history: costs.append(now.cost_value(X, Y)),
        )
    assert len(costs) == 2
    assert network.cost_value(X, Y) == costs[-1]


@pytest.mark.parametrize(
    ("optimizer", "scale_X"), [(GradientDescent(1e3), 1.0), (Momentum(5.0), 1e3)]
)
def test_divergence_says_where_and_leaves_the_network(waves, optimizer, scale_X):
    X, Y = waves
    network = FeedForwardNetwork([2, 5, 2], "relu")
    before = [parameter.copy() for parameter in network.parameters]
    with pytest.raises(FloatingPointError, match=r"at step \d+, in epoch \d+; try a smaller eta"):
        train(network, scale_X * X, Y, optimizer=optimizer, epochs=500, batch_size=20)
    assert all((p == q).all() for p, q in zip(network.parameters, before, strict=True))


def test_divergence_in_the_very_last_step_is_noticed(waves):
    X, Y = waves
    network = FeedForwardNetwork([2, 2])
    optimizer = GradientDescent(1e300)
    with pytest.raises(FloatingPointError, match="in the parameters at step 2, in epoch 1"):
        train(network, 1e6 * X, 1e6 * Y, optimizer=optimizer, epochs=1, batch_size=None)


def test_divergence_on_the_validation_data_is_noticed(waves):
    X, Y = waves
    network = FeedForwardNetwork([2, 2])
    before = [parameter.copy() for parameter in network.parameters]
    held = 1e200 * X, Y
    with pytest.raises(FloatingPointError, match="in the validation cost at step 4, in epoch 1"):
        train(network, X, Y, optimizer=Adam(), epochs=5, batch_size=20, validation=held)
    assert all((p == q).all() for p, q in zip(network.parameters, before, strict=True))


def test_the_bar_shows_the_cost_only_when_asked(waves, capsys):
    X, Y = waves
    network = FeedForwardNetwork([2, 3, 2])
    train(network, X, Y, optimizer=Adam(), epochs=3)
    assert capsys.readouterr().err == ""
    train(network, X, Y, optimizer=Adam(), epochs=3, progress=True)
    shown = capsys.readouterr().err
    assert "3/3" in shown
    assert "cost=" in shown


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs must be a positive integer, got 0"),
        ({"epochs": 2.5}, "epochs must be"),
        ({"batch_size": 0}, "batch_size must be a positive integer"),
        ({"batch_size": True}, "batch_size must be"),
        ({"lam": -1}, "lam must be"),
        ({"dropout": 1}, "dropout must be"),
        ({"optimizer": "adam"}, "optimizer must be one of dlmath.optimizers, got 'adam'"),
        ({"patience": 3}, "patience needs validation data"),
        ({"patience": 0}, "patience must be"),
    ],
)
def test_bad_settings_are_refused(waves, settings, message):
    network = FeedForwardNetwork([2, 3, 2])
    before = network.parameters[0].copy()
    with pytest.raises(ValueError, match=message):
        train(network, *waves, **({"optimizer": Adam(), "epochs": 1} | settings))
    assert (network.parameters[0] == before).all()


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("adagrad", AdaGrad),
        ("adam", Adam),
        ("adamw", AdamW),
        ("gradient-descent", GradientDescent),
        ("momentum", Momentum),
        ("nesterov", Nesterov),
        ("rmsprop", RMSprop),
    ],
)
def test_the_name_of_an_optimizer_is_that_of_its_class(name, method):
    X, y = np.random.default_rng(0).standard_normal((2, 30, 1))
    fits = [
        FFNNRegressor((4,), optimizer=optimizer, eta=0.02, epochs=3, random_state=0)
        .fit(X, y[:, 0])
        .predict(X)
        for optimizer in (name, method(0.02))
    ]
    assert (fits[0] == fits[1]).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "sgd"}, "optimizer must be one of adagrad, adam, adamw, gradient-descent"),
        ({"eta": 0}, "eta must be"),
        ({"hidden_layer_sizes": (5, 0)}, "sizes must be positive integers"),
        ({"activation": "step"}, "activation must be one of"),
        ({"dtype": "float16"}, "dtype must be float64 or float32"),
        ({"early_stopping": True, "validation_fraction": 1.5}, "validation_fraction must lie"),
        ({"early_stopping": True, "patience": -1}, "patience must be"),
        ({"epochs": 0}, "epochs must be"),
    ],
)
def test_a_refused_fit_keeps_the_earlier_one(settings, message):
    X, y = load_iris(return_X_y=True)
    for model in (
        FFNNRegressor(epochs=2, random_state=0),
        FFNNClassifier(epochs=2, random_state=0),
    ):
        old = model.fit(X, y).predict(X)
        with pytest.raises(ValueError, match=message):
            model.set_params(**settings).fit(X[:, :2], y)
        assert (model.predict(X) == old).all()
        with pytest.raises(ValueError, match="float16"):
            model.predict(X.astype(np.float16))


def test_a_diverging_fit_keeps_the_earlier_one():
    X, y = load_iris(return_X_y=True)
    model = FFNNRegressor(epochs=2, random_state=0)
    old = model.fit(X, y).predict(X)
    model.set_params(optimizer=GradientDescent(1e6), activation="relu", epochs=50)
    with pytest.raises(FloatingPointError, match="try a smaller eta"):
        model.fit(X[:80], y[:80])
    assert (model.predict(X) == old).all()


def test_weight_decay_is_scikit_learns_alpha_over_n():
    """With the same minimum: a strongly penalised small network, to its end."""
    rng = np.random.default_rng(2)
    X = rng.standard_normal((40, 3))
    y = np.sin(X[:, 0]) + X[:, 1]
    lam = 0.05
    settings = {"hidden_layer_sizes": (6,), "activation": "tanh", "solver": "lbfgs"}
    theirs = MLPRegressor(**settings, alpha=40 * lam, tol=1e-12, max_iter=5000, random_state=1)
    theirs.fit(X, y)
    network = FeedForwardNetwork([3, 6, 1])
    network.parameters = [
        array.copy()
        for pair in zip(theirs.coefs_, theirs.intercepts_, strict=True)
        for array in pair
    ]
    slopes = network.value_and_gradients(X, y[:, np.newaxis], lam=lam)[1]
    assert max(np.abs(slope).max() for slope in slopes) < 1e-4
    for wrong in (40 * lam, lam / 2, 2 * lam, lam / 40):
        slopes = network.value_and_gradients(X, y[:, np.newaxis], lam=wrong)[1]
        assert max(np.abs(slope).max() for slope in slopes) > 1e-3


def test_digits_are_told_apart():
    X, y = load_digits(return_X_y=True)
    X, names = scale(X), np.array([f"digit {k}" for k in range(10)])[y]
    settings = {"eta": 3e-3, "epochs": 15, "lam": 1e-3, "random_state": 0}
    for dtype in ("float64", "float32"):
        model = FFNNClassifier((30,), "relu", dtype=dtype, **settings).fit(X[::2], names[::2])
        assert model.score(X[1::2], names[1::2]) > 0.93
        assert np.allclose(model.predict_proba(X[:5]).sum(axis=1), 1, atol=1e-6)
        assert model.classes_.tolist() == sorted(set(names))


def test_an_optimizer_that_is_given_is_not_changed(waves):
    X, Y = waves
    given = Momentum(0.01)
    FFNNRegressor(optimizer=given, epochs=3).fit(X, Y)
    assert given.k == 0


def test_the_shape_of_the_targets_comes_back(waves):
    X, Y = waves
    model = FFNNRegressor((5,), epochs=2)
    assert model.fit(X, Y[:, 0]).predict(X).shape == (60,)
    assert model.fit(X, Y[:, :1]).predict(X).shape == (60, 1)
    assert model.fit(X, Y).predict(X).shape == (60, 2)
    assert model.n_iter_ == 2
