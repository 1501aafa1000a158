"""How the cross-entropy is minimised, and how it is found out that it has no minimum."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize, sparse
from scipy.special import expit

EPS = np.finfo(float).eps
ARMIJO = 1e-4
# The linear programme decides by margins, in units of the largest.
SLACK = 1e-9
# With more parameters than this, conjugate gradients take the place of a factor of the Hessian.
LARGEST_FACTOR = 200


@dataclass
class Point:
    """Parameters as one vector, with what the cost's derivatives need there."""

    theta: np.ndarray
    scores: np.ndarray
    cost: float
    probabilities: np.ndarray
    gradient: np.ndarray


@dataclass
class Fit:
    """Where an iteration ended; the coefficients have one column for each vector of them."""

    coefficients: np.ndarray
    steps: int
    largest: float
    converged: bool
    separable: bool


class _Problem(ABC):
    """A penalised mean cross-entropy; the first column of A is of ones if there is an intercept."""

    # Number of vectors of coefficients, and bounds, for |v| = 1 and |x| = 1, of the spread of a
    # sample's scores x.v and of their variance.
    vectors: int
    spread: float
    curvature: float

    def __init__(self, A, labels, weight, lam, intercept):
        self.A, self.labels, self.lam = A, labels, lam
        self.share = weight / np.sum(weight)
        self.penalty = np.full(A.shape[1], lam)
        self.penalty[: int(intercept)] = 0
        self.rank = A.shape[1] - int(intercept)
        self.intercept = intercept
        # The root mean square of each column: the unit of its part of the gradient.
        rms = np.sqrt(self.share @ A**2)
        self.units = np.where(rms > 0, rms, 1.0)

    @abstractmethod
    def hessian(self, point):
        """Compute the second derivatives."""

    @abstractmethod
    def margins(self, point):
        """Return each sample's score above the best of the other classes."""

    def largest(self, point):
        """Return the largest entry of the gradient in the units of the features."""
        units = np.repeat(self.units, self.vectors)
        return float(np.max(np.abs(point.gradient) / units, initial=0))

    def separates(self, point):
        """Tell whether every sample has its own class's score above the others'."""
        return np.min(self.margins(point)) > 1e-12 * np.max(np.abs(point.scores), initial=0)

    def is_separable(self):
        """Tell whether some direction, followed for ever, never raises the cross-entropy."""
        return separate(self.A, self.labels, int(np.max(self.labels)) + 1) is not None

    def has_minimum(self, point):
        """Tell whether the cost without penalty certainly has a minimum, from one point.

        Along any ray in a direction v the cost phi(t) satisfies |phi'''| <= r phi'', where r is
        the largest spread of a sample's scores of v: for the cross-entropy phi'' is a mean
        variance of them, and phi''' a mean third central moment. So phi''(t) >= phi''(0) e^(-rt),
        and the slope far out is at least phi'(0) + phi''(0)/r. With phi'(0) = g.v and
        phi''(0) = v.Hv it is positive for all v if (g.v)^2 r^2 < (v.Hv)^2, and this holds if
        nu^2 R^2 < mu, with nu^2 = g.H^(-1)g, the smallest eigenvalue mu of H and R >= r/|v|.
        A convex function that rises along every ray has a minimum.
        """
        if not point.theta.size:
            return True
        unit = np.repeat(self.units, self.vectors)
        eigenvalues, vectors = linalg.eigh(self.hessian(point) / np.multiply.outer(unit, unit))
        if eigenvalues[0] <= EPS * len(unit) * eigenvalues[-1]:
            return False
        decrement2 = np.sum((vectors.T @ (point.gradient / unit)) ** 2 / eigenvalues)
        reach2 = self.spread**2 * np.max(np.sum((self.A / self.units) ** 2, axis=1))
        return 4 * decrement2 * reach2 < eigenvalues[0]


class TwoClasses(_Problem):
    """Labels 0 and 1, one vector of coefficients."""

    vectors = 1
    spread = 1.0
    curvature = 1 / 4

    def start(self):
        """Return the best parameters without features."""
        theta = np.zeros(self.A.shape[1])
        if self.intercept:
            positive = self.share @ self.labels
            theta[0] = np.log(positive / (1 - positive))
        return self.at(theta)

    def at(self, theta):
        """Compute the cost and its gradient."""
        z = self.A @ theta
        # log(1 + exp(-z)) for the positive class and log(1 + exp(z)) for the other.
        cost = self.share @ np.logaddexp(0, np.where(self.labels == 1, -z, z))
        probabilities = expit(z)
        gradient = self.A.T @ (self.share * (probabilities - self.labels))
        pull = self.penalty * theta
        return Point(theta, z, cost + pull @ theta, probabilities, gradient + 2 * pull)

    def direction(self, point):
        """Return Newton's step."""
        return _solve(self.hessian(point), -point.gradient)

    def hessian(self, point):
        """Compute the second derivatives."""
        s = self.share * point.probabilities * expit(-point.scores)
        hessian = self.A.T @ (s[:, np.newaxis] * self.A)
        hessian[np.diag_indices_from(hessian)] += 2 * self.penalty
        return hessian

    def margins(self, point):
        """Return each sample's score, with the sign of its class."""
        return np.where(self.labels == 1, point.scores, -point.scores)

    def coefficients(self, point):
        """Return the parameters as a column."""
        return point.theta[:, np.newaxis]


