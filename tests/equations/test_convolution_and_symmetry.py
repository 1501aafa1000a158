"""The numbered equations of the chapter on convolution and symmetry."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy
import torch
from dlmath import ising
from dlmath.convolution import (
    Activation,
    AveragePooling,
    Convolution,
    ConvolutionalNetwork,
    Dense,
    Flatten,
    GlobalAverage,
    MaxPooling,
    attention,
    group_average,
    patches,
    permutation_equivariant,
    receptive_field,
    shifts,
)
from dlmath.kernels import RBF
from scipy import integrate, linalg, ndimage, optimize, signal

torch.set_num_threads(1)
F = torch.nn.functional


def rng(seed=0):
    return np.random.default_rng(seed)


def loop_convolve(w, x):
    """Convolve by the definition, index by index, on a ring."""
    N = len(x)
    return np.array([sum(w[j] * x[(i - j) % N] for j in range(N)) for i in range(N)])


def first(array):
    """Put the channels of images before their pixels, as torch has them."""
    return torch.tensor(np.moveaxis(array, -1, 1).copy())


def last(tensor):
    return np.moveaxis(tensor.detach().numpy(), 1, -1)


def torch_kernels(W):
    return torch.tensor(W.transpose(3, 2, 0, 1).copy())


def torch_layer(A, W, b, stride=1):
    """Torch's convolution of a torus, for kernels of odd size."""
    height, width = W.shape[:2]
    padded = F.pad(A, (width // 2, width // 2, height // 2, height // 2), mode="circular")
    return F.conv2d(padded, W if torch.is_tensor(W) else torch_kernels(W), b, stride=stride)


# Symmetry, and the linear maps that have it.


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-equivariance",
    routes=("dlmath's networks on moved images", "indices of the output"),
)
def test_invariance_and_equivariance(verify):
    """Networks of convolutions give moved pictures and equal answers; dense ones do not."""
    X, step = rng(1).normal(size=(2, 6, 5, 2)), (2, 1)
    moved = X[:, (np.arange(6) - 2) % 6][:, :, (np.arange(5) - 1) % 5]
    body = [Convolution(2, 4), Activation("tanh"), Convolution(4, 3)]
    equivariant = ConvolutionalNetwork(body, seed=1)
    output = np.roll(equivariant.forward(X), step, axis=(1, 2))
    verify.agree(equivariant.forward(moved), output, atol=3e-14)
    verify.refutes(equivariant.forward(X), output, why="invariant where equivariant is meant")
    back = np.roll(equivariant.forward(X), (-2, -1), axis=(1, 2))
    verify.refutes(back, output, why="sign of the shift")
    padded = [Convolution(2, 4, padding="zero"), Activation("tanh"), Convolution(4, 3)]
    broken = ConvolutionalNetwork(padded, seed=1)
    verify.refutes(
        broken.forward(moved),
        np.roll(broken.forward(X), step, axis=(1, 2)),
        why="zeros beyond the edge",
    )
    invariant = ConvolutionalNetwork([*body, GlobalAverage(), Dense(3, 2)], seed=2)
    verify.agree(invariant.forward(moved), invariant.forward(X), atol=3e-14)
    flat = ConvolutionalNetwork([*body, Flatten(), Dense(90, 2)], seed=2)
    verify.refutes(flat.forward(moved), flat.forward(X), why="flattened")


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-shift",
    "eq-convolution-and-symmetry-convolution",
    "eq-convolution-and-symmetry-circulant",
    routes=(
        "loops over indices",
        "SciPy's circulant matrix",
        "SciPy's filter on a ring",
        "np.roll",
    ),
)
def test_convolution_on_a_ring(verify):
    """Sums by index, powers of the shift, SciPy's matrix and SciPy's filter agree."""
    N = 7
    w, x = rng(2).normal(size=(2, N))
    S = np.zeros((N, N))
    for i in range(N):
        S[i, (i - 1) % N] = 1
    verify.agree(S @ x, np.roll(x, 1), atol=0)
    verify.refutes(S.T @ x, np.roll(x, 1), why="transpose")
    verify.agree(np.linalg.matrix_power(S, N), np.eye(N), atol=0)
    verify.refutes(np.linalg.matrix_power(S, N - 1), np.eye(N), why="one step too few")

    C = linalg.circulant(w)
    verify.agree(C @ x, loop_convolve(w, x), atol=3e-14)
    verify.refutes(C.T @ x, loop_convolve(w, x), why="transpose of the matrix")
    verify.refutes(linalg.toeplitz(w) @ x, loop_convolve(w, x), why="symmetric, not circulant")
    centred = ndimage.convolve1d(
        x, np.roll(w, 3), mode="wrap"
    )  # SciPy's kernel has its middle at 0
    verify.agree(centred, loop_convolve(w, x), atol=3e-14)
    turned = ndimage.correlate1d(x, np.roll(w, 3), mode="wrap")
    verify.refutes(turned, loop_convolve(w, x), why="flip")
    powers = sum(w[j] * np.linalg.matrix_power(S, j) for j in range(N))
    verify.agree(powers, C, atol=3e-14)
    verify.refutes(sum(w[j] * np.linalg.matrix_power(S.T, j) for j in range(N)), C, why="S^-j")
    entries = np.array([[w[(i - j) % N] for j in range(N)] for i in range(N)])
    verify.agree(entries, C, atol=0)
    verify.refutes(entries.T, C, why="w_{j-i}")


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-commutes",
    "eq-convolution-and-symmetry-group-convolution",
    routes=("null space of the commutators", "responses to single ones", "SciPy's filter"),
)
def test_what_commutes_with_translations(verify):
    """The matrices that commute with all translations have |G| dimensions, the convolutions."""
    for shape in ((5,), (2, 3), (2, 2)):
        sites = list(np.ndindex(*shape))
        size = len(sites)

        def translation(g, sites=sites, shape=shape):
            T = np.zeros((len(sites), len(sites)))
            for column, h in enumerate(sites):
                there = tuple((a + b) % m for a, b, m in zip(g, h, shape, strict=True))
                T[sites.index(there), column] = 1
            return T

        group = [translation(g) for g in sites]
        # vec(A T - T A) = (T^T x 1 - 1 x T) vec(A) for the vector of columns.
        commutator = np.vstack(
            [np.kron(T.T, np.eye(size)) - np.kron(np.eye(size), T) for T in group]
        )
        allowed = linalg.null_space(commutator)
        verify.agree(float(allowed.shape[1]), size, atol=0)
        verify.refutes(size**2, size, why="any matrix")
        basis = np.array([T.ravel(order="F") for T in group]).T / np.sqrt(size)
        verify.agree(allowed @ allowed.T, basis @ basis.T, atol=3e-14)
        symmetric = np.array([(T + T.T).ravel(order="F") for T in group]).T
        reduced = linalg.orth(symmetric)
        if reduced.shape[1] < size:
            verify.refutes(reduced @ reduced.T, basis @ basis.T, why="only even kernels")

        A = (allowed @ rng(3).normal(size=size)).reshape(size, size, order="F")
        x = rng(4).normal(size=size)
        w = A[:, 0]  # the response to a one at the origin

        def convolved(sign, w=w, x=x, sites=sites, shape=shape):
            total = np.zeros(len(sites))
            for g, place in enumerate(sites):
                for h, step in enumerate(sites):
                    where = tuple(
                        (a - sign * b) % m for a, b, m in zip(place, step, shape, strict=True)
                    )
                    total[g] += w[h] * x[sites.index(where)]
            return total

        verify.agree(A @ x, convolved(1), atol=3e-14)
        if shape != (2, 2):
            verify.refutes(A @ x, convolved(-1), why="sign of h")
    w, x = rng(5).normal(size=(2, 3, 3))
    filtered = ndimage.convolve(x, np.roll(w, (1, 1), (0, 1)), mode="wrap")
    both = list(itertools.product(range(3), repeat=2))
    verify.agree(sum(w[h] * np.roll(x, h, (0, 1)) for h in both), filtered, atol=3e-14)
    verify.refutes(sum(w[h] * np.roll(x, h[::-1], (0, 1)) for h in both), filtered, why="axes")


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-fourier", routes=("sums by index", "numpy.fft", "eigenvalues")
)
def test_diagonal_in_the_fourier_basis(verify):
    """Transforms by NumPy, the matrix F and the eigenvalues of the circulant agree."""
    N = 6
    w, x = rng(6).normal(size=(2, N))
    hat = np.fft.fft(w)
    verify.agree(np.fft.fft(loop_convolve(w, x)), hat * np.fft.fft(x), atol=3e-14)
    verify.refutes(np.fft.fft(loop_convolve(w, x)), hat.conj() * np.fft.fft(x), why="correlation")
    verify.refutes(np.fft.fft(loop_convolve(w, x)), hat * np.fft.fft(x) / N, why="factor N")
    q = np.arange(N)
    matrix = np.exp(-2j * np.pi * np.outer(q, q) / N)
    verify.agree(matrix @ x, np.fft.fft(x), atol=3e-14)
    verify.refutes(matrix.conj() @ x, np.fft.fft(x), why="sign of the exponent")
    diagonal = matrix @ linalg.circulant(w) @ np.linalg.inv(matrix)
    verify.agree(diagonal, np.diag(hat), atol=3e-14)
    verify.refutes(matrix @ linalg.circulant(w).T @ np.linalg.inv(matrix), np.diag(hat), why="C^T")
    found = np.sort_complex(np.linalg.eigvals(linalg.circulant(w)).round(10))
    verify.agree(found, np.sort_complex(hat.round(10)), atol=1e-9)
    verify.refutes(found, np.sort_complex((hat / N).round(10)), why="factor N in the eigenvalues")


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-counts",
    routes=("the arrays of dlmath", "torch's layers", "the formulas"),
)
def test_numbers_of_parameters(verify):
    """Layers of dlmath and of torch have as many parameters as the formulas say."""
    N, M, c, out, k = 4, 5, 3, 2, 3
    dense = (N * M * c + 1) * N * M * out
    counted = sum(p.size for p in Dense(N * M * c, N * M * out).parameters)
    verify.agree(float(counted), dense, atol=0)
    verify.refutes(N * M * c * N * M * out, dense, why="biases forgotten")
    verify.refutes((N * M * c + 1) * out, dense, why="one output pixel")
    theirs = sum(p.numel() for p in torch.nn.Conv2d(c, out, (N, M)).parameters())
    verify.agree(float(theirs), N * M * c * out + out, atol=0)
    verify.refutes(theirs, N * M * c * out + N * M * out, why="a bias for each place")
    local = k**2 * c * out + out
    counted = sum(p.size for p in Convolution(c, out, k).parameters)
    verify.agree(float(counted), local, atol=0)
    verify.refutes(k**2 * out + out, local, why="channels in forgotten")
    verify.refutes(k * c * out + out, local, why="not squared")


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-correlation",
    "eq-convolution-and-symmetry-adjoint",
    routes=("sums by index", "SciPy's correlate1d", "inner products"),
)
def test_correlation_is_the_adjoint(verify):
    """Correlation is convolution with the flipped kernel, and the transposed matrix."""
    N = 7
    w, x, y = rng(7).normal(size=(3, N))
    correlated = np.array([sum(w[j] * x[(i + j) % N] for j in range(N)) for i in range(N)])
    flipped = w[-np.arange(N)]
    verify.agree(loop_convolve(flipped, x), correlated, atol=3e-14)
    verify.refutes(loop_convolve(w, x), correlated, why="no flip")
    verify.refutes(loop_convolve(w[::-1], x), correlated, why="flipped about another site")
    verify.agree(ndimage.correlate1d(x, np.roll(w, 3), mode="wrap"), correlated, atol=3e-14)
    verify.refutes(ndimage.convolve1d(x, np.roll(w, 3), mode="wrap"), correlated, why="convolve1d")
    left = loop_convolve(w, x) @ y
    of_y = np.array([sum(w[j] * y[(i + j) % N] for j in range(N)) for i in range(N)])
    verify.agree(left, x @ of_y, rtol=1e-13)
    verify.refutes(left, x @ loop_convolve(w, y), why="symmetric")
    verify.agree(linalg.circulant(w).T, linalg.circulant(flipped), atol=0)
    verify.refutes(linalg.circulant(w), linalg.circulant(flipped), why="transpose forgotten")


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-ising",
    routes=("dlmath.ising.energy", "sums over all states of a small lattice", "dlmath's network"),
)
def test_energy_as_a_network(verify):
    """Both forms give the energy of every state of 3 x 3 spins, and of larger lattices."""
    for spins in (ising.all_states(3), rng(8).choice([-1, 1], (20, 6, 6))):
        s, N = spins.astype(float), spins[0].size
        right, below = s + np.roll(s, -1, axis=2), s + np.roll(s, -1, axis=1)
        squares = np.sum(right**2 + below**2, axis=(1, 2))
        moduli = sum(np.sum(np.maximum(z, 0) + np.maximum(-z, 0), (1, 2)) for z in (right, below))
        exact = ising.energy(spins) / N
        verify.agree(2 - squares / (2 * N), exact, atol=3e-14)
        verify.refutes(2 - squares / N, exact, why="factor 2")
        verify.refutes(1 - squares / (2 * N), exact, why="constant")
        verify.refutes(squares / (2 * N) - 2, exact, why="sign")
        verify.agree(2 - moduli / N, exact, atol=3e-14)
        verify.refutes(2 - moduli / (2 * N), exact, why="factor 2 of the moduli")
    network = ConvolutionalNetwork(
        [Convolution(1, 4, 2), Activation("relu"), GlobalAverage(), Dense(4, 1)]
    )
    W, _, V, v = network.parameters
    W[:, :, 0] = 0
    W[0, :, 0, 0] = W[:, 0, 0, 1] = 1
    W[..., 2:] = -W[..., :2]
    V[:], v[:] = -1, 2
    verify.agree(network.forward(s[..., None])[:, 0], exact, atol=3e-14)
    W[..., 2:] = 0
    verify.refutes(network.forward(s[..., None])[:, 0], exact, why="one sign only")


