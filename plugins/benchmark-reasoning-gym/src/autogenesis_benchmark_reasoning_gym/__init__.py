"""The tasks of reasoning-gym as a benchmark: generated questions with verifiers of their own."""
