"""Padding, patches and the convolution with its derivatives, each linear map beside its adjoint."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlmath._checks import check_count

Array = NDArray[Any]

PADDINGS = ("circular", "zero", "none")


def check_padding(padding: Any) -> str:
    """Check the name of a boundary."""
    if padding not in PADDINGS:
        raise ValueError(f"padding must be one of {', '.join(PADDINGS)}, got {padding!r}.")
    return padding


def margins(size: int) -> tuple[int, int]:
    """Return how many cells are added before and after, so that the image keeps its size."""
    return (size - 1) // 2, size // 2


def pad(A: Array, size: tuple[int, int], padding: str) -> Array:
    """Continue images beyond their boundaries by what a kernel of that size needs.

    Parameters
    ----------
    A : ndarray of shape (n, rows, columns, channels)
        Images.
    size : (int, int)
        Height and width of the kernel: (size - 1) // 2 cells are added before, size // 2 after.
    padding : {"circular", "zero", "none"}
        What stands beyond the boundary: the other side of a torus, zeros, or nothing at all.

    Returns
    -------
    padded : ndarray of shape (n, rows + height - 1, columns + width - 1, channels)
        For "none" the images themselves.
    """
    if padding == "none":
        return A
    widths = ((0, 0), margins(size[0]), margins(size[1]), (0, 0))
    return np.pad(A, widths, mode="wrap" if padding == "circular" else "constant")


def pad_backward(Delta: Array, size: tuple[int, int], padding: str) -> Array:
    """Apply the adjoint of `pad`: crop what was zero, add what was copied to where it came from."""
    if padding == "none":
        return Delta
    for axis, width in zip((1, 2), size, strict=True):
        before, after = margins(width)
        inside = Delta.shape[axis] - before - after
        cut = [slice(None)] * Delta.ndim
        cut[axis] = slice(before, before + inside)
        middle = Delta[tuple(cut)]
        if padding == "circular":
            middle, outer = middle.copy(), np.moveaxis(Delta, axis, 0)
            folded = np.moveaxis(middle, axis, 0)
            folded[inside - before :] += outer[:before]
            folded[:after] += outer[before + inside :]
        Delta = middle
    return Delta


def patches(A: Array, size: tuple[int, int], stride: int = 1) -> Array:
    """Cut all patches out of images: the matrix of the convolution ("im2col").

    Parameters
    ----------
    A : ndarray of shape (n, rows, columns, channels)
        Images, padded already.
    size : (int, int)
        Height and width of a patch.
    stride : int, default=1
        Distance between patches.

    Returns
    -------
    P : ndarray of shape (n, rows', columns', height, width, channels)
        P[s, i, j, u, v] is A[s, stride i + u, stride j + v].
    """
    windows = np.lib.stride_tricks.sliding_window_view(A, size, axis=(1, 2))
    return windows[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)


def fold(P: Array, shape: tuple[int, ...], stride: int = 1) -> Array:
    """Apply the adjoint of `patches`: add each patch to the place from which it was cut."""
    A = np.zeros(shape, P.dtype)
    rows, columns, height, width = P.shape[1:5]
    for u in range(height):
        for v in range(width):
            A[:, u : u + stride * rows : stride, v : v + stride * columns : stride] += P[
                :, :, :, u, v
            ]
    return A


def conv2d(
    A: Array, W: Array, b: Array, *, stride: int = 1, padding: str = "circular"
) -> tuple[Array, Array]:
    """Correlate images with kernels.

    Parameters
    ----------
    A : ndarray of shape (n, rows, columns, channels in)
        Images.
    W : ndarray of shape (height, width, channels in, channels out)
        Kernels.
    b : ndarray of shape (channels out,)
        Biases.
    stride : int, default=1
        Distance between the places at which the result is computed.
    padding : {"circular", "zero", "none"}, default="circular"
        What stands beyond the boundaries.

    Returns
    -------
    Z : ndarray of shape (n, rows', columns', channels out)
        The sum over the patch at each place, Equation eq-convolution-and-symmetry-layer.
    P : ndarray of shape (n, rows', columns', height, width, channels in)
        The patches, which the derivative by W needs.
    """
    P = patches(pad(A, W.shape[:2], padding), W.shape[:2], stride)
    P = np.ascontiguousarray(P)
    n_out = W.shape[3]
    Z = P.reshape(-1, W.size // n_out) @ W.reshape(-1, n_out) + b
    return Z.reshape(*P.shape[:3], n_out), P


def conv2d_backward(
    Delta: Array, P: Array, W: Array, shape: tuple[int, ...], *, stride: int, padding: str
) -> tuple[Array, Array, Array]:
    """Send the derivative of the cost back through `conv2d`.

    Parameters
    ----------
    Delta : ndarray of shape (n, rows', columns', channels out)
        dC/dZ.
    P : ndarray
        The patches that `conv2d` returned.
    W : ndarray of shape (height, width, channels in, channels out)
        Kernels.
    shape : tuple
        The shape of the images A.
    stride, padding
        As in `conv2d`.

    Returns
    -------
    dA, dW, db : ndarray
        Derivatives in the shapes of A, W and b; Equations
        eq-convolution-and-symmetry-backward-input, -backward-kernel and -backward-bias.
    """
    n_out = W.shape[3]
    rows = Delta.reshape(-1, n_out)
    dW = (P.reshape(len(rows), -1).T @ rows).reshape(W.shape)
    dP = (rows @ W.reshape(-1, n_out).T).reshape(P.shape)
    padded = shape
    if padding != "none":
        padded = (shape[0], shape[1] + W.shape[0] - 1, shape[2] + W.shape[1] - 1, shape[3])
    dA = pad_backward(fold(dP, padded, stride), W.shape[:2], padding)
    return dA, dW, rows.sum(axis=0)


def receptive_field(sizes: Any, strides: Any = None) -> int:
    """Return how many pixels along an edge one unit of the last layer depends on.

    Parameters
    ----------
    sizes : sequence of int
        The kernels' sizes, first layer first; a pooling layer counts as one.
    strides : sequence of int, optional
        Their strides; all 1 if not given.

    Returns
    -------
    field : int
        1 + sum_l (k_l - 1) s_1 ... s_{l-1}, Equation eq-convolution-and-symmetry-receptive.

    Examples
    --------
    >>> from dlmath.convolution import receptive_field
    >>> receptive_field([3, 3, 3]), receptive_field([3, 2, 3], [1, 2, 1])
    (7, 8)
    """
    sizes = [check_count("sizes", size) for size in sizes]
    strides = [1] * len(sizes) if strides is None else [check_count("strides", s) for s in strides]
    if len(strides) != len(sizes):
        raise ValueError(f"strides must have {len(sizes)} entries, got {len(strides)}.")
    jumps = np.cumprod([1, *strides])[: len(sizes)]
    return int(1 + np.sum((np.array(sizes) - 1) * jumps))
