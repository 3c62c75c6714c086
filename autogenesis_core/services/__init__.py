"""Services that both layers stand on: models, tracing, execution. Interfaces, and their small embedded defaults."""