class Softmax(_Problem):
    """Labels 0 to K - 1; K vectors of coefficients that sum to zero, Theta = B Q^T.

    The columns of Q are an orthonormal basis of the vectors with sum zero, so B is free, its norm
    is that of Theta, and no direction is left that changes nothing.
    """

    spread = np.sqrt(2)
    curvature = 1 / 2

    def __init__(self, A, labels, weight, lam, intercept):
        super().__init__(A, labels, weight, lam, intercept)
        K = int(np.max(labels)) + 1
        self.basis = linalg.null_space(np.ones((1, K)))
        self.one_hot = np.eye(K)[labels]
        self.vectors = K - 1
        self.shape = A.shape[1], K - 1

    def start(self):
        """Return the best parameters without features."""
        B = np.zeros(self.shape)
        if self.intercept:
            B[0] = np.log(self.share @ self.one_hot) @ self.basis
        return self.at(B.ravel())

    def at(self, theta):
        """Compute the cost and its gradient."""
        B = theta.reshape(self.shape)
        Z = self.A @ B @ self.basis.T
        Z -= np.max(Z, axis=1, keepdims=True)
        P = np.exp(Z)
        total = np.sum(P, axis=1)
        P /= total[:, np.newaxis]
        cost = self.share @ (np.log(total) - Z[np.arange(len(Z)), self.labels])
        errors = (P - self.one_hot) @ self.basis
        gradient = self.A.T @ (self.share[:, np.newaxis] * errors)
        pull = self.penalty[:, np.newaxis] * B
        total_cost = cost + np.sum(pull * B)
        return Point(theta, Z, total_cost, P, (gradient + 2 * pull).ravel())

    def direction(self, point):
        """Return Newton's step: with many parameters a rough one, finer the nearer the minimum."""
        if len(point.theta) <= LARGEST_FACTOR:
            return _solve(self.hessian(point), -point.gradient)
        precision = min(0.5, np.sqrt(self.largest(point)))
        scale = np.repeat(self.curvature * self.units**2 + 2 * self.penalty, self.vectors)
        return _conjugate_gradients(
            lambda v: self.hessian_times(point, v), -point.gradient, scale, precision
        )

    def hessian_times(self, point, v):
        """Multiply the Hessian with a vector, without computing it."""
        V, P = v.reshape(self.shape), point.probabilities
        U = self.A @ V @ self.basis.T
        U -= np.sum(P * U, axis=1, keepdims=True)
        W = (self.share[:, np.newaxis] * P * U) @ self.basis
        return (self.A.T @ W + 2 * self.penalty[:, np.newaxis] * V).ravel()

    def hessian(self, point):
        """Compute the second derivatives, of the mean of (x x^T) times Q^T (diag p - p p^T) Q."""
        (q, m), Q, P = self.shape, self.basis, point.probabilities
        outer = np.einsum("ka,kb->kab", Q, Q).reshape(len(Q), m * m)
        weighted = [self.A.T @ ((self.share * p)[:, np.newaxis] * self.A) for p in P.T]
        first = (np.reshape(weighted, (len(Q), q * q)).T @ outer).reshape(q, q, m, m)
        rows = self.A[:, :, np.newaxis] * (P @ Q)[:, np.newaxis, :]
        rows = (np.sqrt(self.share)[:, np.newaxis, np.newaxis] * rows).reshape(len(P), q * m)
        hessian = first.transpose(0, 2, 1, 3).reshape(q * m, q * m) - rows.T @ rows
        hessian[np.diag_indices_from(hessian)] += 2 * np.repeat(self.penalty, self.vectors)
        return hessian

    def margins(self, point):
        """Return each sample's score above the best of the other classes."""
        own = point.scores[np.arange(len(self.labels)), self.labels]
        return own - np.max(np.where(self.one_hot == 1, -np.inf, point.scores), axis=1)

    def coefficients(self, point):
        """Return Theta, whose rows sum to zero."""
        Theta = point.theta.reshape(self.shape) @ self.basis.T
        return Theta - np.mean(Theta, axis=1, keepdims=True)


