"""Autogenesis tool: exact arithmetic."""
