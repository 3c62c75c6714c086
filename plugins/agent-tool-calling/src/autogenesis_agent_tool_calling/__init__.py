"""Autogenesis agent: calls tools until the task is done."""
