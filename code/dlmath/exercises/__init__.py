"""Answers to the book's exercises, checked in words.

The chapters need one name, `check`. The exercises themselves live in one module for each chapter,
which is imported when one of its exercises is asked for.
"""

from difflib import get_close_matches
from importlib import import_module

from dlmath.exercises.framework import REGISTRY, Exercise, Verdict

# The exercises of each chapter's module: a name is found without importing the other chapters.
CHAPTERS: dict[str, tuple[str, ...]] = {
    "types_of_learning": (
        "types-neighbours",
        "types-lloyd",
        "types-stencil",
        "types-regret",
        "types-ucb",
    ),
    "data_model_cost": (
        "data-model-cost-projection",
        "data-model-cost-lifetime",
        "data-model-cost-minibatch",
        "data-model-cost-leakage",
    ),
    "discriminative_and_generative": (
        "generative-logit",
        "generative-shift",
        "generative-missing",
        "generative-poisson",
    ),
    "least_squares": (
        "ols-gradient",
        "ols-normal-equations",
        "ols-covariance",
        "ols-weighted",
        "ols-bands",
        "ols-minimum-norm",
        "ols-gradient-descent-filter",
        "gell-mann-okubo",
        "regge-trajectory",
    ),
    "ridge": (
        "ridge-solution",
        "ridge-intercept",
        "ridge-filter",
        "ridge-augmented",
        "ridge-dof",
        "ridge-discrepancy",
    ),
    "lasso": (
        "lasso-sweep",
        "lasso-gap",
        "lasso-ista-steps",
        "lasso-weights",
        "lasso-second-knot",
    ),
    "model_assessment": (
        "assessment-paired",
        "assessment-loo",
        "assessment-same-lambda",
        "assessment-fold",
        "assessment-gcv",
        "assessment-features",
    ),
    "logistic_regression": (
        "logistic-gradient",
        "logistic-irls",
        "logistic-auc",
        "logistic-prior",
        "ising-acceptance",
        "ising-free-energy",
    ),
    "kernels_and_gaussian_processes": (
        "kernels-ridge",
        "kernels-posterior",
        "kernels-evidence",
        "kernels-loo",
        "kernels-gradient",
    ),
    "nuclear_masses_linear": (
        "masses-binding-energy",
        "masses-liquid-drop",
        "masses-network",
        "masses-leverage",
        "masses-alternating",
    ),
    "feed_forward": (
        "feed-forward-collapse",
        "feed-forward-perceptron",
        "feed-forward-cost",
        "feed-forward-softmax",
        "feed-forward-flip",
    ),
    "backpropagation": (
        "backpropagation-chain",
        "backpropagation-hidden",
        "backpropagation-mean",
        "backpropagation-square",
        "backpropagation-shared",
    ),
    "automatic_differentiation": (
        "autodiff-dual",
        "autodiff-layer",
        "autodiff-sweep",
        "autodiff-standardise",
        "autodiff-hvp",
        "autodiff-solve",
    ),
    "universal_approximation": (
        "universal-steps",
        "universal-odd",
        "universal-certificate",
        "universal-polygon",
        "universal-power",
    ),
    "approximation_rates": (
        "rates-constant",
        "rates-tickets",
        "rates-greedy",
        "rates-pieces",
    ),
    "training_in_practice": (
        "training-calibrate",
        "training-dropout",
        "training-batch-norm",
        "training-clip",
        "training-paired",
    ),
    "convolution_and_symmetry": (
        "convolution-deconvolve",
        "convolution-kernel-gradient",
        "convolution-transposed",
        "convolution-average",
        "convolution-sets",
    ),
    "what_training_finds": (
        "findings-mode",
        "findings-conserved",
        "findings-diagonal",
        "findings-sharpness",
    ),
    "wide_networks": (
        "wide-arc-cosine",
        "wide-tangent",
        "wide-flow",
        "wide-bound",
    ),
    "nuclear_masses_networks": (
        "massnet-conformal",
        "massnet-ambiguity",
        "massnet-bound",
        "massnet-importance",
    ),
    "gradient_descent": (
        "descent-least-squares",
        "descent-flow",
        "descent-exact",
        "descent-backtrack",
        "descent-two-rates",
    ),
    "momentum_and_stochastic": (
        "momentum-heavy-ball",
        "momentum-radius",
        "momentum-points",
        "momentum-cloud",
        "momentum-langevin",
    ),
    "adaptive_methods": (
        "adaptive-methods-adam",
        "adaptive-methods-longest",
        "adaptive-methods-regret",
        "adaptive-methods-rest",
    ),
    "newton_and_quasi_newton": (
        "newton-direction",
        "newton-bfgs",
        "newton-two-loops",
        "newton-errors",
    ),
    "probability_toolkit": (
        "toolkit-kl",
        "toolkit-frechet",
        "toolkit-ratio",
        "toolkit-score-matching",
        "toolkit-mean-field",
    ),
    "stochastic_dynamics": (
        "stochastic-gibbs",
        "stochastic-mala",
        "stochastic-ula",
        "stochastic-milstein",
        "stochastic-jarzynski",
    ),
    "judging_samples": (
        "judging-frechet",
        "judging-mmd",
        "judging-memorisation",
        "judging-dequantised",
    ),
    "boltzmann_machines": (
        "boltzmann-free-energy",
        "boltzmann-gradient",
        "boltzmann-mean-field",
        "boltzmann-ais",
    ),
    "energy_models": (
        "energy-precision",
        "energy-ascent",
        "energy-score-matching",
        "energy-local",
        "energy-force",
    ),
    "variational_autoencoders": (
        "variational-em",
        "variational-kl",
        "variational-bound",
        "variational-ppca",
        "variational-levels",
    ),
    "autoregressive_models_and_flows": (
        "flows-masks",
        "flows-mixture",
        "flows-coupling",
        "flows-bits",
        "flows-acceptance",
    ),
    "adversarial_networks": (
        "adversarial-networks-js",
        "adversarial-networks-shares",
        "adversarial-networks-gaussians",
        "adversarial-networks-transport",
        "adversarial-networks-step",
    ),
    "denoising_diffusion": (
        "diffusion-posterior",
        "diffusion-terminal",
        "diffusion-bound",
        "diffusion-velocity",
        "diffusion-empirical",
    ),
    "comparing_generative_models": (
        "comparing-hole",
        "comparing-front",
        "comparing-thermometer",
        "comparing-length",
    ),
    "score_and_stochastic_differential_equations": (
        "score-loss",
        "score-step",
        "score-memory",
        "score-multistep",
    ),
    "guidance_and_latent_diffusion": (
        "guidance-noise",
        "guidance-step",
        "guidance-tilted",
        "guidance-variances",
        "guidance-ceiling",
    ),
    "flow_matching": (
        "flow-matching-velocity",
        "flow-matching-loss",
        "flow-matching-euler",
        "flow-matching-pairs",
    ),
}

