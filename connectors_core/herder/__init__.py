"""The control plane: what should run, and what it says of itself."""
