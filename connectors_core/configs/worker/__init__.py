"""The worker's own settings: where its log is, from the command line, the environment and a file."""
