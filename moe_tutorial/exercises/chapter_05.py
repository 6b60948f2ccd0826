"""Chapter 5."""

EXERCISES = ()

QUIZ = ()
