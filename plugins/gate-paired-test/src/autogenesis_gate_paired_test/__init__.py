"""The gate that proves a gain: a group-sequential sign-flip permutation test of paired held-out scores."""
