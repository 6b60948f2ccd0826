"""Chapter 2."""

EXERCISES = ()

QUIZ = ()
