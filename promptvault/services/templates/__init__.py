"""`template`: templates made from prompts, or with a model."""
