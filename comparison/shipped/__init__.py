"""How what comes along with Ragtune was made: trained adapters, and probes of forgetting."""