def newton(problem, tol, max_iter):
    """Minimise by Newton's method with a line search."""

    def step(point):
        return _search(problem, point, problem.direction(point))

    return _iterate(problem, step, tol, max_iter)


def descend(problem, tol, max_iter):
    """Minimise by gradient descent with the step 1/L."""
    weighted = np.sqrt(problem.share)[:, np.newaxis] * problem.A
    L = problem.curvature * linalg.norm(weighted, 2) ** 2 + 2 * problem.lam

    def step(point):
        return problem.at(point.theta - point.gradient / L)

    return _iterate(problem, step, tol, max_iter)


def _iterate(problem, step, tol, max_iter):
    """Take steps until the gradient is small, near a minimum, or until there is none."""
    point, steps, converged, separable = problem.start(), 0, False, False
    while not (converged or separable):
        if problem.lam == 0 and problem.separates(point):
            separable = True
        elif problem.largest(point) <= tol:
            # Along a separating direction the gradient vanishes too.
            separable = problem.lam == 0 and not problem.has_minimum(point)
            separable = separable and problem.is_separable()
            converged = not separable
        else:
            following = step(point) if steps < max_iter else None
            if following is None:
                separable = problem.lam == 0 and problem.is_separable()
                break
            point, steps = following, steps + 1
    coefficients = problem.coefficients(point)
    return Fit(coefficients, steps, problem.largest(point), converged, separable)


def _solve(hessian, right):
    """Solve for Newton's step; a Hessian that rounding has made singular is damped."""
    diagonal = np.diag_indices_from(hessian)
    damping = 0.0
    while True:
        try:
            return linalg.cho_solve(linalg.cho_factor(hessian), right)
        except linalg.LinAlgError:
            more = max(9 * damping, 1e-14 * np.max(hessian[diagonal], initial=1e-280))
            hessian[diagonal] += more
            damping += more


def _conjugate_gradients(times, right, scale, precision):
    """Solve ``times(x) = right`` until the residual has fallen by the precision.

    Every iterate from the first on is a direction of descent.
    """
    x, residual = np.zeros_like(right), right
    z = residual / scale
    way, square = z, residual @ z
    goal = precision**2 * square
    for k in range(10 * len(right)):
        image = times(way)
        curvature = way @ image
        if curvature <= EPS * (way @ (scale * way)):
            return x if k > 0 else way
        x = x + square / curvature * way
        residual = residual - square / curvature * image
        z = residual / scale
        square, last = residual @ z, square
        if square <= goal:
            break
        way = z + square / last * way
    return x


def _search(problem, point, direction):
    """Halve Newton's step until the cost falls by a share of what its slope promises."""
    slope = point.gradient @ direction
    rounding = 4 * EPS * (1 + abs(point.cost))
    length = 1.0
    while length > 1e-12:
        found = problem.at(point.theta + length * direction)
        if found.cost <= point.cost + ARMIJO * length * slope + rounding:
            return found
        length /= 2
    return None


def separate(X, labels, K):
    """Find scores X Theta by which no sample's class is below another, and some are above.

    The linear programme maximises the sum of all differences between the scores of a sample's own
    class and of another, none of which may be negative, for coefficients between -1 and 1 in the
    units of the columns.

    Returns
    -------
    ndarray of shape (n_features, K) or None
    """
    p = X.shape[1]
    largest = np.max(np.abs(X), axis=0)
    units = np.where(largest > 0, largest, 1.0)
    differences = sparse.vstack([_differences(X / units, labels, k, K) for k in range(K)])
    found = optimize.linprog(
        -np.ravel(differences.sum(axis=0)),
        A_ub=-differences,
        b_ub=np.zeros(differences.shape[0]),
        bounds=(-1, 1),
    )
    if found.x is None:
        return None
    margins = differences @ found.x
    if np.max(margins) < 1e-6 or np.min(margins) < -SLACK * np.max(margins):
        return None
    return found.x.reshape(K, p).T / units[:, np.newaxis]


def _differences(X, labels, k, K):
    """Map Theta, one class after the other, to scores of the own class above those of class k."""
    X, own, p = X[labels != k], labels[labels != k], X.shape[1]
    first = p * np.stack([own, np.full(len(own), k)])
    columns = first[:, :, np.newaxis] + np.arange(p)
    rows = np.broadcast_to(np.arange(len(X))[:, np.newaxis], columns.shape)
    entries = np.stack([X, -X]).ravel(), (rows.ravel(), columns.ravel())
    return sparse.csr_array(entries, shape=(len(X), K * p))
