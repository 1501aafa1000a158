"""Optimizers: each equal to its namesake in torch over many steps, and bad input."""

import numpy as np
import pytest
from dlmath.optimizers import Adam, GradientDescent, Momentum

SHAPES = [(3, 2), (2,), (1, 4)]
PAIRS = [
    (lambda: GradientDescent(0.03), lambda torch, p: torch.optim.SGD(p, 0.03)),
    (lambda: Momentum(0.01), lambda torch, p: torch.optim.SGD(p, 0.01, momentum=0.9)),
    (lambda: Momentum(0.02, 0.5), lambda torch, p: torch.optim.SGD(p, 0.02, momentum=0.5)),
    (lambda: Adam(), lambda torch, p: torch.optim.Adam(p)),
    (
        lambda: Adam(0.1, beta1=0.5, beta2=0.9, epsilon=1e-3),
        lambda torch, p: torch.optim.Adam(p, 0.1, betas=(0.5, 0.9), eps=1e-3),
    ),
]


def slope(parameter, k):
    """Gradient of a rough bowl whose place moves with the step."""
    return 2 * (parameter - np.cos(0.1 * k)) + np.sin(5 * parameter)


def deviation(torch, make, make_theirs, steps=1000):
    """Return the largest relative difference over so many steps."""
    rng = np.random.default_rng(3)
    ours = [rng.standard_normal(shape) for shape in SHAPES]
    theirs = [torch.tensor(p, requires_grad=True) for p in ours]
    optimizer, other, worst = make(), make_theirs(torch, theirs), 0.0
    for k in range(steps):
        for tensor in theirs:
            tensor.grad = torch.tensor(slope(tensor.detach().numpy(), k))
        optimizer.step(ours, [slope(parameter, k) for parameter in ours])
        other.step()
        for parameter, tensor in zip(ours, theirs, strict=True):
            exact = tensor.detach().numpy()
            worst = max(worst, np.max(np.abs(parameter - exact) / (np.abs(exact) + 1e-3)))
    return worst


@pytest.mark.parametrize(("make", "make_theirs"), PAIRS)
def test_equals_torch_over_a_thousand_steps(torch, make, make_theirs):
    assert deviation(torch, make, make_theirs) < 1e-12


@pytest.mark.parametrize(
    ("make", "make_theirs"),
    [
        (lambda: GradientDescent(0.03), lambda torch, p: torch.optim.SGD(p, 0.0301)),
        (
            lambda: Momentum(0.01),
            lambda torch, p: torch.optim.SGD(p, 0.01, momentum=0.9, dampening=0.1),
        ),
        (
            lambda: Momentum(0.01),
            lambda torch, p: torch.optim.SGD(p, 0.01, momentum=0.9, nesterov=True),
        ),
        (lambda: Adam(0.01), lambda torch, p: torch.optim.RMSprop(p, 0.01, alpha=0.999)),
        (lambda: Adam(0.01), lambda torch, p: torch.optim.Adam(p, 0.01, amsgrad=True)),
        (lambda: Adam(0.01), lambda torch, p: torch.optim.Adam(p, 0.01, eps=1e-4)),
    ],
)
def test_and_would_notice_another_method(torch, make, make_theirs):
    assert deviation(torch, make, make_theirs, 100) > 1e-6


def test_the_first_step_of_adam_has_the_length_eta():
    parameter = [np.array([1.0, -2.0, 5.0])]
    Adam(0.01, epsilon=0).step(parameter, [np.array([1e-6, -3.0, 1e6])])
    assert np.allclose(parameter[0], [0.99, -1.99, 4.99], rtol=1e-13)


def test_reset_forgets():
    first, second, optimizer = [np.ones(3)], [np.ones(3)], Adam(0.1)
    optimizer.step(first, [np.array([1.0, 2.0, -3.0])])
    optimizer.reset()
    optimizer.step(second, [np.array([1.0, 2.0, -3.0])])
    assert (first[0] == second[0]).all()


def test_float32_stays_float32_and_gradients_as_they_were():
    parameters, gradients = [np.ones(3, np.float32)], [np.full(3, 2.0, np.float32)]
    for optimizer in (GradientDescent(0.1), Momentum(0.1), Adam(0.1)):
        optimizer.step(parameters, gradients)
    assert parameters[0].dtype == np.float32
    assert (gradients[0] == 2).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GradientDescent(0), "eta must be a finite number above zero, got 0"),
        (lambda: Adam(-1e-3), "eta must be"),
        (lambda: Adam(np.nan), "eta must be"),
        (lambda: Adam("small"), "eta must be"),
        (lambda: Momentum(0.1, 1.0), r"momentum must lie in \[0, 1\), got 1.0"),
        (lambda: Adam(beta1=-0.1), r"beta1 must lie in \[0, 1\)"),
        (lambda: Adam(beta2=1), r"beta2 must lie in \[0, 1\)"),
        (lambda: Adam(epsilon=-1), "epsilon must be"),
    ],
)
def test_bad_settings_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("parameters", "gradients", "message"),
    [
        ([np.ones(2), np.ones(3)], [np.ones(2)], "there are 2 parameters, but 1 gradients"),
        ([np.ones(2), np.ones(3)], [np.ones(2), np.ones((3, 1))], r"gradients\[1\] has shape"),
        ([np.ones(2), np.ones(3)], [np.ones(2), np.array([1, np.nan, 1])], r"\[1\] contains NaN"),
        ([np.ones(2), np.ones(3)], [np.ones(2), np.array([1, np.inf, 1])], r"\[1\] contains NaN"),
        ([np.ones(2), np.ones(3, int)], [np.ones(2), np.ones(3)], r"parameters\[1\] must be"),
        ([np.ones(2), [1.0, 1.0]], [np.ones(2), np.ones(2)], r"parameters\[1\] must be"),
    ],
)
@pytest.mark.parametrize("optimizer", [GradientDescent(0.1), Momentum(0.1), Adam(0.1)])
def test_bad_steps_are_refused_before_anything_changes(optimizer, parameters, gradients, message):
    with pytest.raises(ValueError, match=message):
        optimizer.step(parameters, gradients)
    assert (parameters[0] == 1).all()
    assert optimizer.k == 0


def test_parameters_of_other_shapes_need_a_reset():
    optimizer = Adam()
    optimizer.step([np.ones(2)], [np.ones(2)])
    with pytest.raises(ValueError, match="other shapes than at the last step"):
        optimizer.step([np.ones(3)], [np.ones(3)])
    assert optimizer.k == 1
