"""After a fine-tune: an adapter's card, exports for other programs, and what others trained."""
