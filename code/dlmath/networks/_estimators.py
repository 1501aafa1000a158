"""The network as two estimators of scikit-learn's kind."""

import copy
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, check_X_y
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from dlmath.networks._network import FeedForwardNetwork
from dlmath.networks._training import train
from dlmath.optimizers import (
    AdaGrad,
    Adam,
    AdamW,
    GradientDescent,
    Momentum,
    Nesterov,
    Optimizer,
    RMSprop,
)

OPTIMIZERS = {
    "adagrad": AdaGrad,
    "adam": Adam,
    "adamw": AdamW,
    "gradient-descent": GradientDescent,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "rmsprop": RMSprop,
}


class _FFNN(BaseEstimator):
    """What the two estimators share."""

    def __init__(
        self,
        hidden_layer_sizes=(50,),
        activation="tanh",
        *,
        optimizer="adam",
        eta=1e-3,
        epochs=200,
        batch_size=32,
        lam=0.0,
        dropout=0.0,
        early_stopping=False,
        validation_fraction=0.1,
        patience=20,
        dtype="float64",
        progress=False,
        random_state=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.optimizer = optimizer
        self.eta = eta
        self.epochs = epochs
        self.batch_size = batch_size
        self.lam = lam
        self.dropout = dropout
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.dtype = dtype
        self.progress = progress
        self.random_state = random_state

    def _make_optimizer(self):
        if isinstance(self.optimizer, Optimizer):
            optimizer = copy.deepcopy(self.optimizer)
            optimizer.reset()
            return optimizer
        if not (isinstance(self.optimizer, str) and self.optimizer in OPTIMIZERS):
            names = ", ".join(OPTIMIZERS)
            raise ValueError(
                f"optimizer must be one of {names} or an optimizer, got {self.optimizer!r}"
            )
        return OPTIMIZERS[self.optimizer](self.eta)

    def _train(self, X, Y, labels, output, cost):
        """Return a trained network and its history."""
        hidden = self.hidden_layer_sizes
        hidden = (hidden,) if isinstance(hidden, Integral) else tuple(hidden)
        optimizer = self._make_optimizer()
        state = check_random_state(self.random_state)
        seeds = [int(seed) for seed in state.randint(2**31 - 1, size=2)]
        network = FeedForwardNetwork(
            (X.shape[1], *hidden, Y.shape[1]),
            self.activation,
            output,
            cost,
            seed=seeds[0],
            dtype=self.dtype,
        )
        validation = patience = None
        if self.early_stopping:
            held = self._hold_out(X, Y, labels, state)
            X, Y, validation, patience = held[0], held[2], (held[1], held[3]), self.patience
        history = train(
            network,
            X,
            Y,
            optimizer=optimizer,
            epochs=self.epochs,
            batch_size=self.batch_size,
            lam=self.lam,
            dropout=self.dropout,
            validation=validation,
            patience=patience,
            seed=seeds[1],
            progress=self.progress,
        )
        return network, history

    def _hold_out(self, X, Y, labels, state):
        """Split off the validation data, with the shares of the classes where there are enough."""
        share = self.validation_fraction
        if not (isinstance(share, Real) and 0 < float(share) < 1):
            raise ValueError(f"validation_fraction must lie between 0 and 1, got {share!r}")
        share = float(share)
        if labels is not None:
            counts = np.bincount(labels)
            enough = min(share, 1 - share) * len(labels) >= len(counts) and counts.min() > 1
            labels = labels if enough else None
        return train_test_split(X, Y, test_size=share, stratify=labels, random_state=state)

    def _keep(self, given_X, network, history):
        """Set the fitted attributes; nothing here can fail."""
        validate_data(self, given_X, skip_check_array=True)
        self.network_ = network
        self.history_ = history
        self.n_iter_ = len(history.cost)

    def _outputs(self, X):
        check_is_fitted(self)
        _refuse_float16(X)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return self.network_.forward(X).astype(float, copy=False)


def _refuse_float16(X):
    if getattr(X, "dtype", None) == np.float16:
        raise ValueError("X is float16, which is too coarse to compute with: give float32")


class FFNNRegressor(RegressorMixin, _FFNN):
    """A feed-forward network for regression, trained on the mean squared error.

    Minimises ``(1/n) sum_i ||y_i - f(x_i)||^2 + lam sum_l ||W^l||^2`` on mini-batches. Inputs and
    targets should be standardised (``StandardScaler``, ``TransformedTargetRegressor``).
    scikit-learn's ``MLPRegressor`` has ``alpha = n lam`` for one output and the full batch.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(50,)
        Nodes of each hidden layer; none for a linear model.
    activation : str, default="tanh"
        One of ``dlmath.activations.ACTIVATIONS``.
    optimizer : str or Optimizer, default="adam"
        One of "adagrad", "adam", "adamw", "gradient-descent", "momentum", "nesterov", "rmsprop".
        An optimizer of ``dlmath.optimizers`` is copied, and ``eta`` is then not used.
    eta : float, default=1e-3
        Learning rate.
    epochs : int, default=200
        How often all samples are visited.
    batch_size : int or None, default=32
        None for all samples at once.
    lam : float, default=0.0
        Weight decay: the penalty on the squared weights; biases are free.
    dropout : float, default=0.0
        Probability with which a hidden node is left out in training.
    early_stopping : bool, default=False
        Hold out ``validation_fraction`` of the samples, stop after ``patience`` epochs without a
        better cost on them, and keep the best network.
    validation_fraction : float, default=0.1
    patience : int, default=20
    dtype : {"float64", "float32"}, default="float64"
    progress : bool, default=False
        Show a bar with the cost while the network is trained.
    random_state : int, RandomState instance or None, default=None
        Of the initial weights, the order of the samples, dropout and the samples held out.

    Attributes
    ----------
    network_ : FeedForwardNetwork
    history_ : History
        Costs after each epoch.
    n_iter_ : int
        Epochs of training.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only where ``X`` has column names that are strings.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.networks import FFNNRegressor
    >>> x = np.linspace(-3, 3, 200)[:, np.newaxis]
    >>> model = FFNNRegressor(eta=0.01, random_state=0).fit(x, np.sin(x[:, 0]))
    >>> bool(model.score(x, np.sin(x[:, 0])) > 0.999)
    True
    """

    def fit(self, X, y):
        """Train a new network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        FFNNRegressor
            The fitted estimator itself.

        Raises
        ------
        ValueError
            On wrong shapes, values that are not finite, float16 or wrong settings.
        FloatingPointError
            When training diverges: says at which step. In every case an estimator that was fitted
            before keeps its fit.
        """
        _refuse_float16(X)
        given_X = X
        kinds = [np.float64, np.float32]
        X, y = check_X_y(X, y, dtype=kinds, multi_output=True, y_numeric=True, estimator=self)
        Y = y.reshape(len(y), -1)
        network, history = self._train(X, Y, None, "identity", "mse")
        self._keep(given_X, network, history)
        self._one_column = y.ndim == 1
        return self

    def predict(self, X):
        """Predict the targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Of the shape that ``y`` had.
        """
        outputs = self._outputs(X)
        return outputs[:, 0] if self._one_column else outputs

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class FFNNClassifier(ClassifierMixin, _FFNN):
    """A feed-forward network for classification, trained on the mean cross-entropy.

    The output is a softmax over the classes. Settings, and the rest, as in
    :class:`FFNNRegressor`.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(50,)
    activation : str, default="tanh"
    optimizer : str or Optimizer, default="adam"
        One of "adagrad", "adam", "adamw", "gradient-descent", "momentum", "nesterov", "rmsprop".
    eta : float, default=1e-3
    epochs : int, default=200
    batch_size : int or None, default=32
    lam : float, default=0.0
    dropout : float, default=0.0
    early_stopping : bool, default=False
        The held-out samples have the shares of the classes of all.
    validation_fraction : float, default=0.1
    patience : int, default=20
    dtype : {"float64", "float32"}, default="float64"
    progress : bool, default=False
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted.
    network_ : FeedForwardNetwork
    history_ : History
    n_iter_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only where ``X`` has column names that are strings.

    Examples
    --------
    >>> import numpy as np
    >>> from dlmath.networks import FFNNClassifier
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> model = FFNNClassifier((8,), eta=0.05, random_state=0).fit(X, [0, 1, 1, 0])
    >>> model.predict(X)
    array([0, 1, 1, 0])
    """

    def fit(self, X, y):
        """Train a new network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            The classes: at least two different labels.

        Returns
        -------
        FFNNClassifier
            The fitted estimator itself.

        Raises
        ------
        ValueError
            On wrong shapes, values that are not finite, float16, labels of one class only, or
            wrong settings.
        FloatingPointError
            When training diverges: says at which step. In every case an estimator that was fitted
            before keeps its fit.
        """
        _refuse_float16(X)
        given_X = X
        X, y = check_X_y(X, y, dtype=[np.float64, np.float32], estimator=self)
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"y must hold at least two classes, got one class, {classes[0]!r}")
        Y = np.eye(len(classes))[labels]
        network, history = self._train(X, Y, labels, "softmax", "cross_entropy")
        self._keep(given_X, network, history)
        self.classes_ = classes
        return self

    def predict_proba(self, X):
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self._outputs(X)

    def predict(self, X):
        """Return the most probable class of each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        best = np.argmax(self._outputs(X), axis=1)
        return self.classes_[best]
