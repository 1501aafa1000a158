"""Optimizers: each equal to its namesake in torch over many steps, and bad input."""

import numpy as np
import pytest
from dlmath.optimizers import (
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    GradientDescent,
    Momentum,
    Nesterov,
    RMSprop,
    cosine,
    exponential_decay,
    inverse_decay,
    minimize,
    step_decay,
    warm_up,
)

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
    (
        lambda: Nesterov(0.01),
        lambda torch, p: torch.optim.SGD(p, 0.01, momentum=0.9, nesterov=True),
    ),
    (lambda: AdaGrad(), lambda torch, p: torch.optim.Adagrad(p)),
    (lambda: AdaGrad(0.3, 1e-2), lambda torch, p: torch.optim.Adagrad(p, 0.3, eps=1e-2)),
    (lambda: RMSprop(), lambda torch, p: torch.optim.RMSprop(p)),
    (
        lambda: RMSprop(0.03, 0.9, 1e-3),
        lambda torch, p: torch.optim.RMSprop(p, 0.03, alpha=0.9, eps=1e-3),
    ),
    (lambda: AMSGrad(0.01), lambda torch, p: torch.optim.Adam(p, 0.01, amsgrad=True)),
    (lambda: AdamW(), lambda torch, p: torch.optim.AdamW(p)),
    (
        lambda: AdamW(0.02, weight_decay=0.3),
        lambda torch, p: torch.optim.AdamW(p, 0.02, weight_decay=0.3),
    ),
]
ALL = (GradientDescent, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AMSGrad, AdamW)


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
        (lambda: AMSGrad(0.01), lambda torch, p: torch.optim.Adam(p, 0.01)),
        (lambda: Nesterov(0.01), lambda torch, p: torch.optim.SGD(p, 0.01, momentum=0.9)),
        (lambda: AdaGrad(), lambda torch, p: torch.optim.Adagrad(p, initial_accumulator_value=1)),
        (lambda: RMSprop(), lambda torch, p: torch.optim.RMSprop(p, centered=True)),
        (lambda: AdamW(), lambda torch, p: torch.optim.Adam(p, weight_decay=0.01)),
        (
            lambda: Adam(0.01, bias_correction=False),
            lambda torch, p: torch.optim.Adam(p, 0.01),
        ),
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
    for make in ALL:
        make(0.1).step(parameters, gradients)
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
        (lambda: Nesterov(0.1, -0.1), r"momentum must lie in \[0, 1\)"),
        (lambda: AdaGrad(epsilon=np.inf), "epsilon must be"),
        (lambda: RMSprop(rho=1), r"rho must lie in \[0, 1\)"),
        (lambda: RMSprop(-1), "eta must be"),
        (lambda: AdamW(weight_decay=-0.1), "weight_decay must be"),
        (lambda: step_decay(0.1, 1.5, 10), "factor must be at most 1"),
        (lambda: step_decay(0.1, 0.5, 0), "every must be an integer"),
        (lambda: exponential_decay(0, 0.5), "eta must be"),
        (lambda: inverse_decay(0.1, -1), "decay must be"),
        (lambda: cosine(0.1, 10, least=0.2), "least must be at most eta"),
        (lambda: cosine(0.1, 0), "steps must be an integer"),
        (lambda: warm_up(0.1, 2.5), "steps must be an integer"),
        (lambda: warm_up(-0.1, 2), "eta must be"),
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
@pytest.mark.parametrize("optimizer", [make(0.1) for make in ALL])
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


SCHEDULES = [
    (
        lambda: step_decay(0.1, 0.5, 7),
        lambda schedulers, o: schedulers.StepLR(o, 7, gamma=0.5),
        lambda schedulers, o: schedulers.StepLR(o, 8, gamma=0.5),
    ),
    (
        lambda: exponential_decay(0.1, 0.97),
        lambda schedulers, o: schedulers.ExponentialLR(o, 0.97),
        lambda schedulers, o: schedulers.ExponentialLR(o, 0.98),
    ),
    (
        lambda: inverse_decay(0.1, 0.2),
        lambda schedulers, o: schedulers.LambdaLR(o, lambda k: 1 / (1 + 0.2 * k)),
        lambda schedulers, o: schedulers.LambdaLR(o, lambda k: 1 / (1 + 0.2 * (k + 1))),
    ),
    (
        lambda: cosine(0.1, 39, least=0.01),
        lambda schedulers, o: schedulers.CosineAnnealingLR(o, 39, 0.01),
        lambda schedulers, o: schedulers.CosineAnnealingLR(o, 40, 0.01),
    ),
    (
        lambda: warm_up(0.1, 10),
        lambda schedulers, o: schedulers.LinearLR(o, start_factor=0.1, total_iters=9),
        lambda schedulers, o: schedulers.LinearLR(o, start_factor=0.1, total_iters=10),
    ),
    (
        lambda: warm_up(exponential_decay(0.1, 0.9), 4),
        lambda schedulers, o: schedulers.LambdaLR(o, lambda k: 0.9**k * min((k + 1) / 4, 1)),
        lambda schedulers, o: schedulers.LambdaLR(o, lambda k: 0.9**k * min(k / 4, 1)),
    ),
]


