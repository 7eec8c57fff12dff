"""Drives a source as the runtime does, keeps what it commits, and compares it."""
