"""A small numeric policy that acts in environments, without any language model."""
