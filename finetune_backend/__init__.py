"""Documents or examples → training set → LoRA run → adapter."""
