"""No connection goes to an address that was not checked."""

from __future__ import annotations

import pytest

from connectors_core.testing import HttpUpstream, Response
from pyconnect_web_crawler import CrawlerConfig
from pyconnect_web_crawler.address import Refused, check
from pyconnect_web_crawler.fetch import Failed, Fetcher
from pyconnect_web_crawler.url import canonical

NEVER = (
    "0.0.0.0 100.64.0.1 168.63.129.16 169.254.169.254 192.0.0.8 192.0.2.1 198.18.0.1 198.51.100.1"
    " 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 :: 64:ff9b::a9fe:a9fe ::ffff:169.254.169.254"
    " 2002:a9fe:a9fe:: 2001:0:7f00:1::1 fe80::1 fe80::1%eth0 ff02::1 2001:db8::1 fd00:ec2::254"
    " ::169.254.169.254 64:ff9b:1::7f00:1"
)
PRIVATE = (
    "127.0.0.1 127.1.2.3 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 ::1 fc00::1 fd12::1"
    " ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 2002:7f00:1:: 64:ff9b::7f00:1"
)
PUBLIC = "8.8.8.8 1.1.1.1 172.32.0.1 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::"


@pytest.mark.parametrize("address", NEVER.split())
def test_reserved_addresses_are_refused_even_on_a_private_network(address: str) -> None:
    for allow_private in (False, True):
        with pytest.raises(Refused):
            check(address, allow_private)


@pytest.mark.parametrize("address", PRIVATE.split())
def test_private_addresses_are_refused_unless_allowed(address: str) -> None:
    with pytest.raises(Refused, match="allow_private"):
        check(address)
    check(address, allow_private=True)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_public_addresses_are_let_through(address: str) -> None:
    check(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "①②⑦.⓪.⓪.①", "localhost",
        "localhost.", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0", "127.0.0.1.",
    ],
)  # fmt: skip
async def test_no_spelling_of_this_machine_is_connected_to(host: str) -> None:
    async with HttpUpstream(lambda _: Response(body="secret")) as server:
        url = canonical(f"http://{host}:{server.port}/")
        config = CrawlerConfig(seeds=["http://a.example"], ports=[server.port])
        async with Fetcher(config) as fetcher:
            with pytest.raises((Refused, Failed)):
                await fetcher.get(url or "")
        assert server.requests == []


async def test_a_name_is_resolved_once_and_the_checked_address_is_used() -> None:
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["192.0.2.1"]

    async with HttpUpstream(lambda request: Response(body=request.headers["host"])) as server:
        config = CrawlerConfig(seeds=["http://a.example"], allow_private=True)
        async with Fetcher(config, resolve) as fetcher:
            answer = await fetcher.get(f"http://rebind.example:{server.port}/")
    assert asked == ["rebind.example"]
    assert answer.body.decode() == f"rebind.example:{server.port}"


async def test_one_private_address_among_public_ones_refuses_the_name() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["8.8.8.8", "127.0.0.1"]

    async with Fetcher(CrawlerConfig(seeds=["http://a.example"]), resolve) as fetcher:
        with pytest.raises(Refused):
            await fetcher.get("http://mixed.example/")


async def test_other_ports_are_refused() -> None:
    async with Fetcher(CrawlerConfig(seeds=["http://a.example"])) as fetcher:
        with pytest.raises(Refused, match="Add it to `ports`"):
            await fetcher.get("http://a.example:22/")
