"""The judge of digits: its classifier as shipped and retrained, its measures and their floor."""

import time

import numpy as np
import pytest
import torch
from dlmath.datasets import load_digits
from dlmath.generative import (
    DigitClassifier,
    judge_digits,
    judge_floor,
    load_trained,
    trained_record,
)
from dlmath.metrics import frechet_distance, memorisation_share, mmd
from numpy.testing import assert_allclose, assert_array_equal

DIGITS = load_digits()


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def drawn(rows, seed=0, n=4495):
    return rows[np.random.default_rng(seed).integers(len(rows), size=n)]


def test_the_shipped_classifier_reads_digits_that_it_has_not_seen():
    model, record = load_trained("digits-features"), trained_record("digits-features")
    accuracy = np.mean(model.predict(DIGITS.test) == DIGITS.test_labels)
    assert accuracy > 0.985
    assert_allclose(record["measures"]["accuracy"], accuracy, atol=1e-6)
    assert record["parameters"] == model.count_parameters()
    features = model.features(DIGITS.test)
    assert features.shape == (899, 32)
    assert features.min() == 0
    last = model.network_[-1]
    logits = features @ last.weight.detach().numpy().T + last.bias.detach().numpy()
    assert_array_equal(logits.argmax(axis=1), model.predict(DIGITS.test))


def test_a_tenth_of_the_training_reads_most_digits():
    begin = time.process_time()
    model = DigitClassifier(steps=84).fit(DIGITS.train, DIGITS.train_labels)
    assert time.process_time() - begin < 30
    assert np.mean(model.predict(DIGITS.test) == DIGITS.test_labels) > 0.9
    again = DigitClassifier(steps=84).fit(DIGITS.train, DIGITS.train_labels)
    assert_array_equal(model.features(DIGITS.test[:5]), again.features(DIGITS.test[:5]))


def test_copies_of_the_training_half_win_everything_but_memorisation():
    found, floor = judge_digits(drawn(DIGITS.train)), judge_floor()
    for name in ("fd", "kd", "classes"):
        assert abs(found[name] - floor.mean[name]) < 5 * floor.sd[name], name
    assert found.memorisation == 1
    features = load_trained("digits-features").features
    expected = frechet_distance(features(drawn(DIGITS.train)), features(DIGITS.test))
    assert_allclose(found.fd, expected, rtol=1e-9)
    expected = mmd(features(drawn(DIGITS.train)), features(DIGITS.test))
    assert_allclose(found.kd, expected, rtol=1e-6)


def test_noise_is_found_out_by_everything():
    noise = np.random.default_rng(0).uniform(0, 16, (5000, 64))
    found, floor = judge_digits(noise), judge_floor()
    assert found.fd > 100 * floor.mean.fd
    assert found.kd > 300 * floor.sd.kd
    assert found.two_sample > 0.98
    assert found.two_sample_pixels > 0.98
    assert found.confidence < 0.9
    share = memorisation_share(noise[:4495].round(), DIGITS.train, DIGITS.test[:898])
    assert found.memorisation == share


def test_the_floor_is_a_band():
    floor = judge_floor()
    assert floor.mean.keys() == floor.sd.keys() == judge_digits(drawn(DIGITS.test)).keys()
    assert all(value > 0 for value in floor.sd.values())
    for name in ("two_sample", "two_sample_pixels", "memorisation"):
        assert abs(floor.mean[name] - 0.5) < 3 * floor.sd[name], name
    features = load_trained("digits-features").features
    halves = features(DIGITS.train), features(DIGITS.test)
    assert_allclose(floor.halves.fd, frechet_distance(*halves), rtol=1e-3)
    assert_allclose(floor.halves.kd, mmd(*halves), rtol=1e-2)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((899, 64)), "samples has 899 rows; .* from at least 4495"),
        (np.zeros((4495, 63)), "samples must have 64 columns"),
        (np.full((4495, 64), np.nan), "samples contains NaN"),
    ],
)
def test_bad_samples_are_refused(samples, message):
    with pytest.raises(ValueError, match=message):
        judge_digits(samples)


def test_bad_training_data_are_refused():
    X, y = DIGITS.train, DIGITS.train_labels
    with pytest.raises(ValueError, match="y must hold 898 digits"):
        DigitClassifier().fit(X, y[:-1])
    with pytest.raises(ValueError, match="y must hold 898 digits"):
        DigitClassifier().fit(X, y + 1)
    with pytest.raises(ValueError, match="X must have 64 columns"):
        DigitClassifier().fit(X[:, :49], y)
    with pytest.raises(ValueError, match="dropout must lie between 0 and 1"):
        DigitClassifier(dropout=1.0).fit(X, y)
    with pytest.raises(ValueError, match="weight_decay must be a positive number"):
        DigitClassifier(weight_decay=0).fit(X, y)
