"""The random numbers of the page, drawn again here for the still pictures."""

from __future__ import annotations

import numpy as np

MULTIPLIER, MODULUS = 48271, 2**31 - 1
# What the page lets pass before it uses a stream.
LEHMER_LEFT_OUT, SMALL_FAST_LEFT_OUT = 10, 15


def lehmer_uniform(seed: int, count: int) -> np.ndarray:
    """Draw uniform numbers from Lehmer's generator, as ``uniformStream`` does."""
    state, numbers = seed, np.empty(count)
    for k in range(count):
        state = MULTIPLIER * state % MODULUS
        numbers[k] = state / MODULUS
    return numbers


def lehmer_normals(seed: int, count: int) -> np.ndarray:
    """Draw normal numbers, two from each pair of uniform ones, as ``normalStream`` does."""
    uniform = lehmer_uniform(seed, LEHMER_LEFT_OUT + count + count % 2)[LEHMER_LEFT_OUT:]
    radius, angle = np.sqrt(-2 * np.log(uniform[::2])), 2 * np.pi * uniform[1::2]
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]).ravel()[:count]


def normals_from(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Make one normal number of each pair of uniform ones, as ``normalFrom`` does."""
    return np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * second)


def small_fast_uniform(seed: int, count: int) -> np.ndarray:
    """Draw uniform numbers from the small fast counter (sfc32), as ``randomStream`` does."""
    mask = 2**32 - 1
    a, b, c, d = 0x9E3779B9, 0x243F6A88, seed & mask, 1
    numbers = np.empty(SMALL_FAST_LEFT_OUT + count)
    for k in range(numbers.size):
        t = (a + b + d) & mask
        d = (d + 1) & mask
        a = b ^ (b >> 9)
        b = (c + (c << 3)) & mask
        c = ((c << 21) | (c >> 11)) & mask
        c = (c + t) & mask
        numbers[k] = t / 2**32
    return numbers[SMALL_FAST_LEFT_OUT:]


def small_fast_normals(seed: int, count: int) -> np.ndarray:
    """Draw normal numbers, one from each pair of uniform ones, as ``normal`` does."""
    uniform = small_fast_uniform(seed, 2 * count)
    return normals_from(1 - uniform[::2], uniform[1::2])
