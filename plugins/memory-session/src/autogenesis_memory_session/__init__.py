"""Autogenesis memory: the events of one session, recalled under a token budget."""
