from autogenesis_core.testing import MemoryContract


class TestSession(MemoryContract):
    option = "memory/session"
