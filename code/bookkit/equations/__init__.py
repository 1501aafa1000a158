"""Verified equations: a mark beside each numbered equation, an appendix with its test.

`sources` reads the labels in the chapters' text, `evidence` the tests, `completeness` compares
the lists, `review` keeps the hashes of the formulas that were compared with their tests, `pages`
is the Sphinx side.
"""

from bookkit.equations.pages import setup

__all__ = ["setup"]
