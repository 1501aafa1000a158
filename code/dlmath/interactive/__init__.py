"""Figures to move: widgets that work in a notebook and, without a kernel, in the book's pages.

Each is an anywidget: a Python class with the state, and one ES module that draws it. A widget
brings its own still picture and needs a text that says what is seen (``alt``).
"""

from dlmath.interactive._adaptive import adam_running_means
from dlmath.interactive._adversarial import dirac_gan, gan_frames
from dlmath.interactive._approximation import composed_tents, sampled_networks
from dlmath.interactive._assessment import bias_variance_explorer, double_descent
from dlmath.interactive._autodiff import tape_stepper
from dlmath.interactive._backpropagation import BackpropagationSteps
from dlmath.interactive._boltzmann import GibbsLive
from dlmath.interactive._calibration import coverage_explorer
from dlmath.interactive._comparing import ising_compared, model_scatter
from dlmath.interactive._computed import (
    ComputedPlot,
    conditioning,
    gradient_descent_filter,
    projection,
)
from dlmath.interactive._convexity import chord_and_tangent
from dlmath.interactive._convolution import KernelEditor
from dlmath.interactive._curvature import curvature_explorer
from dlmath.interactive._denoiser import DenoiserLive
from dlmath.interactive._descent import quadratic_descent
from dlmath.interactive._diffusion import empirical_paths, moment_of_decision
from dlmath.interactive._divergences import five_distances, gaussian_transport
from dlmath.interactive._dragfit import DragFit
from dlmath.interactive._energy import EnergyLangevin, jastrow_chain
from dlmath.interactive._feed_forward import two_two_one
from dlmath.interactive._findings import SharpnessLive, linear_modes
from dlmath.interactive._first_page import fit_and_cloud
from dlmath.interactive._flow import flow_warp
from dlmath.interactive._gaussians import forward_and_reverse_kl, two_gaussians
from dlmath.interactive._guidance import guided_pair
from dlmath.interactive._ising import IsingLive
from dlmath.interactive._judging import sample_judge
from dlmath.interactive._kernels import gaussian_process_explorer, process_samples
from dlmath.interactive._lasso import (
    lasso_path_explorer,
    penalty_balls,
    soft_threshold_explorer,
)
from dlmath.interactive._learning import degree_errors, one_number, one_slope
from dlmath.interactive._logistic import bump_cut, logistic_drag
from dlmath.interactive._momentum import SgdCloud, momentum_eigenvalues
from dlmath.interactive._nuclear import NuclearChart, polynomial_edge
from dlmath.interactive._race import optimizer_race
from dlmath.interactive._reverse import ReverseDiffusion, sampler_orders
from dlmath.interactive._ridge import (
    analytic_continuation,
    early_stopping_and_ridge,
    ridge_explorer,
)
from dlmath.interactive._scatterfit import ScatterFit
from dlmath.interactive._stochastic import DraggedTrap, WellsLive
from dlmath.interactive._straight import correlated_lines, euler_in_the_plane, straightened_flow
from dlmath.interactive._train_live import TrainLive
from dlmath.interactive._training import learning_rate_search, signals_by_depth
from dlmath.interactive._types import bandit_player, lloyd_explorer
from dlmath.interactive._universal import bump_sum
from dlmath.interactive._variational import elbo_gap, latent_plane
from dlmath.interactive._wide import lazy_training, random_wide_networks

__all__ = [
    "BackpropagationSteps",
    "ComputedPlot",
    "DenoiserLive",
    "DragFit",
    "DraggedTrap",
    "EnergyLangevin",
    "GibbsLive",
    "IsingLive",
    "KernelEditor",
    "NuclearChart",
    "ReverseDiffusion",
    "ScatterFit",
    "SgdCloud",
    "SharpnessLive",
    "TrainLive",
    "WellsLive",
    "adam_running_means",
    "analytic_continuation",
    "bandit_player",
    "bias_variance_explorer",
    "bump_cut",
    "bump_sum",
    "chord_and_tangent",
    "composed_tents",
    "conditioning",
    "correlated_lines",
    "coverage_explorer",
    "curvature_explorer",
    "degree_errors",
    "dirac_gan",
    "double_descent",
    "early_stopping_and_ridge",
    "elbo_gap",
    "empirical_paths",
    "euler_in_the_plane",
    "fit_and_cloud",
    "five_distances",
    "flow_warp",
    "forward_and_reverse_kl",
    "gan_frames",
    "gaussian_process_explorer",
    "gaussian_transport",
    "gradient_descent_filter",
    "guided_pair",
    "ising_compared",
    "jastrow_chain",
    "lasso_path_explorer",
    "latent_plane",
    "lazy_training",
    "learning_rate_search",
    "linear_modes",
    "lloyd_explorer",
    "logistic_drag",
    "model_scatter",
    "moment_of_decision",
    "momentum_eigenvalues",
    "one_number",
    "one_slope",
    "optimizer_race",
    "penalty_balls",
    "polynomial_edge",
    "process_samples",
    "projection",
    "quadratic_descent",
    "random_wide_networks",
    "ridge_explorer",
    "sample_judge",
    "sampled_networks",
    "sampler_orders",
    "signals_by_depth",
    "soft_threshold_explorer",
    "straightened_flow",
    "tape_stepper",
    "two_gaussians",
    "two_two_one",
]
