"""Fakes of the far side, and the harm that they do when they are told to."""
