"""Scope: which URLs belong to a crawl."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pyconnect_web_crawler.url import Address, canonical, split

_HOST = re.compile(r"(\*\.)?[^\s/*?#@]+")


class Scope:
    """Says whether a URL may be fetched: `deny` wins over `allow`; with no `allow` the hosts of the
    seeds are it. The seeds themselves belong to the crawl unless they are denied."""

    def __init__(self, seeds: Iterable[str], allow: Iterable[str], deny: Iterable[str]) -> None:
        self._seeds = frozenset(seeds)
        self._allow = _Rules(allow or {split(seed).host for seed in self._seeds})
        self._deny = _Rules(deny)

    def allows(self, address: Address) -> bool:
        """Say whether a URL is in scope."""
        if self._deny.match(address):
            return False
        return address.url in self._seeds or self._allow.match(address)


class _Rules:
    """Hosts, `*.` suffixes and URL prefixes, each looked up in its own way."""

    def __init__(self, rules: Iterable[str]) -> None:
        rules = list(rules)
        hosts = [rule.lower() for rule in rules if "://" not in rule]
        self._hosts = frozenset(host for host in hosts if not host.startswith("*."))
        self._suffixes = tuple(host[1:] for host in hosts if host.startswith("*."))
        self._prefixes = tuple(canonical(rule) or rule for rule in rules if "://" in rule)

    def match(self, address: Address) -> bool:
        return (
            address.host in self._hosts
            or address.host.endswith(self._suffixes)
            or address.url.startswith(self._prefixes)
        )


def check_rule(rule: str) -> None:
    """Raise ValueError unless `rule` is a host, `*.host` or a URL prefix."""
    if "://" in rule:
        if canonical(rule) is None:
            raise ValueError(f"{rule!r} is no http or https URL")
    elif not _HOST.fullmatch(rule):
        raise ValueError(f"{rule!r} is neither a host such as `example.com` nor a URL prefix")
