"""From found passages to a grounded answer: the prompt, the chain, the citations."""
