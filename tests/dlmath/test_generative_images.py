"""Pictures of clothes: the part that is shipped, its judge, and the models that draw them."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from dlmath.datasets import load_images
from dlmath.metrics import memorisation_share
from dlmath.trained import trained_record
from numpy.testing import assert_allclose, assert_array_equal

ROOT = Path(__file__).resolve().parents[2]
IMAGES = load_images()
LABELS = np.arange(1000) % 10


@pytest.fixture
def generative(torch):
    import dlmath.generative

    torch.set_num_threads(1)
    return dlmath.generative


def test_the_pictures_are_balanced_and_apart():
    assert IMAGES.train.shape == (3800, 784)
    assert IMAGES.test.shape == (1000, 784)
    for rows, labels in ((IMAGES.train, IMAGES.train_labels), (IMAGES.test, IMAGES.test_labels)):
        assert rows.dtype == np.int64
        assert (rows.min(), rows.max()) == (0, 31)
        assert_array_equal(np.bincount(labels), len(rows) // 10)
        assert_array_equal(labels[:20], np.arange(20) % 10)
    assert len(IMAGES.names) == 10
    together = np.unique(np.vstack([IMAGES.train, IMAGES.test]), axis=0)
    assert len(together) >= 4790
    # Trousers are dark in the middle of the lower half, ankle boots in the lower right.
    trousers = IMAGES.train[IMAGES.train_labels == 1].mean(axis=0).reshape(28, 28)
    boots = IMAGES.train[IMAGES.train_labels == 9].mean(axis=0).reshape(28, 28)
    assert trousers[:, :6].max() < 3
    assert boots[18:24, 18:26].mean() > 10


@pytest.fixture
def builder(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "data"))
    return importlib.import_module("build_images")


def test_the_script_reads_the_format_and_chooses_evenly(builder, tmp_path):
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    head = b"\0\0\x08\x03" + np.array(pixels.shape, ">u4").tobytes()
    assert_array_equal(builder.read_idx(head + pixels.tobytes()), pixels)
    with pytest.raises(ValueError, match="not an array of unsigned bytes"):
        builder.read_idx(b"\0\0\x0d\x03" + bytes(20))
    assert_array_equal(builder.quantise(np.array([[[0, 255], [128, 4]]])), [[0, 31, 16, 0]])
    labels = np.random.default_rng(0).integers(0, 10, 500)
    chosen = builder.choose(labels, 7, np.random.default_rng(1))
    assert_array_equal(labels[chosen], np.arange(70) % 10)
    assert len(set(chosen.tolist())) == 70
    for name in builder.FILES:
        (tmp_path / name).write_bytes(b"other")
    with pytest.raises(ValueError, match="expected SHA-256"):
        builder.read_folder(tmp_path)


def test_the_judge_reads_pictures_that_it_has_not_seen(generative):
    model = generative.load_trained("images-features")
    accuracy = np.mean(model.predict(IMAGES.test) == IMAGES.test_labels)
    assert accuracy > 0.83
    assert_allclose(trained_record("images-features")["measures"]["accuracy"], accuracy, atol=2e-3)
    assert model.features(IMAGES.test[:3]).shape == (3, 32)


def test_real_pictures_are_judged_well_and_noise_is_not(generative):
    found = generative.judge_images(IMAGES.train[2800:], LABELS)
    noise = generative.judge_images(np.random.default_rng(0).uniform(0, 31, (1000, 784)), LABELS)
    assert found.memorisation == 1
    assert found.accuracy > 0.85
    assert found.precision > 0.7
    assert 0.7 < found.spread < 1.4
    assert noise.fd > 20 * found.fd
    assert noise.accuracy < 0.2
    assert noise.recall < 0.05


def test_copies_are_found_among_more_training_pictures_than_others(torch):
    from dlmath.generative._images import _memorisation

    rng = np.random.default_rng(0)
    train, others, fresh = (rng.normal(size=(n, 3)) for n in (1900, 500, 2000))
    assert_allclose(_memorisation(fresh, train, others), 0.5, atol=0.04)
    assert _memorisation(train[1500:], train, others) == 1
    assert _memorisation(others, train, others) == 0
    # With as many of both it is the measure of the digits.
    equal = memorisation_share(fresh, train[:500], others)
    assert_allclose(_memorisation(fresh, train[:500], others), equal, rtol=1e-12)


def test_records_show_the_price_of_guidance():
    measures = trained_record("flow-images")["measures"]
    rows = list(measures["guided"].values())
    accuracy, recall = ([row[name] for row in rows] for name in ("accuracy", "recall"))
    assert (np.diff(accuracy) > -0.005).all()
    assert (np.diff(recall) < 0.02).all()
    assert accuracy[-1] > accuracy[0] + 0.1
    assert recall[-1] < recall[0] - 0.3
    assert all(abs(row["memorisation"] - 0.5) < 0.1 for row in rows)
    # A little guidance brings the distance down, more brings it up.
    fd = {w: row["fd"] for w, row in measures["guided"].items()}
    assert fd["1.5"] < 0.9 * fd["1"] < 0.5 * fd["5"]


def test_records_show_where_guidance_is_useful():
    measures = trained_record("flow-images")["measures"]
    whole, (low, middle, high) = measures["guided"]["3"], measures["intervals"].values()
    assert middle["fd"] < 0.6 * whole["fd"]
    assert whole["fd"] < 1.3 * high["fd"]
    assert middle["accuracy"] > low["accuracy"] + 0.04


def test_records_show_the_ceiling_of_the_codes():
    measures, flow = (trained_record(f"{name}-images")["measures"] for name in ("latent", "flow"))
    assert measures["ceiling"]["fd"] > 2 * flow["guided"]["1"]["fd"]
    assert measures["ceiling"]["fd"] < measures["guided"]["1"]["fd"]
    assert measures["guided"]["2"]["recall"] < 0.7 * measures["ceiling"]["recall"]


def test_shipped_models_draw_what_is_asked_for(generative):
    model, judge = (generative.load_trained(f"{name}-images") for name in ("flow", "latent"))
    assert model.count_parameters() == trained_record("flow-images")["parameters"]
    labels = np.arange(30) % 10
    samples = model.sample(30, 1, labels=labels, guidance=2.0, sampler="euler", steps=12)
    assert samples.shape == (30, 784)
    assert judge.n_features_in_ == 64
    reader = generative.load_trained("images-features")
    assert np.mean(reader.predict(samples) == labels) > 0.8


@pytest.mark.parametrize(
    ("samples", "labels", "message"),
    [
        (np.zeros((1000, 64)), LABELS, "samples must have 784 columns"),
        (np.zeros((10, 784)), LABELS[:10], "samples must have at least 1000 rows, got 10"),
        (np.zeros((1000, 784)), LABELS[:9], "labels must hold 1000 labels"),
    ],
)
def test_bad_input_is_named(generative, samples, labels, message):
    with pytest.raises(ValueError, match=message):
        generative.judge_images(samples, labels)


def test_a_classifier_wants_pictures(generative):
    with pytest.raises(ValueError, match="X must have 784 columns"):
        generative.ImageClassifier(steps=1).fit(np.zeros((4, 64)), np.zeros(4))
