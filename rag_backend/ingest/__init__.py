"""Files on their way into the knowledge base: the line, the work on it, watched folders."""
