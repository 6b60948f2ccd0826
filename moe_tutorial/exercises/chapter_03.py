"""Chapter 3."""

EXERCISES = ()

QUIZ = ()
