"""Feed-forward networks in NumPy: forward pass, backpropagation, training, and two estimators."""

from dlmath.networks._estimators import FFNNClassifier, FFNNRegressor
from dlmath.networks._network import FeedForwardNetwork
from dlmath.networks._training import History, train

__all__ = ["FFNNClassifier", "FFNNRegressor", "FeedForwardNetwork", "History", "train"]
