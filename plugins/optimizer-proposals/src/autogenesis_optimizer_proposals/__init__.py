"""Autogenesis optimizer: assesses what agents proposed while they ran, and lets the gates decide."""
