"""The gate that asks a person, who sees what changed and on what evidence."""
