"""RSPL, the Resource Substrate Protocol Layer: what may change, how it is described, versioned, reached and restored."""
