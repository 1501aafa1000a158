"""Stub."""


def setup(app):
    """Do nothing yet."""
