"""Denoisers and scores in closed form: where the law of the data is known."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.utils import check_array

from dlmath.densities import GaussianMixture
from dlmath.diffusion._samplers import score_of
from dlmath.diffusion._schedules import Schedule

Floats = NDArray[np.float64]
ROWS = 500


class NoisyMixture:
    """A mixture of Gaussians on its way into noise: at every time again a mixture.

    It is a denoiser: ``law(x, t)`` is the exact conditional mean of x_0. What a network learns from
    samples of the mixture can be compared with it.

    Parameters
    ----------
    mixture : GaussianMixture
        Law of the data.
    schedule : Schedule
        How noise is added.
    """

    def __init__(self, mixture: GaussianMixture, schedule: Schedule) -> None:
        self.mixture, self.schedule = mixture, schedule
        self._at: tuple[float, GaussianMixture] | None = None

    def density(self, t: float) -> GaussianMixture:
        """Return the law of x_t."""
        if self._at is None or self._at[0] != t:
            gamma, sigma = self.schedule.gamma(t), self.schedule.sigma(t)
            mixture = self.mixture
            covariances = gamma**2 * mixture.covariances + sigma**2 * np.eye(len(mixture.mean))
            law = GaussianMixture(mixture.weights, gamma * mixture.means, covariances)
            self._at = float(t), law
        return self._at[1]

    def score(self, x: ArrayLike, t: float) -> Floats:
        """Return the gradient of log p_t at each row."""
        return self.density(t).score(x)

    def __call__(self, x: ArrayLike, t: float) -> Floats:
        """Return E[x_0 | x_t = x]: the mean of each component given x_t, with Bayes' weights.

        Tweedie's formula gives the same, but divides by gamma_t, which may be zero.
        """
        gamma, law = self.schedule.gamma(t), self.density(t)
        shares = softmax(law.log_prob_components(x), axis=1)
        x = np.asarray(x, dtype=float)
        mixture = self.mixture
        means = [
            mean + gamma * np.linalg.solve(noisy, (x - gamma * mean).T).T @ covariance
            for mean, covariance, noisy in zip(
                mixture.means, mixture.covariances, law.covariances, strict=True
            )
        ]
        return np.einsum("nc,cnd->nd", shares, np.array(means))


class NoisyEmpirical:
    """A finite set of points on its way into noise: what the training loss itself asks for.

    The exact minimiser of the denoising loss on these points, ``law(x, t)``, is their mean with the
    weights that Bayes' rule gives them (equation ``eq-denoising-diffusion-empirical``).

    Parameters
    ----------
    points : array-like of shape (n_points, n_features)
        The data.
    schedule : Schedule
        How noise is added.
    """

    def __init__(self, points: ArrayLike, schedule: Schedule) -> None:
        self.points: Floats = check_array(points, dtype=float, input_name="points")
        self.schedule = schedule

    def shares(self, x: ArrayLike, t: float) -> Floats:
        """Return the posterior probability of each point, given x_t; of shape (rows, n_points)."""
        gamma, sigma = self.schedule.gamma(t), self.schedule.sigma(t)
        if sigma == 0:
            raise ValueError(f"t must have noise, but sigma is 0 at t={t:g}")
        shrunk = gamma * self.points
        # |x - gamma p|^2 without what is the same for all points.
        exponents = np.asarray(x, dtype=float) @ shrunk.T
        exponents -= np.square(shrunk).sum(axis=1) / 2
        return softmax(exponents / sigma**2, axis=1)

    def __call__(self, x: ArrayLike, t: float) -> Floats:
        """Return E[x_0 | x_t = x]."""
        x = np.asarray(x, dtype=float)
        parts = [x[k : k + ROWS] for k in range(0, len(x), ROWS)]
        return np.concatenate([self.shares(part, t) @ self.points for part in parts])

    def score(self, x: ArrayLike, t: float) -> Floats:
        """Return the gradient of log p_t at each row."""
        return score_of(self, self.schedule)(np.asarray(x, dtype=float), t)