# The layer.


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-layer",
    "eq-convolution-and-symmetry-patches",
    routes=("six loops", "torch's conv2d", "dlmath.convolution"),
)
def test_layer(verify):
    """Loops over all indices, torch and dlmath agree; the patches make it a matrix product."""
    A, layer = rng(9).normal(size=(2, 4, 5, 2)), Convolution(2, 3)
    layer.initialise(rng(10), float)
    W, b = layer.parameters
    b += rng(11).normal(size=3)
    Z = layer(A)[0]

    def loops(sign, bias):
        out = np.zeros((2, 4, 5, 3))
        for a, i, j, d in np.ndindex(out.shape):
            out[a, i, j, d] = bias * b[d] + sum(
                W[u + 1, v + 1, c, d] * A[a, (i + sign * u) % 4, (j + sign * v) % 5, c]
                for u, v, c in itertools.product((-1, 0, 1), (-1, 0, 1), (0, 1))
            )
        return out

    verify.agree(Z, loops(1, 1), atol=3e-14)
    verify.refutes(Z, loops(-1, 1), why="convolution for correlation")
    verify.refutes(Z, loops(1, 0), why="bias forgotten")
    verify.refutes(Z, loops(1, -1), why="sign of the bias")
    verify.agree(Z, last(torch_layer(first(A), W, torch.tensor(b))), atol=3e-14)
    swapped = last(torch_layer(first(A), W.transpose(1, 0, 2, 3), torch.tensor(b)))
    verify.refutes(Z, swapped, why="kernel transposed")

    rows = []
    for a, i, j in np.ndindex(2, 4, 5):
        square = A[a][np.ix_(np.arange(i - 1, i + 2) % 4, np.arange(j - 1, j + 2) % 5)]
        rows.append(square.ravel())
    product = (np.array(rows) @ W.reshape(18, 3) + np.ones((40, 1)) @ b[None]).reshape(Z.shape)
    verify.agree(Z, product, atol=3e-14)
    wrong = (np.array(rows) @ W[::-1, ::-1].reshape(18, 3) + b).reshape(Z.shape)
    verify.refutes(Z, wrong, why="rows of the kernel reversed")
    wrong = (np.array(rows) @ W.reshape(18, 3)).reshape(Z.shape)
    verify.refutes(Z, wrong, why="no bias in the product")


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-stride", routes=("dlmath with a stride", "matrices by index")
)
def test_what_a_stride_leaves(verify):
    """Subsampling turns shifts by multiples of r into shifts of the smaller ring."""
    N, r = 15, 3
    x = rng(12).normal(size=N)
    D = np.eye(N)[::r]
    big, small = np.roll(np.eye(N), 1, axis=0), np.roll(np.eye(N // r), 1, axis=0)
    power = np.linalg.matrix_power
    for g in (1, 2):
        verify.agree(D @ power(big, r * g) @ x, power(small, g) @ D @ x, atol=0)
        verify.refutes(D @ power(big, g) @ x, power(small, g) @ D @ x, why="any shift")
        verify.refutes(D @ power(big, r * g) @ x, power(small, r * g) @ D @ x, why="r twice")
        verify.refutes(D @ power(big.T, r * g) @ x, power(small, g) @ D @ x, why="sign")
    network = ConvolutionalNetwork([Convolution(1, 2, stride=2), Convolution(2, 1, stride=2)])
    A = rng(13).normal(size=(1, 8, 8, 1))
    output = network.forward(A)
    verify.agree(
        network.forward(np.roll(A, 4, axis=1)), np.roll(output, 1, axis=1), rtol=1e-13, atol=3e-14
    )
    verify.refutes(
        network.forward(np.roll(A, 2, axis=1)),
        np.roll(output, 1, axis=1),
        why="one stride, not their product",
    )


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-aliasing", routes=("numpy.fft of the subsampled signal", "the sum")
)
def test_aliases(verify):
    """The transform of the subsampled signal is the mean over the aliases."""
    N, r = 12, 3
    x = rng(14).normal(size=N)
    hat = np.fft.fft(x)
    found = np.fft.fft(x[::r])
    waves = np.array([[hat[q + m * N // r] for m in range(r)] for q in range(N // r)])
    verify.agree(found, waves.sum(axis=1) / r, atol=3e-14)
    verify.refutes(found, waves.sum(axis=1), why="factor r")
    verify.refutes(found, hat[: N // r] / r, why="no aliases")
    wrong = np.array([sum(hat[(q + m * r) % N] for m in range(r)) / r for q in range(N // r)])
    verify.refutes(found, wrong, why="distance r")


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-pooling",
    routes=("dlmath's network on all translations", "torch's network"),
)
def test_global_pooling(verify):
    """All translations of a torus give one value, in dlmath and in torch, if one averages."""
    X = rng(15).normal(size=(1, 4, 3, 2))
    orbit = np.concatenate([move(X) for move in shifts(4, 3)])
    layers = [Convolution(2, 3), Activation("tanh"), GlobalAverage(), Dense(3, 1)]
    network = ConvolutionalNetwork(layers, seed=3)
    values = network.forward(orbit)[:, 0]
    verify.agree(values, np.full(12, values[0]), atol=3e-14)
    flat = [Convolution(2, 3), Activation("tanh"), Flatten(), Dense(36, 1)]
    wrong = ConvolutionalNetwork(flat, seed=3).forward(orbit)[:, 0]
    verify.refutes(wrong, np.full(12, wrong[0]), why="flattened")
    W, b, V, v = (torch.tensor(p) for p in network.parameters)
    hidden = torch.tanh(torch_layer(first(orbit), W.permute(3, 2, 0, 1), b))
    theirs = hidden.mean(dim=(2, 3)) @ V + v
    verify.agree(values, theirs[:, 0].numpy(), atol=3e-14)
    verify.refutes(values, (hidden.sum(dim=(2, 3)) @ V + v)[:, 0].numpy(), why="sum for mean")


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-receptive",
    routes=("torch's gradients", "dlmath.convolution.receptive_field", "the sum"),
)
def test_receptive_field(verify):
    """The inputs on which a unit's derivative does not vanish are as many as the sum says."""
    for sizes, strides in (
        ([3, 3, 3], [1, 1, 1]),
        ([3, 5, 2, 3], [2, 1, 3, 1]),
        ([2, 3, 4], [2, 2, 2]),
    ):
        x = torch.ones(1, 1, 90, dtype=torch.float64, requires_grad=True)
        z = x
        for k, r in zip(sizes, strides, strict=True):
            z = F.conv1d(z, torch.ones(1, 1, k, dtype=torch.float64), stride=r)
        z[0, 0, 1].backward()
        seen = float(torch.count_nonzero(x.grad))
        jumps = [int(np.prod(strides[:at])) for at in range(len(sizes))]
        formula = 1 + sum((k - 1) * jump for k, jump in zip(sizes, jumps, strict=True))
        verify.agree(seen, formula, atol=0)
        verify.refutes(seen, formula - 1, why="the unit itself")
        if max(strides) > 1:
            verify.refutes(seen, 1 + sum(k - 1 for k in sizes), why="no strides")
            shifted = 1 + sum(
                (k - 1) * jump * r for k, jump, r in zip(sizes, jumps, strides, strict=True)
            )
            verify.refutes(seen, shifted, why="product one factor too long")
        verify.agree(receptive_field(sizes, strides), seen, atol=0)
        verify.refutes(sum(sizes), seen, why="sum of the sizes")


# Backwards.


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-backward-kernel",
    "eq-convolution-and-symmetry-backward-bias",
    "eq-convolution-and-symmetry-backward-input",
    routes=("torch's derivatives", "dlmath.convolution", "loops over indices"),
)
def test_backpropagation(verify):
    """Torch's derivatives of a cost, loops by the formulas and dlmath's layer agree."""
    n, N, M, c, out = 3, 4, 5, 2, 3
    A, layer = rng(16).normal(size=(n, N, M, c)), Convolution(c, out)
    layer.initialise(rng(17), float)
    W, b = layer.parameters
    Y = rng(18).normal(size=(n, N, M, out))
    Z, back = layer(A)
    Delta = 2 / n * (Z - Y)
    dA, (dW, db) = back(Delta)

    inputs = first(A).requires_grad_()
    kernels = torch_kernels(W).requires_grad_()
    bias = torch.tensor(b.copy()).requires_grad_()
    ((torch_layer(inputs, kernels, bias) - first(Y)) ** 2).sum().div(n).backward()
    theirs = kernels.grad.numpy().transpose(2, 3, 1, 0)

    def by_kernel(D, sign=1):
        slope = np.zeros_like(W)
        for u, v, e, d in np.ndindex(W.shape):
            moved = np.roll(A[..., e], (-sign * (u - 1), -sign * (v - 1)), axis=(1, 2))
            slope[u, v, e, d] = np.sum(moved * D[..., d])
        return slope

    verify.agree(theirs, by_kernel(Delta), rtol=1e-13, atol=3e-14)
    verify.refutes(theirs, by_kernel(Delta, -1), why="flipped kernel")
    verify.refutes(theirs, by_kernel(Delta / n), why="factor n")
    verify.refutes(theirs, by_kernel(Delta / 2), why="factor 2")
    verify.refutes(theirs, by_kernel(-Delta), why="sign")
    verify.refutes(theirs, by_kernel(Delta) / (N * M), why="mean over the pixels")
    verify.agree(dW, theirs, rtol=1e-13, atol=3e-14)
    verify.refutes(dW.transpose(1, 0, 2, 3), theirs, why="transpose")

    verify.agree(bias.grad.numpy(), Delta.sum(axis=(0, 1, 2)), rtol=1e-13)
    verify.refutes(bias.grad.numpy(), Delta.mean(axis=(0, 1, 2)), why="mean for sum")
    verify.agree(db, bias.grad.numpy(), rtol=1e-13)
    verify.refutes(-db, bias.grad.numpy(), why="sign of the biases' derivative")

    def by_input(sign, kernel):
        slope = np.zeros_like(A)
        for u, v, e, d in np.ndindex(W.shape):
            moved = np.roll(Delta[..., d], (sign * (u - 1), sign * (v - 1)), axis=(1, 2))
            slope[..., e] += kernel[u, v, e, d] * moved
        return slope

    verify.agree(last(inputs.grad), by_input(1, W), rtol=1e-13, atol=3e-14)
    verify.refutes(last(inputs.grad), by_input(-1, W), why="correlation for convolution")
    verify.refutes(last(inputs.grad), by_input(1, W.transpose(1, 0, 2, 3)), why="kernel transposed")
    verify.agree(dA, last(inputs.grad), rtol=1e-13, atol=3e-14)
    verify.refutes(dA / n, last(inputs.grad), why="factor n of the input's derivative")

    # With a stride and zeros beyond the edge the adjoint is torch's transposed convolution.
    strided = Convolution(c, out, stride=2, padding="zero")
    strided.parameters = [W, b]
    A = rng(19).normal(size=(n, 4, 6, c))
    Z, back = strided(A)
    Delta = rng(20).normal(size=Z.shape)
    transposed = F.conv_transpose2d(
        first(Delta), torch_kernels(W), stride=2, padding=1, output_padding=1
    )
    verify.agree(back(Delta)[0], last(transposed), rtol=1e-13, atol=3e-14)
    turned = F.conv_transpose2d(
        first(Delta), torch_kernels(W).flip(2, 3), stride=2, padding=1, output_padding=1
    )
    verify.refutes(back(Delta)[0], last(turned), why="kernel turned round")


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-pooling-backward", routes=("torch's derivatives", "dlmath")
)
def test_backpropagation_through_pooling(verify):
    """Torch's derivatives of means and maxima over squares are those of the formulas."""
    A, r = rng(21).normal(size=(2, 6, 4, 1)), 2
    Delta = rng(22).normal(size=(2, 3, 2, 1))
    for layer, theirs in ((AveragePooling(r), F.avg_pool2d), (MaxPooling(r), F.max_pool2d)):
        inputs = first(A).requires_grad_()
        (theirs(inputs, r) * first(Delta)).sum().backward()
        spread = np.kron(Delta[..., 0], np.ones((1, r, r)))[..., None]
        if theirs is F.avg_pool2d:
            formula, without_share = spread / r**2, spread / r
        else:
            squares = patches(A, (r, r), r).max(axis=(3, 4))[..., 0]
            wins = np.kron(squares, np.ones((1, r, r)))[..., None] == A
            formula, without_share = spread * wins, spread
        verify.agree(last(inputs.grad), formula, rtol=1e-14)
        verify.refutes(last(inputs.grad), without_share, why="share of a pixel")
        verify.refutes(last(inputs.grad), -formula, why="sign")
        verify.agree(layer(A)[1](Delta)[0], last(inputs.grad), rtol=1e-14)
        verify.refutes(layer(A)[1](2 * Delta)[0], last(inputs.grad), why="factor 2")


# Averages.


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-sufficient",
    routes=("Bayes' formula with all 512 states", "the energy alone"),
)
def test_temperature_given_a_configuration(verify):
    """The posterior of the temperature is computed from Z by enumeration, and from E by counts."""
    states = ising.all_states(3)
    energies = ising.energy(states)
    taus, prior = np.array([1.5, 2.0, 2.6, 4.0]), np.array([0.1, 0.3, 0.4, 0.2])
    likelihood = np.exp(-energies[:, None] / taus)
    likelihood /= likelihood.sum(axis=0)
    posterior = likelihood * prior / (likelihood @ prior)[:, None]
    levels, counts = np.unique(energies, return_counts=True)
    partition = np.exp(-levels[:, None] / taus).T @ counts

    def formula(sign=-1, Z=partition):
        joint = prior * np.exp(sign * energies[:, None] / taus) / Z
        return joint / joint.sum(axis=1, keepdims=True)

    verify.agree(posterior, formula(), rtol=1e-13)
    verify.refutes(posterior, formula(sign=1), why="sign of the energy")
    verify.refutes(posterior, formula(Z=1), why="no partition function")
    verify.refutes(posterior, np.tile(prior, (512, 1)), why="prior")
    # Two states of one energy and different magnetisations tell the same.
    group = posterior[energies == 2]
    verify.agree(group, np.tile(group[0], (len(group), 1)), rtol=1e-13)
    verify.refutes(posterior[:4], np.tile(posterior[0], (4, 1)), why="states of different energies")


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-average",
    "eq-convolution-and-symmetry-pythagoras",
    "eq-convolution-and-symmetry-orthogonal",
    routes=("sums over a whole orbit in fractions", "dlmath.convolution.group_average"),
)
def test_averaging_is_a_projection(verify):
    """On all states of four spins the averages, the mean products and the squares agree."""
    states = list(itertools.product([-1, 1], repeat=4))
    group = [(k, sign) for k in range(4) for sign in (1, -1)]

    def act(g, state):
        k, sign = g
        return tuple(sign * state[(i - k) % 4] for i in range(4))

    def f(state):
        return Fraction(3 * state[0] + 2 * state[0] * state[1] + state[0] * state[1] * state[2] + 1)

    def f_bar(state):
        return sum(f(act(g, state)) for g in group) / len(group)

    def invariant(state):
        return Fraction(sum(state) ** 2, 3)

    array = np.array(states, dtype=float)
    actions = [lambda X, k=k, sign=sign: sign * np.roll(X, k, axis=1) for k, sign in group]
    ours = group_average(lambda X: np.array([float(f(row)) for row in X]), actions)(array)
    exact = [float(f_bar(state)) for state in states]
    verify.agree(ours, exact, rtol=1e-14)
    verify.refutes(8 * ours, exact, why="factor n, the order of the group")
    verify.refutes([float(f(state)) for state in states], exact, why="not averaged")
    half = group_average(lambda X: np.array([float(f(row)) for row in X]), actions[::2])(array)
    verify.refutes(half, exact, why="without reversal")

    def mean(function):
        return sum(function(state) for state in states) / len(states)

    product = mean(lambda s: f(s) * invariant(s))
    for g in group:
        verify.agree(
            float(mean(lambda s, g=g: f(act(g, s)) * invariant(s))), float(product), atol=0
        )
    verify.refutes(
        float(mean(lambda s: f(act((1, -1), s)) * f(s))), float(product), why="h not invariant"
    )
    verify.agree(float(mean(lambda s: f_bar(s) * invariant(s))), float(product), atol=0)
    verify.refutes(float(mean(f_bar) * mean(invariant)), float(product), why="product of means")

    # Noise of plus or minus one half beside an invariant mean.
    noises = (Fraction(1, 2), Fraction(-1, 2))

    def error(function, target):
        return mean(lambda s: sum((target(s) + e - function(s)) ** 2 for e in noises) / 2)

    asymmetry = mean(lambda s: (f(s) - f_bar(s)) ** 2)
    left, right = error(f, invariant), error(f_bar, invariant) + asymmetry
    verify.agree(float(left), float(right), atol=0)
    verify.refutes(float(left), float(right - 2 * asymmetry), why="sign")
    verify.refutes(float(left), float(right + asymmetry), why="factor 2")
    verify.refutes(
        float(error(f, f)), float(error(f_bar, f) + asymmetry), why="target not invariant"
    )


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-spin-flip",
    routes=("dlmath.convolution.group_average", "least squares on all states"),
)
def test_linear_functions_do_not_see_even_targets(verify):
    """The average over reversal is zero, and least squares on all states finds no slope."""
    spins = ising.all_states(3).reshape(-1, 9).astype(float)
    w = rng(23).normal(size=9)
    average = group_average(lambda X: X @ w, [lambda X: X, lambda X: -X])(spins)
    verify.agree(average, np.zeros(512), atol=3e-14)
    verify.refutes(spins @ w, np.zeros(512), why="not averaged")
    energy = ising.energy(spins.reshape(-1, 3, 3)).astype(float)
    design = np.column_stack([np.ones(512), spins])
    verify.agree(np.linalg.lstsq(design, energy)[0], [energy.mean(), *np.zeros(9)], atol=1e-12)
    odd = np.linalg.lstsq(design, spins.sum(axis=1) ** 3)[0]
    verify.refutes(odd, [0, *np.zeros(9)], why="odd target")


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-sets",
    routes=("null space of the commutators", "averages over all permutations", "dlmath"),
)
def test_layers_on_sets(verify):
    """What commutes with all permutations is the span of I and 1 1^T."""
    for N in (2, 3, 4):
        group = [np.eye(N)[list(p)].T for p in itertools.permutations(range(N))]
        commutator = np.vstack([np.kron(P.T, np.eye(N)) - np.kron(np.eye(N), P) for P in group])
        allowed = linalg.null_space(commutator)
        span = linalg.orth(np.array([np.eye(N).ravel(), np.ones(N * N)]).T)
        verify.agree(allowed @ allowed.T, span @ span.T, atol=3e-14)
        less = linalg.orth(np.eye(N).ravel()[:, None])
        verify.refutes(less @ less.T, span @ span.T, why="no mean")
        x, a, b = rng(24).normal(size=N), 1.3, -0.7
        by_index = np.array([a * x[i] + b * sum(x) / N for i in range(N)])
        verify.agree(permutation_equivariant(a, b, N) @ x, by_index, atol=1e-14)
        verify.refutes((a * np.eye(N) + b * np.ones((N, N))) @ x, by_index, why="factor n")
        verify.refutes(permutation_equivariant(a, -b, N) @ x, by_index, why="sign")
        A = rng(25).normal(size=(N, N))
        mean = sum(P.T @ A @ P for P in group) / len(group)
        off = (A.sum() - np.trace(A)) / (N * (N - 1))
        verify.agree(mean, permutation_equivariant(np.trace(A) / N - off, N * off, N), atol=3e-14)
        wrong = permutation_equivariant(np.trace(A) / N, N * off, N)
        verify.refutes(mean, wrong, why="diagonal counted twice")


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-wiener",
    routes=("least squares over all kernels, exact covariances", "sympy"),
)
def test_wiener_filter(verify):
    """The best kernel by the normal equations has the transform of the formula."""
    N, s = 8, 0.7
    shape = rng(26).normal(size=N)
    signals = np.array([np.roll(sign * shape, k) for k in range(N) for sign in (1, -1)])
    covariance = signals.T @ signals / len(signals)
    # min over w of E ||x0 - w * (x0 + s e)||^2: one row of the matrix decides for all.
    w = np.linalg.solve(covariance + s**2 * np.eye(N), covariance[0])
    power = np.mean(np.abs(np.fft.fft(signals, axis=1)) ** 2, axis=0) / N
    found = np.fft.fft(w)
    verify.agree(found, power / (power + s**2), atol=3e-14)
    verify.refutes(found, power / (power + s), why="noise not squared")
    verify.refutes(found, N * power / (N * power + s**2), why="factor N")
    verify.refutes(found, s**2 / (power + s**2), why="the other share")
    S, noise, g = sympy.symbols("S s2 g", positive=True)
    (best,) = sympy.solve(sympy.diff((1 - g) ** 2 * S + g**2 * noise, g), g)
    verify.identical(best, S / (S + noise))
    verify.refutes(best, S / (S + 2 * noise), why="factor 2")
    result = optimize.minimize_scalar(lambda h: (1 - h) ** 2 * 3 + h**2 * 0.5)
    verify.agree(result.x, 3 / 3.5, rtol=1e-7)
    verify.refutes(result.x, 3 / 4, why="noise doubled")


# Attention.


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-attention",
    "eq-convolution-and-symmetry-attention-equivariance",
    routes=("torch's attention", "sums by index", "dlmath.convolution.attention"),
)
def test_attention(verify):
    """torch, sums by index and dlmath agree; permuting the items permutes the outputs."""
    n, d = 5, 3
    Q, K, V = rng(27).normal(size=(3, n, d))
    theirs = F.scaled_dot_product_attention(*(torch.tensor(M[None]) for M in (Q, K, V)))[0].numpy()
    verify.agree(attention(Q, K, V), theirs, rtol=1e-13)
    verify.refutes(attention(Q * np.sqrt(d), K, V), theirs, why="no root")
    verify.refutes(attention(Q / np.sqrt(d), K, V), theirs, why="d for its root")
    verify.refutes(attention(-Q, K, V), theirs, why="sign")
    verify.refutes(attention(K, Q, V), theirs, why="transpose")
    by_index = np.zeros((n, d))
    for i in range(n):
        a = [np.exp(sum(Q[i] * K[j]) / d**0.5) for j in range(n)]
        by_index[i] = sum(a[j] * V[j] for j in range(n)) / sum(a)
    verify.agree(by_index, theirs, rtol=1e-13)
    verify.refutes(by_index / n, theirs, why="factor n")

    X, weights = rng(28).normal(size=(n, d)), rng(29).normal(size=(3, d, d))

    def itself(X):
        return attention(*(X @ W for W in weights))

    P = np.eye(n)[[2, 0, 4, 1, 3]]
    verify.agree(itself(P @ X), P @ itself(X), rtol=1e-13)
    verify.refutes(itself(P @ X), itself(X), why="invariant where equivariant is meant")
    verify.refutes(itself(P @ X), P.T @ itself(X), why="inverse permutation")
    places = np.arange(n)[:, None] / n
    verify.refutes(itself(P @ X + places), P @ itself(X + places), why="with places written in")


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-attention-variance",
    routes=("all sign patterns", "quadrature over two Gaussians", "the formula"),
)
def test_variance_of_scores(verify):
    """For signs the variance is a finite mean, for Gaussians an integral."""
    for d in (1, 2, 4):
        signs = np.array(list(itertools.product([-1.0, 1.0], repeat=d)))
        scores = signs @ signs.T
        verify.agree(scores.var(), d, rtol=1e-13)
        verify.agree((scores / np.sqrt(d)).var(), 1, rtol=1e-13)
        if d > 1:
            verify.refutes((scores / d).var(), 1, why="divided by d")
            verify.refutes(scores.var(), 1, why="not divided")
    one = integrate.dblquad(
        lambda q, k: (q * k) ** 2 * np.exp(-(q**2 + k**2) / 2) / (2 * np.pi), -9, 9, -9, 9
    )[0]
    verify.agree(7 * one, 7, rtol=1e-9)
    verify.refutes(7 * one**2 * 2, 7, why="factor 2")


