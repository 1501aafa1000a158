"""Flow matching on a torus: what leaves at one edge comes in at the other."""

import numpy as np
import pytest
import torch
from dlmath.generative import FlowMatching, PeriodicFlow, load_trained, trained_record
from dlmath.ising import jackknife
from numpy.testing import assert_allclose
from torch import nn

torch.set_num_threads(1)

SMALL = {"levels": 2, "width": 8, "classes": 2, "label_dropout": 0.0, "steps": 8, "batch_size": 16}
SIDE = 8


@pytest.fixture(scope="module")
def spins():
    return np.random.default_rng(0).integers(0, 2, (64, SIDE**2))


@pytest.fixture(scope="module")
def periodic(spins):
    return PeriodicFlow(**SMALL, eta=0.05, average=0.0).fit(spins, np.arange(64) % 2)


def shifted(rows, steps):
    return np.roll(rows.reshape(-1, SIDE, SIDE), steps, axis=(1, 2)).reshape(len(rows), -1)


def commutes(model, steps):
    """Compare the velocity of shifted states with the shifted velocity; relative to its size."""
    x = np.random.default_rng(1).standard_normal((5, SIDE**2))
    velocity = model.velocity(x, 0.4, labels=1)
    apart = np.abs(model.velocity(shifted(x, steps), 0.4, labels=1) - shifted(velocity, steps))
    return apart.max() / np.abs(velocity).max()


@pytest.mark.parametrize("steps", [(2, 0), (0, 6), (4, 2)])
def test_shifts_by_the_coarser_scale_go_through_the_network(periodic, steps):
    assert commutes(periodic, steps) < 1e-5


def test_zeros_at_the_edges_and_odd_shifts_do_not(periodic, spins):
    """A network for pictures knows its edges; halves of the lattice are not alike for either."""
    pictures = FlowMatching(**SMALL, eta=0.05, average=0.0).fit(spins, np.arange(64) % 2)
    assert commutes(pictures, (2, 0)) > 1e-3
    assert commutes(periodic, (1, 0)) > 1e-3


def test_it_has_the_parameters_of_flow_matching(periodic):
    usual = FlowMatching(**SMALL)
    assert usual.get_params() == periodic.set_params(eta=1e-3, average=0.999).get_params()
    wide = [m for m in periodic.network_.modules() if isinstance(m, nn.Conv2d)]
    kinds = {(m.kernel_size[0] > 1, m.padding_mode) for m in wide}
    assert kinds <= {(True, "circular"), (False, "zeros")}
    assert (True, "circular") in kinds


def test_other_networks_have_no_torus(spins):
    with pytest.raises(ValueError, match="network must be 'unet' on a torus, got 'dense'"):
        PeriodicFlow(network="dense", levels=2, steps=1).fit(spins)


def test_the_shipped_magnet_is_the_one_on_record():
    """Loaded weights run around the torus; a few draws read what the record says, which is hot."""
    model, found = load_trained("flow-ising"), trained_record("flow-ising")["measures"]
    assert commutes(model, (2, 4)) < 1e-4
    label = found["temperatures"].index(2.27)
    drawn = model.sample(128, seed=5, steps=5, labels=label)
    assert set(np.unique(drawn)) == {0, 1}
    read = jackknife(2 * drawn.reshape(-1, SIDE, SIDE).astype(np.int8) - 1, 2.27)
    for name in ("energy", "thermometer"):
        value, error = found["observables"][name][label]
        assert_allclose(read[name][0], value, atol=4 * np.hypot(read[name][1], error))
    K, error = found["observables"]["thermometer"][label]
    assert 5 * error < 1 / 2.27 - K < 0.05
