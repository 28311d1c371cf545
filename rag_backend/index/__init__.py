"""The index over all passages: vectors, and what finds them."""
