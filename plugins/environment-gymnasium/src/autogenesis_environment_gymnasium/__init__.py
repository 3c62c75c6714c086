"""Any registered Gymnasium environment."""
