"""Wrong answers to the exercises on backpropagation, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them: the right
gradients come from torch, which differentiates the cost without our formulas.
"""

import numpy as np
import torch


def _gradients(cost, *parameters):
    tensors = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in parameters]
    cost(*tensors).backward()
    return tuple(t.grad.numpy() for t in tensors)


def _fixed(array):
    return torch.tensor(np.asarray(array, dtype=float))


def _line(x, y, w1, b1, w2, b2, total=torch.mean):
    x, y = _fixed(x), _fixed(y)
    return _gradients(
        lambda w1, b1, w2, b2: total((torch.tanh(w2 * torch.tanh(w1 * x + b1) + b2) - y) ** 2),
        *(float(v) for v in (w1, b1, w2, b2)),
    )


def _first(x, y, w1, b1, w2, b2, factor=1.0, inner=None):
    """Write the derivatives out, with a factor in the hidden layer and its input."""
    h = np.tanh(w1 * x + b1)
    o = np.tanh(w2 * h + b2)
    out = 2 * (o - y) * (1 - o * o) / len(y)
    hid = out * factor * (1 - h * h)
    return hid @ (x if inner is None else h), hid.sum(), out @ h, out.sum()


def _squared(X, Y, *parameters, total=None):
    X, Y = _fixed(X), _fixed(Y)

    def cost(W1, b1, W2, b2):
        return ((torch.tanh(X @ W1 + b1) @ W2 + b2 - Y) ** 2).sum() / (total or len(X))

    return _gradients(cost, *parameters)


def _entropy(X, Y, *parameters, total=None, hidden=torch.relu):
    X, Y = _fixed(X), _fixed(Y)

    def cost(W1, b1, W2, b2):
        logarithms = torch.log_softmax(hidden(X @ W1 + b1) @ W2 + b2, dim=1)
        return -(Y * logarithms).sum() / (total or len(X))

    return _gradients(cost, *parameters)


def _deep(X, Y, *weights, total=None):
    X, Y = _fixed(X), _fixed(Y)

    def cost(W1, W2, W3):
        return ((torch.tanh(torch.tanh(X @ W1) @ W2) @ W3 - Y) ** 2).sum() / (total or len(X))

    return _gradients(cost, *weights)


def _back_through(X, Y, W1, W2, W3, matrix):
    """Give the right gradients, but lead the first layer's error through another matrix."""
    _, dW2, dW3 = _deep(X, Y, W1, W2, W3)
    h = np.tanh(X @ W1)
    g = np.tanh(h @ W2)
    error = 2 / len(Y) * (g @ W3 - Y) @ W3.transpose() * (1 - g * g)
    return X.transpose() @ (error @ matrix * (1 - h * h)), dW2, dW3


def _repeated(x, y, w, b, K, copies=slice(None), average=False):
    x, y = _fixed(x), _fixed(y)

    def cost(ws, bs):
        u = x
        for k in range(K):
            u = torch.tanh(ws[k] * u + bs[k])
        return torch.mean((u - y) ** 2)

    by_w, by_b = _gradients(cost, np.full(K, w), np.full(K, b))
    gather = np.mean if average else np.sum
    return gather(by_w[copies]), gather(by_b[copies])


def _stopped(x, y, w, b, K):
    """Lead the error back without multiplying it by w."""
    values = [x]
    for _ in range(K):
        values += [np.tanh(w * values[-1] + b)]
    error, dw, db = 2 * (values[-1] - y) / len(y), 0, 0
    for before, after in zip(values[-2::-1], values[:0:-1], strict=True):
        error = error * (1 - after**2)
        dw, db = dw + np.sum(error * before), db + np.sum(error)
    return dw, db


def _times(function, factor):
    return lambda *given: tuple(factor(len(given[0])) * part for part in function(*given))


