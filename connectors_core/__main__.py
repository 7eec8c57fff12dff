"""`python -m connectors_core` is `pyconnect`."""

from connectors_core.cli import main

main()
