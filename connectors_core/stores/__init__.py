"""The logs that records are written to: in memory, and embedded in one SQLite file."""
