"""The checkers of the exercises run wherever dlmath runs, and accept their own references."""

import pytest
from dlmath import exercises


@pytest.mark.parametrize("name", exercises.names())
def test_a_checker_accepts_its_reference(name):
    exercise = exercises.find(name)
    assert exercise.verdict(exercise.reference).passed
