"""Reflection: a model reads traces of failures, supposes their causes, and edits the texts that may change."""
