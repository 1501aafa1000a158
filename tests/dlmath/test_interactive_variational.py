"""The figures to move of the chapter on variational autoencoders, against SciPy and torch."""

import numpy as np
import pytest
from dlmath.interactive import elbo_gap, latent_plane
from dlmath.interactive._variational import DECODERS, _mean_picture
from numpy.testing import assert_allclose
from scipy import integrate, stats
from test_interactive import run_js

ALT = "A plane strewn with small coloured figures, and beside it a grey picture of a digit."
STATES = ((1.5, 0.4, 0.3), (-0.7, -1, 1.2))
POSTERIOR = [(decoder, *state) for decoder in DECODERS for state in STATES]


def exact(decoder, x, m, s):
    """Give reconstruction, both divergences and log p(x) by adaptive quadrature."""
    g, prior, q = DECODERS[decoder], stats.norm(0, 1), stats.norm(m, s)

    def over_z(f):
        return integrate.quad(f, -10, 10, limit=400, epsabs=1e-12, points=(-2, 0, m, 2))[0]

    def log_likelihood(z):
        return stats.norm.logpdf(x, g(z), 0.5)

    log_p = np.log(over_z(lambda z: np.exp(log_likelihood(z)) * prior.pdf(z)))
    rebuilt = over_z(lambda z: q.pdf(z) * log_likelihood(z))
    to_prior = over_z(lambda z: q.pdf(z) * (q.logpdf(z) - prior.logpdf(z)))
    to_posterior = over_z(
        lambda z: q.pdf(z) * (q.logpdf(z) - log_likelihood(z) - prior.logpdf(z) + log_p)
    )
    return rebuilt, to_prior, to_posterior, log_p


@pytest.mark.parametrize(("decoder", "x", "m", "s"), POSTERIOR)
def test_gap_is_that_of_quadrature(decoder, x, m, s):
    widget = elbo_gap(decoder=decoder, x=x, mean=m, sd=s, alt=ALT)
    expression = """{ const log_p = evidence(given); return [
        reconstruction(given), klToPrior(given), klToPosterior(given, log_p),
        log_p, elbo(given)]; }"""
    got = run_js("models/elbo-gap.js", f"(() => {expression})()", widget.params)
    expected = exact(decoder, x, m, s)
    assert_allclose(got[:4], expected, rtol=1e-7, atol=1e-9)
    assert_allclose(got[4] + got[2], expected[3], rtol=1e-8)


def test_uphill_finds_the_posterior_where_it_is_gaussian():
    given = elbo_gap(decoder="x = z + noise", x=2.0, alt=ALT).params
    found, picture = run_js(
        "models/elbo-gap.js", "[best(given), compute({ ...given, ...best(given) })]", given
    )
    assert_allclose([found["m"], found["s"]], [2 / 1.25, np.sqrt(0.2)], atol=2e-3)
    numbers = dict(picture["readouts"])
    assert numbers["ELBO"] == numbers["log p(x)"]
    assert abs(float(numbers["KL(q‖posterior)"].split(" ")[0].replace("−", "-"))) < 10


def test_uphill_picks_one_of_two_humps():
    given = elbo_gap(x=2.5, mean=-0.8, alt=ALT).params
    found = run_js("models/elbo-gap.js", "best(given)", given)
    assert -2.6 < found["m"] < -1.6


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"decoder": "x = z³"}, "decoder must be one of"), ({"x": np.nan}, "x, mean and sd contain")],
)
def test_gap_refuses(wrong, message):
    with pytest.raises(ValueError, match=message):
        elbo_gap(**wrong, alt=ALT)


@pytest.fixture
def plane():
    rng = np.random.default_rng(3)
    shapes = [(7, 2), (9, 7), (128, 9)]
    layers = [
        (rng.normal(size=shape), rng.normal(size=shape[0]), activation)
        for shape, activation in zip(shapes, ("silu", "silu", "identity"), strict=True)
    ]
    return {
        "layers": layers,
        "codes": rng.normal(size=(12, 2)),
        "images": rng.integers(0, 17, (12, 64)),
        "labels": rng.integers(0, 10, 12),
    }


def test_plane_decodes_as_torch_does(plane, torch):
    from dlmath.generative import VAE

    model = VAE(2, (9, 7), 17, dropout=0, steps=1, validation=0).fit(plane["images"])
    linear = [layer for layer in model.network_["decoder"] if hasattr(layer, "weight")]
    with torch.no_grad():
        for layer, (W, b, _) in zip(linear, plane["layers"], strict=True):
            layer.weight.copy_(torch.tensor(W.astype(np.float16).astype(float)))
            layer.bias.copy_(torch.tensor(b.astype(np.float16).astype(float)))
    given = {"data": latent_plane(**plane, alt=ALT).data, "z": [0.7, -1.9]}
    got = run_js("models/latent-plane.js", "decode(given.z, given.data)", given)
    assert_allclose(got, model.decode([given["z"]])[0], atol=1e-4)
    assert_allclose(
        got, _mean_picture(plane["layers"], np.array(given["z"]), 17).ravel(), rtol=1e-9
    )


def test_plane_shows_the_nearest_digit_and_goes_on(plane):
    widget = latent_plane(**plane, alt=ALT)
    given = {"data": widget.data, "z": [0.3, 0.2]}
    picture, then = run_js(
        "models/latent-plane.js", "[compute(given, given.data), next(given, given.data)]", given
    )
    near = int(np.argmin(np.square(plane["codes"].round(2) - given["z"]).sum(axis=1)))
    assert dict(picture["readouts"])["nearest held-out digit is a"] == str(plane["labels"][near])
    assert then["z"] == plane["codes"].round(2)[(near + 1) % 12].tolist()
    shown = [s for s in picture["panels"][1]["series"] if s["type"] == "region"]
    shades = [s["opacity"] for s in shown[64:]]
    assert_allclose(shades, plane["images"][near] / 16)
    # The first pixel is that of the upper left corner.
    assert (shown[0]["x"][0], shown[0]["y"][0]) == (0, 17)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("codes", np.zeros((12, 3)), "must have n rows"),
        ("images", np.full((12, 64), 17), "images must hold integers from 0 to levels - 1"),
        ("layers", [(np.zeros((128, 3)), np.zeros(128), "identity")], "from 2 latents to 128"),
    ],
)
def test_plane_refuses(plane, name, value, message):
    with pytest.raises(ValueError, match=message):
        latent_plane(**(plane | {name: value}), alt=ALT)
