"""Train what the chapter on guidance loads: a judge, a flow of pictures, and one of latent codes.

Usage: ``python data/train_images.py [--images FOLDER] [--tenth | --judge] [NAME ...]``, or ``make
train``.

Settings were chosen by a look at samples after a tenth of the steps. Times that are "logit-normal"
hardly ever come near the data, and left grey specks on the white around the clothes; "uniform"
times took them away.

The models learn from the 3,800 training pictures that come with the book; with ``--images`` from
the 60,000 of the whole data set, in a folder as ``data/build_images.py`` reads it. The 1,000 test
pictures judge. ``--tenth`` trains a tenth of the steps and writes nothing; ``--judge`` trains
nothing and judges the shipped models again. Takes about 16 minutes of one core for the
training, and half as long again for the samples that are judged.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from dlmath.datasets import load_images
from dlmath.diffusion import ddim, guided
from dlmath.generative import FlowMatching, ImageClassifier, judge_images, load_trained, ship
from dlmath.trained import trained_record
from sklearn.decomposition import PCA

SCRIPT = "data/train_images.py"
SAMPLES, STEPS = 1000, 20
WEIGHTS = (1.0, 1.5, 2.0, 3.0, 5.0)
# Noise levels between which the guided rows of the second table are guided.
INTERVALS = ((0.0, 0.5), (0.5, 4.0), (4.0, np.inf))
CODES = 64
MODELS = {
    "images-features": ImageClassifier(seed=0),
    "flow-images": FlowMatching(
        network="unet",
        width=32,
        patch=2,
        classes=10,
        levels=32,
        training_times="uniform",
        steps=3000,
        eta=2e-3,
        weight_decay=0.01,
        average=0.997,
    ),
    "latent-images": FlowMatching(
        network="residual",
        width=192,
        layers=3,
        classes=10,
        training_times="uniform",
        steps=6000,
        eta=2e-3,
        weight_decay=0.01,
        average=0.997,
    ),
}


def pictures(folder: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the training pictures that come with the book, or all."""
    if folder is None:
        images = load_images()
        return images.train, images.train_labels
    from build_images import quantise, read_folder

    arrays = read_folder(folder)
    rows = quantise(arrays["train-images-idx3-ubyte"]).astype(np.int64)
    return rows, arrays["train-labels-idx1-ubyte"].astype(np.int64)


def draw(model: FlowMatching, labels: np.ndarray, weight: float, **interval: Any) -> np.ndarray:
    """Draw one sample for each label with guidance, in STEPS steps of Euler's method."""
    conditional, free = model.denoiser(labels), model.denoiser()
    schedule = model.schedule_
    denoise = guided(conditional, free, weight, schedule=schedule, **interval)
    x = schedule.prior(len(labels), model.n_features_in_, np.random.default_rng(1))
    return model.decode(ddim(denoise, x, schedule, schedule.times(STEPS)))


def measure_flow(model: FlowMatching) -> dict:
    """Judge samples of several weights, and of one weight in three intervals."""
    labels = np.arange(SAMPLES) % 10
    table = {f"{w:g}": row(judge_images(draw(model, labels, w), labels)) for w in WEIGHTS}
    intervals = {
        f"{low:g} to {high:g}": row(
            judge_images(draw(model, labels, 3.0, interval=(low, high)), labels)
        )
        for low, high in INTERVALS
    }
    return {"samples": SAMPLES, "steps": STEPS, "guided": table, "intervals": intervals}


def measure_latent(model: FlowMatching, codes: PCA) -> dict:
    """Judge decoded samples, and what the decoder makes of real test pictures."""
    labels = np.arange(SAMPLES) % 10
    test, known = load_images().test, load_images().test_labels
    ceiling = codes.inverse_transform(codes.transform(test))
    found = {
        f"{w:g}": row(judge_images(codes.inverse_transform(draw(model, labels, w)), labels))
        for w in (1.0, 2.0)
    }
    return {"codes": CODES, "guided": found, "ceiling": row(judge_images(ceiling, known))}


def row(measures: dict) -> dict:
    """Round measures for a record."""
    return {name: float(f"{value:.4g}") for name, value in measures.items()}


def measure(name: str, model: Any, codes: PCA) -> dict:
    """Measure a model as shipped."""
    test, labels = load_images().test, load_images().test_labels
    if name == "images-features":
        train = load_images()
        seen = row(judge_images(train.train[:SAMPLES], train.train_labels[:SAMPLES]))
        noise = np.random.default_rng(0).uniform(0, 31, (1000, 784))
        return {
            "accuracy": float((model.predict(test) == labels).mean()),
            "training_pictures": seen,
            "noise": row(judge_images(noise, labels)),
        }
    if name == "latent-images":
        return measure_latent(model, codes)
    return measure_flow(model)


def main() -> None:
    """Train all models, or those named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="all, if none is given")
    parser.add_argument("--images", type=Path, help="folder of the whole data set")
    parser.add_argument("--tenth", action="store_true", help="a tenth of the steps, no files")
    parser.add_argument("--judge", action="store_true", help="judge again, train nothing")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(MODELS):
        parser.error(f"there is no model {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    X, y = pictures(arguments.images)
    # The page computes the same components from the same pictures.
    codes = PCA(CODES, svd_solver="full").fit(load_images().train)
    for name in arguments.names or MODELS:
        if arguments.judge:
            model, seconds = load_trained(name), trained_record(name)["cpu_seconds"]
            pictures_seen = trained_record(name)["measures"]["pictures"]
        else:
            model, pictures_seen = MODELS[name], len(X)
            if arguments.tenth:
                model.set_params(steps=model.steps // 10)
            begin = time.process_time()
            model.fit(
                codes.transform(X) if name == "latent-images" else X,
                y,
                progress=sys.stderr.isatty(),
            )
            seconds = time.process_time() - begin
            print(name, f"{seconds:.0f} s, loss {np.mean(model.losses_[-100:]):.4f}", flush=True)
        if arguments.tenth:
            continue
        known = {"script": SCRIPT, "cpu_seconds": seconds}
        # Judged are the weights as they are shipped.
        shipped = ship(model, name, **known, measures={"pictures": pictures_seen})
        measures = measure(name, shipped, codes) | {"pictures": pictures_seen}
        ship(model, name, **known, measures=measures)
        print(name, measures, flush=True)


if __name__ == "__main__":
    main()
