"""Chapter 6."""

EXERCISES = ()

QUIZ = ()
