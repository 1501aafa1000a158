"""Layers that share their weights: convolution, pooling, small networks made of them, symmetries.

Images are arrays of shape (n, rows, columns, channels), kernels of shape (height, width, channels
in, channels out): so a convolution is the dense layer Z = A W + 1 b^T of the chapter on
feed-forward networks, applied to the patches of the images. What libraries call a convolution is
the cross-correlation, and so it is here.
"""

from dlmath.convolution._layers import (
    Activation,
    AveragePooling,
    Convolution,
    Dense,
    Flatten,
    GlobalAverage,
    Layer,
    MaxPooling,
    Skip,
    Upsampling,
)
from dlmath.convolution._maps import (
    conv2d,
    conv2d_backward,
    fold,
    pad,
    pad_backward,
    patches,
    receptive_field,
)
from dlmath.convolution._network import ConvolutionalNetwork, unet
from dlmath.convolution._symmetry import attention, group_average, permutation_equivariant, shifts

__all__ = [
    "Activation",
    "AveragePooling",
    "Convolution",
    "ConvolutionalNetwork",
    "Dense",
    "Flatten",
    "GlobalAverage",
    "Layer",
    "MaxPooling",
    "Skip",
    "Upsampling",
    "attention",
    "conv2d",
    "conv2d_backward",
    "fold",
    "group_average",
    "pad",
    "pad_backward",
    "patches",
    "permutation_equivariant",
    "receptive_field",
    "shifts",
    "unet",
]
