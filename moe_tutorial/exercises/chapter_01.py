"""Chapter 1."""

EXERCISES = ()

QUIZ = ()
