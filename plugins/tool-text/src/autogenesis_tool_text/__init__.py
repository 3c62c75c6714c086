"""Autogenesis tools: sort words, count letters, convert numbers between bases."""
