"""Autogenesis tools: find, load and use resources of the registry while running, and propose edits to them."""
