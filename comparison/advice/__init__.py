"""Which method to use: what was measured, what the use asks for, and what it costs."""
