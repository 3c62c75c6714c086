"""The gate that asks for a mean gain of a size that matters, on enough examples; it is no test of chance."""
