"""A file of questions and targets as a benchmark."""
