"""The words of pyconnect: what a plugin author and the engine say to each other. No I/O."""
