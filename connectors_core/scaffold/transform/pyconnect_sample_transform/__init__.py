"""pyconnect-sample-transform: a transform of pyconnect."""
