"""Chapter 7."""

EXERCISES = ()

QUIZ = ()
