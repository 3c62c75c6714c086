"""SEPL, the Self-Evolution Protocol Layer: how a change is proposed, assessed, and committed or thrown away."""