@pytest.mark.verifies(
    "eq-convolution-and-symmetry-attention-smoothing",
    routes=("dlmath.convolution.attention", "dlmath.kernels.RBF"),
)
def test_attention_is_a_kernel_smoother(verify):
    """With keys of one length the output is the mean weighted by an RBF kernel."""
    d = 5
    keys = rng(30).normal(size=(20, d))
    keys *= 2 / np.linalg.norm(keys, axis=1, keepdims=True)
    queries, values = rng(31).normal(size=(4, d)), rng(32).normal(size=(20, 2))

    def smoothed(length, keys=keys):
        weights = RBF(length)(queries, keys)
        return weights @ values / weights.sum(axis=1, keepdims=True)

    output = attention(queries, keys, values)
    verify.agree(output, smoothed(d**0.25), rtol=1e-13)
    verify.refutes(output, smoothed(d**0.5), why="width the root of d")
    verify.refutes(output, smoothed(2**0.5 * d**0.25), why="factor 2")
    longer = keys * rng(33).uniform(0.5, 2, (20, 1))
    verify.refutes(
        attention(queries, longer, values), smoothed(d**0.25, longer), why="keys of all lengths"
    )


def test_two_dimensional_aliases_of_scipy_and_ours():
    """SciPy's correlation with a stride is dlmath's layer, in two dimensions."""
    image, kernel = rng(34).normal(size=(6, 6)), rng(35).normal(size=(3, 3))
    layer = Convolution(1, 1, stride=2, padding="none")
    layer.parameters = [kernel[:, :, None, None], np.zeros(1)]
    expected = signal.correlate2d(image, kernel, "valid")[::2, ::2]
    np.testing.assert_allclose(layer(image[None, :, :, None])[0][0, :, :, 0], expected)
