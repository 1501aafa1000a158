"""Linear models: least squares, ridge regression, the lasso and logistic regression.

The functions are the chapters' formulas, one each; the estimators put them behind scikit-learn's
interface. Samples are the rows of ``X``, and every cost carries the factor 1/n.
"""

from dlmath.linear._elastic_net import ElasticNet, Lasso, LassoPath, lasso_path
from dlmath.linear._homotopy import lasso_knots
from dlmath.linear._lasso import (
    coordinate_descent,
    fista,
    ista,
    lambda_max,
    lasso_cost,
    lasso_duality_gap,
    soft_threshold,
)
from dlmath.linear._logistic import (
    LogisticRegression,
    logistic_cost,
    logistic_descent,
    logistic_gradient,
    logistic_hessian,
    logistic_newton,
    maximum_margin,
    separating_direction,
    softmax_cost,
    softmax_gradient,
    softmax_hessian,
)
from dlmath.linear._ols import (
    OLS,
    gradient_descent,
    gradient_descent_filter,
    hat_matrix,
    ols_cost,
    ols_gradient,
    ols_hessian,
    solve_normal_equations,
    solve_qr,
    solve_svd,
)
from dlmath.linear._ridge import (
    Ridge,
    ridge_cost,
    ridge_degrees_of_freedom,
    ridge_filter,
    ridge_gradient,
    ridge_path,
    ridge_penalty_for_norm,
    solve_ridge,
)

__all__ = [
    "OLS",
    "ElasticNet",
    "Lasso",
    "LassoPath",
    "LogisticRegression",
    "Ridge",
    "coordinate_descent",
    "fista",
    "gradient_descent",
    "gradient_descent_filter",
    "hat_matrix",
    "ista",
    "lambda_max",
    "lasso_cost",
    "lasso_duality_gap",
    "lasso_knots",
    "lasso_path",
    "logistic_cost",
    "logistic_descent",
    "logistic_gradient",
    "logistic_hessian",
    "logistic_newton",
    "maximum_margin",
    "ols_cost",
    "ols_gradient",
    "ols_hessian",
    "ridge_cost",
    "ridge_degrees_of_freedom",
    "ridge_filter",
    "ridge_gradient",
    "ridge_path",
    "ridge_penalty_for_norm",
    "separating_direction",
    "soft_threshold",
    "softmax_cost",
    "softmax_gradient",
    "softmax_hessian",
    "solve_normal_equations",
    "solve_qr",
    "solve_ridge",
    "solve_svd",
]
