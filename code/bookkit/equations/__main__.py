"""Review equations: ``python -m bookkit.equations review eq-least-squares-cost``."""

import sys

from bookkit.equations.review import main

main(sys.argv[1:])
