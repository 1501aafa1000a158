"""What Gaussian processes compute from a covariance matrix: the chapter's formulas, one each."""

import numpy as np
from scipy import linalg


def cholesky(K, name="K"):
    """Return the lower Cholesky factor of a covariance matrix, or say what is wrong with it.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        Symmetric; one triangle is read.
    name : str
        What the message calls the matrix.

    Returns
    -------
    ndarray of shape (n, n)
        L, with K = L L^T.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the matrix is not positive definite in floating point. The message says whether that is
        a matter of rounding, and how much on the diagonal would do.
    """
    # The transpose has the memory layout of LAPACK, which saves turning the matrix round.
    L, info = linalg.lapack.dpotrf(K.T, lower=1, clean=1)
    if info == 0 and np.isfinite(L[-1, -1]):
        return L
    if not np.all(np.isfinite(K)):
        raise np.linalg.LinAlgError(f"{name} has entries that are not finite")
    n = len(K)
    eigenvalues = linalg.eigvalsh(K)
    largest = np.max(np.abs(eigenvalues))
    rounding = 10 * n * np.finfo(float).eps * largest
    # Rounded upwards to two digits, so that the number can be copied.
    needed = max(-eigenvalues[0], 0) + rounding
    unit = 10 ** (np.floor(np.log10(needed)) - 1) if needed > 0 else 1e-10
    jitter = np.ceil(needed / unit + 1) * unit
    if eigenvalues[0] < -rounding:
        fault = f"is not positive semi-definite: its smallest eigenvalue is {eigenvalues[0]:.2g}"
    else:
        fault = (
            "is not positive definite in floating point: its smallest eigenvalue, "
            f"{eigenvalues[0]:.1g}, is rounding error beside the largest, {largest:.2g}"
        )
    raise np.linalg.LinAlgError(
        f"{name} {fault}. A jitter of {jitter:.1e} on the diagonal would do"
    )


def condition(K, K_cross, K_new, y):
    """Condition a Gaussian on some of its entries.

    Equation ``eq-kernels-and-gaussian-processes-conditional``.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        Covariance of the entries that are known, noise included.
    K_cross : ndarray of shape (m, n)
        Covariance of the unknown entries with the known ones.
    K_new : ndarray of shape (m, m)
        Covariance of the unknown entries.
    y : ndarray of shape (n,)
        The known entries, less their mean.

    Returns
    -------
    mean : ndarray of shape (m,)
    covariance : ndarray of shape (m, m)
    """
    L = cholesky(K)
    half = linalg.solve_triangular(L, K_cross.T, lower=True)
    mean = half.T @ linalg.solve_triangular(L, y, lower=True)
    return mean, K_new - half.T @ half


def log_likelihood(K, y):
    """Logarithm of the density of N(0, K) at y.

    Equation ``eq-kernels-and-gaussian-processes-evidence``.

    Parameters
    ----------
    K : ndarray of shape (n, n)
    y : ndarray of shape (n,)

    Returns
    -------
    float
    """
    L = cholesky(K)
    white = linalg.solve_triangular(L, y, lower=True)
    volume = np.sum(np.log(np.diag(L))) + len(y) / 2 * np.log(2 * np.pi)
    return float(-white @ white / 2 - volume)


def leave_one_out(K, y):
    """Predict each y_i from all the others, without n fits.

    Equation ``eq-kernels-and-gaussian-processes-loo``.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        Covariance of y, noise included.
    y : ndarray of shape (n,)

    Returns
    -------
    mean, variance : ndarray of shape (n,)
        Of y_i given all other entries, noise included.
    """
    inverse = inverse_from_factor(cholesky(K))
    diagonal = np.diag(inverse)
    return y - inverse @ y / diagonal, 1 / diagonal


def log_pseudo_likelihood(K, y):
    """Sum of the log densities of each y_i given all others.

    Equation ``eq-kernels-and-gaussian-processes-pseudo``.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        Covariance of y, noise included.
    y : ndarray of shape (n,)

    Returns
    -------
    float
    """
    mean, variance = leave_one_out(K, y)
    return float(-np.sum((y - mean) ** 2 / variance + np.log(2 * np.pi * variance)) / 2)


def inverse_from_factor(L):
    """Return the inverse of L L^T, both triangles filled."""
    inverse, info = linalg.lapack.dpotri(L, lower=1)
    assert info == 0, "a factor of cholesky() has no zero on its diagonal"
    inverse += np.tril(inverse, -1).T
    return inverse
