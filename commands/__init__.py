"""The commands of ``ragtune``: a module for each kind, whose ``add`` declares them."""
