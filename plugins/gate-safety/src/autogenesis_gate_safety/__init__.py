"""The gate that guards: what a candidate's texts may not lose, gain or copy, asked before anything is paid for."""
