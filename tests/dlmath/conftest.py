"""torch, for the tests that compare with it; where it is missing, only these are skipped."""

import pytest

try:
    import torch as _torch  # noqa: F401
except ImportError:
    collect_ignore_glob = ["test_generative*"]


@pytest.fixture
def torch():
    return pytest.importorskip("torch", exc_type=ImportError)


@pytest.fixture
def torch_activation(torch):
    """Return torch's function for the name of an activation."""
    named = {
        "identity": lambda z: z,
        "sigmoid": torch.sigmoid,
        "sine": torch.sin,
        "tanh": torch.tanh,
    }
    return lambda name: named.get(name) or getattr(torch.nn.functional, name)
