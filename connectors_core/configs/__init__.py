"""Connector files: YAML with lines, flat and nested notation, secret providers, validation."""
