"""KIS end to end: holes seen by the cumulative volume, one session, PINGPONG, no secret shown."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from connectors_core import ConfigError, Retry
from pyconnect_stock_websocket.testing import APP_KEY, APP_SECRET, APPROVAL, Upstream
from pyconnect_stock_websocket.testing.reader import Reader

CODE = "005930"
SECRETS = (APP_KEY, APP_SECRET, APPROVAL)


def connect(upstream: Upstream, **options: Any) -> Reader:
    return Reader(**{"provider": "kis", "symbols": [CODE], **upstream.config(), **options})


async def beside(reader: Reader, act: Callable[[], Awaitable[object]], count: int) -> None:
    task = asyncio.ensure_future(act())
    try:
        await reader.read(lambda _: task.done() and len(reader.context.records) >= count)
    finally:
        await task


def volumes(reader: Reader) -> list[str]:
    return [each.rpartition(":")[0] for each in reader.trades]


async def test_volume_that_adds_up_is_no_gap(upstream: Upstream) -> None:
    reader = connect(upstream)

    async def trade() -> None:
        await upstream.subscribed(CODE)
        await upstream.trade(CODE, 3)
        await upstream.trade(CODE, 2)

    await beside(reader, trade, 5)
    assert volumes(reader) == upstream.expected("kis", CODE)
    assert reader.gaps == []


async def test_missing_volume_is_declared_to_the_share(upstream: Upstream) -> None:
    reader = connect(upstream)
    lost = []

    async def trade() -> None:
        await upstream.subscribed(CODE)
        await upstream.trade(CODE, 2)
        lost.extend(await upstream.trade(CODE, 3, live=False))
        await upstream.trade(CODE, 2)

    await beside(reader, trade, 5)
    (gap,) = reader.gaps
    assert gap.value["missing_volume"] == sum(each.size for each in lost)
    assert gap.value["cause"] == "SEQUENCE"
    assert len(reader.trades) == 4


async def test_a_reconnect_with_nothing_missed_declares_nothing(upstream: Upstream) -> None:
    reader = connect(upstream)

    async def one() -> None:
        await upstream.subscribed(CODE, upstream.connections + 1)
        await upstream.trade(CODE, 1)

    await beside(reader, one, 1)
    again = reader.restarted()
    await beside(again, one, 2)
    assert again.gaps == []
    await upstream.trade(CODE, 1)
    third = again.restarted()
    await beside(third, one, 4)
    (gap,) = third.gaps
    assert gap.value["cause"] == "RESTART"


async def test_a_frame_that_comes_twice_is_given_once(upstream: Upstream) -> None:
    reader = connect(upstream)

    async def twice() -> None:
        await upstream.subscribed(CODE)
        made = await upstream.trade(CODE, 1)
        await upstream.send(CODE, made)
        await upstream.trade(CODE, 1)

    await beside(reader, twice, 2)
    assert volumes(reader) == upstream.expected("kis", CODE)


async def test_pingpong_comes_back_byte_for_byte(upstream: Upstream) -> None:
    reader = connect(upstream)
    sent = ""

    async def ping() -> None:
        nonlocal sent
        await upstream.subscribed(CODE)
        sent = await upstream.pingpong()
        await upstream.trade(CODE, 1)

    await beside(reader, ping, 1)
    async with asyncio.timeout(10):
        while not upstream.echoed:
            await asyncio.sleep(0)
    assert upstream.echoed == [sent]


async def test_a_second_session_waits_instead_of_fighting(upstream: Upstream) -> None:
    first, second = connect(upstream), connect(upstream)
    caught: list[Retry] = []

    async def rival() -> None:
        await upstream.subscribed(CODE)
        with pytest.raises(Retry) as refused:
            await second.read(lambda _: False)
        caught.append(refused.value)
        await upstream.trade(CODE, 1)

    await beside(first, rival, 1)
    assert caught[0].code == "retry.exclusive"
    assert caught[0].after is not None
    assert caught[0].after >= 60


@pytest.mark.parametrize("missing", [{"app_key": ""}, {"app_secret": None}])
async def test_missing_keys_say_where_to_get_them(upstream: Upstream, missing: Any) -> None:
    with pytest.raises(ConfigError, match=r"apiportal\.koreainvestment\.com"):
        await connect(upstream, **missing).read(lambda _: False)
    assert upstream.connections == 0


async def test_a_refused_key_is_an_error_of_the_configuration(upstream: Upstream) -> None:
    wrong = APP_KEY[::-1]
    with pytest.raises(ConfigError, match="EGW00103") as caught:
        await connect(upstream, app_key=wrong).read(lambda _: False)
    assert wrong not in shown(caught.value)


def shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + str(error)


async def test_no_secret_is_shown_anywhere(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("websockets").setLevel(logging.DEBUG)
    reader = connect(upstream)
    errors = []

    async def one() -> None:
        await upstream.subscribed(CODE)
        await upstream.trade(CODE, 1)

    await beside(reader, one, 1)
    for answer in (
        '{"header":{},"body":{"rt_cd":"9","msg_cd":"OPSP9999","msg1":"%s"}}',
        '{"header":{},"body":{"rt_cd":"9","msg_cd":"OPSP0008","msg1":"%s"}}',
    ):
        for secret in SECRETS:
            upstream.subscribe_answer = answer % f"appkey {secret} refused"
            with pytest.raises((Retry, ConfigError)) as caught:
                await reader.read(lambda _: False)
            errors.append(shown(caught.value))
    everything = [
        caplog.text,
        repr(reader.source.config),
        repr(reader.source),
        repr(reader.context.records),
        repr(reader.context.offsets),
        repr(reader.context.states),
        *errors,
    ]
    assert "***" in errors[0]
    assert "approval_key" not in caplog.text, (
        "frames are cut short when logged, but they are logged"
    )
    for secret in SECRETS:
        assert not [text for text in everything if secret in text]
    assert any(APPROVAL in text for text in upstream.received), "the key was really used"
