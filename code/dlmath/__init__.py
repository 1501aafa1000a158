"""The mathematics of discriminative and generative deep learning, as code a reader can check."""

__version__ = "0.1.0"
