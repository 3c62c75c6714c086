"""A deterministic, offline stand-in for a small instruction-tuned model."""
