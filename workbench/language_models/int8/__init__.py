"""A serving engine for the CPU: 8-bit integer products, many conversations at once."""