def rates(torch, schedule, make_theirs):
    """Return the rates of forty steps, ours and torch's."""
    other = torch.optim.SGD([torch.zeros(1)], 0.1)
    theirs, scheduler = [], make_theirs(torch.optim.lr_scheduler, other)
    for _ in range(40):
        theirs.append(other.param_groups[0]["lr"])
        other.step()
        scheduler.step()
    return np.array([schedule(k) for k in range(40)]), np.array(theirs)


@pytest.mark.parametrize(("make", "make_theirs", "make_others"), SCHEDULES)
def test_schedules_equal_torch_and_would_notice_one_step(torch, make, make_theirs, make_others):
    ours, theirs = rates(torch, make(), make_theirs)
    assert np.allclose(ours, theirs, rtol=1e-12, atol=1e-16)
    ours, theirs = rates(torch, make(), make_others)
    assert not np.allclose(ours, theirs, rtol=1e-3)


def test_the_cosine_stays_at_its_lowest_rate():
    schedule = cosine(0.1, 10, least=0.02)
    assert schedule(10) == schedule(25) == pytest.approx(0.02, rel=1e-14)


@pytest.mark.parametrize("make", ALL)
def test_a_schedule_gives_each_step_its_rate(make):
    schedule, optimizer, x, by_hand = inverse_decay(0.1, 0.5), make(0.1), np.ones(3), np.ones(3)
    optimizer.eta = schedule
    other = make(0.1)
    for k in range(5):
        gradient = np.array([1.0, -2.0, 0.5]) * (k + 1)
        assert optimizer.rate == schedule(k)
        other.eta = schedule(k)
        optimizer.step([x], [gradient])
        other.step([by_hand], [gradient])
    assert (x == by_hand).all()


@pytest.mark.parametrize("bad", [-0.1, np.nan, None])
def test_a_schedule_that_gives_nonsense_is_refused_before_anything_changes(bad):
    optimizer, x = Adam(lambda k: 0.1 if k < 2 else bad), np.ones(2)
    for _ in range(2):
        optimizer.step([x], [np.ones(2)])
    before = x.copy()
    with pytest.raises(ValueError, match="eta at step 3 must be a finite number"):
        optimizer.step([x], [np.ones(2)])
    assert (x == before).all()
    assert optimizer.k == 2


def test_minimize_returns_the_way_and_leaves_the_start():
    start = np.array([[1.0, -2.0]])
    path = minimize(lambda x: 2 * x, start, GradientDescent(0.1), 4)
    assert path.shape == (5, 1, 2)
    assert np.allclose(path[:, 0, 0], 0.8 ** np.arange(5), rtol=1e-14)
    assert (start == [[1.0, -2.0]]).all()
    assert (minimize(lambda x: x, [3], Adam(), 0) == [[3.0]]).all()


@pytest.mark.parametrize(
    ("gradient", "x0", "steps", "message"),
    [
        (lambda x: x, [1.0, np.nan], 3, "x0 contains NaN"),
        (lambda x: x[:1], [1.0, 2.0], 3, r"gradient must return the shape \(2,\) of x0, got"),
        (lambda x: x / 0.0, [0.0], 3, "gradient at step 1 contains NaN or infinity"),
        (lambda x: x, [1.0], -1, "steps must be an integer"),
        (lambda x: 1e200 * x, [1.0], 9, "gradient at step 2 contains NaN or infinity"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value", "ignore:overflow")
def test_minimize_refuses_nonsense(gradient, x0, steps, message):
    with pytest.raises(ValueError, match=message):
        minimize(gradient, x0, GradientDescent(1.0), steps)
