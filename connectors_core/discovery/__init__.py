"""Finds plugins: entry points, inline files, built-ins; keeps failures and shows them."""

from connectors_core.discovery.catalogue import Catalogue
from connectors_core.discovery.origin import PluginInfo

__all__ = ["Catalogue", "PluginInfo"]
