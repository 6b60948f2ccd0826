"""Chapter 8."""

EXERCISES = ()

QUIZ = ()
