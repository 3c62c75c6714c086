"""CMA-ES over one vector of numbers, without any language model."""
