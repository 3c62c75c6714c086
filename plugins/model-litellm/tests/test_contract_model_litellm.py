from autogenesis_core.testing import ModelContract


class TestLitellm(ModelContract):
    option = "model/litellm"
    settings = ("model.name=openai/gpt-5-mini",)
    calls = False
