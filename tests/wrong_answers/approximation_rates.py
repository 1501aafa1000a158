"""Wrong answers to the exercises on approximation rates, each with words of the hint meant for it.

They are written as a reader would write them, not as the checkers recognise them.
"""

import numpy as np


def _constant(a, rows):
    return sum(abs(ak) * np.sqrt(row @ row) for ak, row in zip(a, rows, strict=True))


def _lottery(X, Omega, theta, u, t, r, C, f0, *, unit=True, turned=True, sine=True, size=-2.0):
    total = np.zeros(len(X))
    for omega, phase, side, at in zip(Omega, theta, u, t, strict=True):
        length = np.sqrt(omega @ omega)
        z = X @ omega / (length if unit else 1)
        slope = side * np.sin((side if sine else 1) * length * at + phase)
        total += size * r * C * slope * ((side if turned else 1) * z - at > 0)
    return total


def _network(X, Omega, theta, u, t, r, C, f0, **changed):
    return f0 + _lottery(X, Omega, theta, u, t, r, C, f0, **changed) / len(Omega)


def _means(G, h, m, weights):
    mean, out = 0 * h, []
    for k in range(m):
        old, new = weights(k + 1)
        tried = [old * mean + new * g for g in G.T]
        mean = min(tried, key=lambda f: np.linalg.norm(f - h))
        out.append(mean)
    return out


def _mean_of(k):
    return 1 - 1 / k, 1 / k


def _errors(G, h, m, weights=_mean_of):
    return np.array([np.mean((f - h) ** 2) for f in _means(G, h, m, weights)])


def _nearest(G, h, m):
    near = sorted(G.T, key=lambda g: np.linalg.norm(g - h))
    return [np.mean((np.mean(near[: k + 1], axis=0) - h) ** 2) for k in range(m)]


def _count(w, b, v, change):
    kinks = {}
    for wj, bj, vj in zip(w, b, v, strict=True):
        if wj != 0:
            kinks[-bj / wj] = kinks.get(-bj / wj, 0) + change(wj, vj)
    return sum(abs(value) > 1e-12 for value in kinks.values())


WRONG = {
    "rates-constant": [
        ("rows are those of", lambda a, Omega, B: _constant(a, (B @ Omega.T).T)),
        ("constant of g itself", lambda a, Omega, B: _constant(a, Omega)),
        ("enter with their sign", lambda a, Omega, B: a @ np.linalg.norm(Omega @ B, axis=1)),
        ("are squared here", lambda a, Omega, B: np.abs(a) @ np.sum((Omega @ B) ** 2, axis=1)),
        ("a factor n", lambda a, Omega, B: _constant(a, Omega @ B) / len(a)),
        ("squares of the amplitudes", lambda a, Omega, B: _constant(a**2, Omega @ B)),
        ("look at the sign", lambda a, Omega, B: -_constant(a, Omega @ B)),
        (
            "should have shape",
            lambda a, Omega, B: np.abs(a) * np.linalg.norm(Omega @ B, axis=1),
        ),
    ],
    "rates-tickets": [
        ("divide by their number n", lambda *given: given[-1] + _lottery(*given)),
        ("add it back", lambda *given: _lottery(*given) / len(given[1])),
        ("sign of the heights", lambda *given: _network(*given, size=2)),
        ("factor 2 is missing", lambda *given: _network(*given, size=-1)),
        ("unit vector", lambda *given: _network(*given, unit=False)),
        ("look to the same side", lambda *given: _network(*given, turned=False)),
        ("for both sides", lambda *given: _network(*given, sine=False)),
        ("should have shape", lambda *given: np.mean(_network(*given))),
    ],
    "rates-greedy": [
        ("a factor n", lambda G, h, m: len(h) * _errors(G, h, m)),
        ("roots", lambda G, h, m: np.sqrt(_errors(G, h, m))),
        ("pursuit of the residual", lambda G, h, m: _errors(G, h, m, lambda k: (1, 1))),
        ("weight 1/2", lambda G, h, m: _errors(G, h, m, lambda k: (0.5, 0.5))),
        ("taken in their order", _nearest),
        ("look at the sign", lambda G, h, m: -_errors(G, h, m)),
        ("should have shape", lambda G, h, m: _errors(G, h, m)[-1]),
    ],
    "rates-pieces": [
        ("the bound n + 1", lambda w, b, v: w.size + 1),
        ("once for each unit", lambda w, b, v: 1 + sum((w != 0) & (v != 0))),
        (
            "changes of slope cancel",
            lambda w, b, v: 1 + len({-bj / wj for wj, bj in zip(w, b, strict=True) if wj}),
        ),
        ("wrong sign", lambda w, b, v: 1 + _count(w, b, v, lambda wj, vj: wj * vj)),
        ("one piece more", lambda w, b, v: _count(w, b, v, lambda wj, vj: abs(wj) * vj)),
        (
            "right one times -1: look at the sign",
            lambda w, b, v: -1 - _count(w, b, v, lambda wj, vj: abs(wj) * vj),
        ),
        ("should have shape", lambda w, b, v: np.sort(-b[w != 0] / w[w != 0])),
    ],
}
