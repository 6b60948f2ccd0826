"""Chapter 9."""

EXERCISES = ()

QUIZ = ()