__all__ = ["CHAPTERS", "Exercise", "Verdict", "check", "find", "names"]


def names() -> list[str]:
    """Return the names of all exercises that can be checked."""
    return [name for exercises in CHAPTERS.values() for name in exercises]


def find(name: str) -> Exercise:
    """Return the exercise of that name.

    Parameters
    ----------
    name : str
        The exercise's label in the book, such as ``"ols-gradient"``.

    Raises
    ------
    ValueError
        If no exercise has that name; the message offers the nearest names.
    """
    for chapter, exercises in CHAPTERS.items():
        if name in exercises:
            import_module(f"dlmath.exercises.{chapter}")
            return REGISTRY[name]
    near = get_close_matches(str(name), names(), n=3, cutoff=0.4)
    meant = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"There are {names()}."
    raise ValueError(f"No exercise is called {name!r}. {meant}")


def check(name: str, answer: object) -> None:
    """Check an answer to an exercise and print what was found.

    A wrong answer is never an error: whatever it is, and whatever it raises, the result is a
    sentence that says what to look at next.

    Parameters
    ----------
    name : str
        The exercise's label in the book, such as ``"ols-gradient"``.
    answer : object
        The answer, for most exercises a function; the exercise says what it takes and returns.

    Raises
    ------
    ValueError
        If no exercise has that name.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.exercises import check
    >>> check("ols-normal-equations", lambda X, y: np.linalg.solve(X.T @ X, X.T @ y))
    ✓ ols-normal-equations: correct on 3 random data sets.
    >>> check("ols-normal-equations", 3)
    ✗ ols-normal-equations: not yet.
      The answer should be a function of (X, y), and it is an int.
    """
    print(find(name).verdict(answer))