WRONG = {
    "backpropagation-chain": [
        ("factor w2 is still missing", _first),
        ("Between the two nodes stands w2", lambda *g: _first(*g, factor=g[2])),
        ("has a1 where the input", lambda *g: _first(*g, factor=g[4], inner=True)),
        (
            "db1 has lost it",
            lambda *g: (_line(*g)[0], _first(*g)[1], *_line(*g)[2:]),
        ),
        ("a factor 1/n is missing", lambda *g: _line(*g, total=torch.sum)),
        ("there twice", _times(_line, lambda n: 1 / n)),
        ("the wrong sign", _times(_line, lambda n: -1)),
        ("A factor 2 is missing", _times(_line, lambda n: 0.5)),
        ("dC/dw1 should have shape ()", lambda *g: (g[0] * _line(*g)[0], *_line(*g)[1:])),
    ],
    "backpropagation-hidden": [
        (
            "what goes into it, X",
            lambda X, Y, W1, b1, W2, b2: (
                np.tanh(X @ W1 + b1).T
                @ (
                    2
                    / len(X)
                    * (np.tanh(X @ W1 + b1) @ W2 + b2 - Y)
                    @ W2.T
                    / np.cosh(X @ W1 + b1) ** 2
                ),
                *_squared(X, Y, W1, b1, W2, b2)[1:],
            ),
        ),
        (
            "slope 1 - A1^2",
            lambda X, Y, W1, b1, W2, b2: (
                X.T @ (2 / len(X) * (np.tanh(X @ W1 + b1) @ W2 + b2 - Y) @ W2.T),
                (2 / len(X) * (np.tanh(X @ W1 + b1) @ W2 + b2 - Y) @ W2.T).sum(axis=0),
                *_squared(X, Y, W1, b1, W2, b2)[2:],
            ),
        ),
        ("the transpose of the right one", lambda *g: (_squared(*g)[0].T, *_squared(*g)[1:])),
        (
            "one 1/n too many",
            lambda *g: tuple(part / len(g[0]) if part.ndim == 1 else part for part in _squared(*g)),
        ),
        ("a factor 1/n is missing", lambda *g: _squared(*g, total=1)),
        ("the wrong sign", _times(_squared, lambda n: -1)),
        ("A factor 2 is missing", _times(_squared, lambda n: 0.5)),
        ("dC/db1 should have shape", lambda *g: [np.atleast_2d(part) for part in _squared(*g)]),
    ],
    "backpropagation-mean": [
        ("n times too long", lambda *g: _entropy(*g, total=1)),
        ("there twice", _times(_entropy, lambda n: 1 / n)),
        ("the wrong sign", _times(_entropy, lambda n: -1)),
        ("A factor 2 too many", _times(_entropy, lambda n: 2)),
        (
            "must not pass the error on",
            lambda *g: _entropy(*g, hidden=lambda z: z + (torch.relu(z) - z).detach()),
        ),
        ("n times the number of classes", lambda *g: _entropy(*g, total=g[1].size)),
        (
            "their derivatives are the sums",
            lambda *g: tuple(part / len(g[0]) if part.ndim == 1 else part for part in _entropy(*g)),
        ),
        ("dC/dW1 should have shape", lambda *g: (_entropy(*g)[0].T, *_entropy(*g)[1:])),
    ],
    "backpropagation-square": [
        ("it is the transpose, W2^T", lambda *g: _back_through(*g, g[3])),
        ("does not pass through W2 at all", lambda *g: _back_through(*g, np.eye(len(g[3])))),
        ("dC/dW2 is the transpose", lambda *g: (_deep(*g)[0], _deep(*g)[1].T, _deep(*g)[2])),
        (
            "in the place of what goes into it, A1",
            lambda X, Y, W1, W2, W3: (
                _deep(X, Y, W1, W2, W3)[0],
                np.tanh(np.tanh(X @ W1) @ W2).T
                @ (
                    2
                    / len(X)
                    * (np.tanh(np.tanh(X @ W1) @ W2) @ W3 - Y)
                    @ W3.T
                    / np.cosh(np.tanh(X @ W1) @ W2) ** 2
                ),
                _deep(X, Y, W1, W2, W3)[2],
            ),
        ),
        ("a factor 1/n is missing", lambda *g: _deep(*g, total=1)),
        ("the wrong sign", _times(_deep, lambda n: -1)),
        ("A factor 2 is missing", _times(_deep, lambda n: 0.5)),
        ("dC/dW1 should have shape", lambda *g: [part.T for part in _deep(*g)]),
    ],
    "backpropagation-shared": [
        ("the last step alone", lambda *g: _repeated(*g, copies=slice(-1, None))),
        ("the first step alone", lambda *g: _repeated(*g, copies=slice(1))),
        ("the factor w is missing", _stopped),
        ("copies are averaged", lambda *g: _repeated(*g, average=True)),
        ("a factor 1/n is missing", _times(_repeated, lambda n: n)),
        ("the wrong sign", _times(_repeated, lambda n: -1)),
        ("A factor 2 is missing", _times(_repeated, lambda n: 0.5)),
        ("dC/dw should have shape ()", lambda *g: [np.ones(g[4]) * part for part in _repeated(*g)]),
    ],
}
