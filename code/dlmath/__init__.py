"""The mathematics of discriminative and generative deep learning, as code that a reader can check."""

__version__ = "0.1.0"
