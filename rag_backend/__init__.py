"""Documents → passages → index → search → grounded answer."""
