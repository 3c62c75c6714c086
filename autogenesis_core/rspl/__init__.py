"""RSPL, the Resource Substrate Protocol Layer: what may change, and how it is described, versioned and restored."""
