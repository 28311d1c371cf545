"""Questions written from passages: a LoRA on the bundled language model."""
