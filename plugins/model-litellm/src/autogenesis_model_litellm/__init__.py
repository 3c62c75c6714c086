"""Models of many providers, through litellm."""
