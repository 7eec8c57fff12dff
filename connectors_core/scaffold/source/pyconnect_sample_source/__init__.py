"""pyconnect-sample-source: a source of pyconnect."""
