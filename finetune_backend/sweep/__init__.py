"""A sweep: many short fine-tunes that search for settings which learn best."""
