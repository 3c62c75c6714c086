"""Autogenesis agent: a function of your own, with evolvable keyword arguments."""
