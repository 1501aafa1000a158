"""Figures that ask for the weights of a network only when the reader does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import traitlets

from dlmath.interactive._base import Interactive
from dlmath.weights import pack_weights

# Bytes of the weights of one figure.
MOST_BYTES = 1_500_000


class LoadsWeights(Interactive):
    """A figure to move that computes with shipped weights, which it does not hold itself.

    The front end shows a button (``weightsLoader`` of ``js/weights.js``) and asks by a message. In
    a notebook this class answers, in the static page a file of the site.

    Parameters
    ----------
    weights : sequence of str
        Names of shipped models, such as ``["vae-digits"]``.
    **state
        The other traits.

    Raises
    ------
    ValueError
        If a model is not shipped, or all together have more than 1.5 MB.
    """

    assets = traitlets.Dict(help="key and bytes of what can be asked for, by name").tag(sync=True)

    def __init__(self, *, weights: Sequence[str], **state: Any) -> None:
        if isinstance(weights, str) or not weights:
            raise ValueError(f"weights must be a sequence of names, got {weights!r}")
        self._packed = {name: pack_weights(name) for name in weights}
        total = sum(len(packed.values) for packed in self._packed.values())
        if total > MOST_BYTES:
            raise ValueError(f"weights of {total} bytes are too many for a figure ({MOST_BYTES})")
        assets = {
            name: {"key": packed.key, "bytes": len(packed.values)}
            for name, packed in self._packed.items()
        }
        super().__init__(assets=assets, **state)
        self.on_msg(self._answer)

    def _answer(self, _: Any, content: Any, buffers: Any) -> None:
        """Send the weights that the front end asks for."""
        if not isinstance(content, dict) or content.get("type") != "weights":
            return
        reply = {"type": "weights", "name": content.get("name")}
        packed = self._packed.get(str(content.get("name")))
        if packed is None:
            self.send({**reply, "error": "the figure has no such network"})
        else:
            self.send({**reply, **packed.header, "layout": packed.layout}, [packed.values])
