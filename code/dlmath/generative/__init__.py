"""Generative models in PyTorch, all with one protocol: ``fit``, ``sample``, and what else they can.

Each model is a scikit-learn estimator in its manners: the constructor stores hyperparameters,
``fit(X)`` trains and returns the model, ``sample(n, seed)`` draws samples in the units of the data,
``log_prob(X)`` is exact, ``elbo(X)`` a lower bound. ``save`` and ``load`` use files that hold
arrays and text only. `load_trained` gives the models that come with the book.
"""

from dlmath.generative._base import GenerativeModel, check_pixels
from dlmath.generative._digits import DigitClassifier, judge_digits, judge_floor
from dlmath.generative._energy import EnergyModel
from dlmath.generative._flows import NeuralSplineFlow, RealNVP
from dlmath.generative._gan import GAN
from dlmath.generative._images import ImageClassifier, judge_images
from dlmath.generative._lattice import LatticeFlow
from dlmath.generative._made import MADE, conditionals, made_masks
from dlmath.generative._periodic import PeriodicFlow
from dlmath.generative._rbm import RBM
from dlmath.generative._shipped import load_trained, ship
from dlmath.generative._vae import VAE
from dlmath.generative.diffusion import DDPM
from dlmath.generative.flow_matching import FlowMatching
from dlmath.trained import trained_names, trained_record

__all__ = [
    "DDPM",
    "GAN",
    "MADE",
    "RBM",
    "VAE",
    "DigitClassifier",
    "EnergyModel",
    "FlowMatching",
    "GenerativeModel",
    "ImageClassifier",
    "LatticeFlow",
    "NeuralSplineFlow",
    "PeriodicFlow",
    "RealNVP",
    "check_pixels",
    "conditionals",
    "judge_digits",
    "judge_floor",
    "judge_images",
    "load_trained",
    "made_masks",
    "ship",
    "trained_names",
    "trained_record",
]
