"""Flow matching for configurations on a torus."""

from __future__ import annotations

from torch import nn

from dlmath.generative._denoising import _Scaled
from dlmath.generative.flow_matching import FlowMatching


class PeriodicFlow(FlowMatching):
    """Flow matching whose U-Net sees what leaves a picture at one edge come in at the other.

    For square lattices with periodic boundaries: with zeros around the picture, as for digits, the
    network would take a bond across the boundary for another thing than one inside. Parameters and
    methods are those of `FlowMatching`.

    Raises
    ------
    ValueError
        In ``fit``, if ``network`` is not "unet".
    """

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.network != "unet":
            raise ValueError(f"network must be 'unet' on a torus, got {self.network!r}")

    def _build(self, n_features: int) -> _Scaled:
        network = super()._build(n_features)
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d) and layer.kernel_size != (1, 1):
                layer.padding_mode = "circular"
        return network
