"""The gate that guards named slices and examples: none of them may get worse."""
