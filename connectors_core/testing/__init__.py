"""What a plugin author tests with: fake upstreams, contexts, contracts."""

from connectors_core.testing.context import MemoryContext
from connectors_core.testing.http import HttpUpstream, Request, Response

__all__ = ["HttpUpstream", "MemoryContext", "Request", "Response"]
