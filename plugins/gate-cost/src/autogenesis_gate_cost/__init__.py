"""The gate that guards what a task takes: tokens, money and time."""
