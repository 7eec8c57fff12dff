"""KIS (한국투자증권): `enc|tr|count|f^f^…` frames, no trade ids, one session per app key.

https://github.com/koreainvestment/open-trading-api, TR H0STCNT0 (KRX trades).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar

from connectors_core import ConfigError, Retry
from pyconnect_stock_websocket.config import StockConfig
from pyconnect_stock_websocket.event import Bad, Event, Ready, Reply, bad, decode, encode, parse
from pyconnect_stock_websocket.provider import Habits, Provider
from pyconnect_stock_websocket.rest import Refused, Rest
from pyconnect_stock_websocket.trade import (
    BUY,
    SELL,
    UNKNOWN,
    Malformed,
    Trade,
    amount,
    exact,
    micros_of,
    text_of,
)

TRADES = "H0STCNT0"
FIELDS = 46
"""Named fields of a record. The broker appends more now and then: they are passed over."""
_CODE, _TIME, _PRICE, _SIZE, _CUMULATIVE, _SIDE, _DATE = 0, 1, 2, 12, 13, 21, 33
_CONDITIONS = {"NEW_MKOP_CLS_CODE": 34, "TRHT_YN": 35, "HOUR_CLS_CODE": 43}
_SIDES = {"1": BUY, "5": SELL}
_KST = timezone(timedelta(hours=9))
_CONFIRMED = {"OPSP0000", "OPSP0002"}  # success; already subscribed
_IN_USE = "OPSP8996"
_FATAL = {"OPSP0008", "OPSP8991"}  # more than 41 registrations; no such TR
_IN_USE_SECONDS = 90.0


class Kis(Provider):
    """KRX trades from KIS. Client pings are unwelcome; the server's PINGPONG is echoed."""

    name = "kis"
    rest_rate: ClassVar[float] = 1.0
    has_ids = False

    def __init__(self, config: StockConfig) -> None:
        super().__init__()
        self.label, self.venue = "kis", "KRX"
        self.url = config.base_url or "ws://ops.koreainvestment.com:21000/tryitout"
        self.rest_url = config.rest_url or "https://openapi.koreainvestment.com:9443"
        self.habits = Habits(
            message_seconds=config.message_seconds or 90.0,
            transport_ping=None,
            confirms=True,
            messages_per_second=10.0,
        )
        self._key = config.app_key.get_secret_value() if config.app_key else ""
        self._secret = config.app_secret.get_secret_value() if config.app_secret else ""
        self._approval = ""
        self.redactor.learn(self._key)
        self.redactor.learn(self._secret)

    async def prepare(self, rest: Rest) -> None:
        """Fetch an approval key: POST /oauth2/Approval."""
        body = {
            "grant_type": "client_credentials",
            "appkey": self._key,
            "secretkey": self._secret,
        }
        try:
            answer = await rest.post("/oauth2/Approval", body)
        except Refused as refused:
            raise self._rejected(refused) from None
        approval = answer.get("approval_key") if isinstance(answer, dict) else None
        if not isinstance(approval, str) or not approval:
            raise Retry("KIS: /oauth2/Approval gave no approval_key.", code="retry.upstream")
        self._approval = approval
        self.redactor.learn(approval)

    def _rejected(self, refused: Refused) -> ConfigError | Retry:
        said = (
            f"KIS refused an approval key: HTTP {refused.status} {refused.code} {refused.message}"
        )
        if refused.code == "EGW00201":  # calls per second
            return Retry(said, after=60.0, code="retry.throttled")
        return ConfigError(
            f"app_key, app_secret: {said}. Check both at https://apiportal.koreainvestment.com.",
            code="config.stock.key",
        )

    def subscriptions(self, symbols: Sequence[str]) -> list[str]:
        """Return one message a symbol."""
        return [self._subscription(symbol) for symbol in symbols]

    def _subscription(self, symbol: str) -> str:
        header = {
            "approval_key": self._approval,
            "custtype": "P",
            "tr_type": "1",
            "content-type": "utf-8",
        }
        return json.dumps(
            {"header": header, "body": {"input": {"tr_id": TRADES, "tr_key": symbol}}}
        )

    def read(self, frame: str | bytes) -> list[Event]:
        """Return the trades of a data frame, or what a control reply means."""
        try:
            text = decode(frame)
            if text.startswith("{"):
                return self._control(parse(text), text)
            return frame_trades(text)
        except Malformed as error:
            return [Bad(str(error), frame if isinstance(frame, bytes) else encode(frame))]

    def _control(self, message: Any, text: str) -> list[Event]:
        header = message.get("header")
        body = message.get("body")
        header = header if isinstance(header, dict) else {}
        body = body if isinstance(body, dict) else {}
        if header.get("tr_id") == "PINGPONG":
            return [Reply(text)]
        code, symbol = body.get("msg_cd"), header.get("tr_key")
        if body.get("rt_cd") == "0" or code in _CONFIRMED:
            return [Ready(symbol if isinstance(symbol, str) else None)]
        if "rt_cd" in body:
            raise self._refusal(str(code), body.get("msg1", ""))
        return []

    def _refusal(self, code: str, message: object) -> ConfigError | Retry:
        said = f"KIS: {self.redactor.clean(code, 20)} {self.redactor.clean(message)}."
        if code == _IN_USE:
            # Another session has the key. Fighting for it gets the key blocked.
            return Retry(said, after=_IN_USE_SECONDS, code="retry.exclusive")
        if code in _FATAL:
            return ConfigError(f"symbols: {said}", code="config.stock.symbols")
        return Retry(said, after=60.0, code="retry.upstream")


def session_name(config: StockConfig) -> str:
    """Return the worker-wide name of an app key's one session, without the key."""
    key = config.app_key.get_secret_value() if config.app_key else ""
    return f"kis:{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def frame_trades(text: str) -> list[Event]:
    """Read `enc|tr|count|f^f^…`: `count` records of one width, which is fields / count.

    Raises Malformed for a frame that can't be cut into records.
    """
    parts = text.split("|", 3)
    if len(parts) != 4:
        raise Malformed("not a frame: expected enc|tr|count|fields")
    encrypted, kind, count, body = parts
    if kind != TRADES:
        return []
    if encrypted != "0":
        raise Malformed("trades are not encrypted, got encryption flag 1")
    return [_record(record, position) for position, record in enumerate(_records(count, body))]


def _records(count: str, body: str) -> list[list[str]]:
    fields = body.split("^")
    number = int(count) if count.isascii() and count.isdigit() and len(count) <= 4 else 0
    if number < 1 or len(fields) % number:
        raise Malformed(f"{len(fields)} fields are not {count[:10]!r} records of one width")
    width = len(fields) // number
    if not FIELDS <= width < 2 * FIELDS:
        raise Malformed(f"{count[:10]} records in {len(fields)} fields: no record is {width} wide")
    records = [fields[at : at + width] for at in range(0, len(fields), width)]
    if width != FIELDS and not all(_lines_up(record) for record in records):
        raise Malformed(f"{count[:10]} records in {len(fields)} fields do not line up")
    return records


def _lines_up(record: list[str]) -> bool:
    """Say whether the date is where it belongs; asked where the width is not the documented one."""
    return bool(record[_CODE]) and len(record[_DATE]) == 8 and record[_DATE].isdigit()


def _record(record: list[str], position: int) -> Trade | Bad:
    try:
        return _trade(record, position)
    except Malformed as error:
        return bad(error, "^".join(record), symbol=record[_CODE])


def _trade(record: list[str], position: int) -> Trade:
    symbol, day, clock = text_of(record[_CODE], "code"), record[_DATE], record[_TIME]
    cumulative = amount(record[_CUMULATIVE], "ACML_VOL")
    return Trade(
        provider="kis",
        venue="KRX",
        symbol=symbol,
        symbol_native=symbol,
        price=exact(record[_PRICE], "STCK_PRPR"),
        size=amount(record[_SIZE], "CNTG_VOL"),
        side=_SIDES.get(record[_SIDE], UNKNOWN),
        event_us=_time(day, clock),
        event_id=f"kis:{symbol}:{day}:{clock}:{cumulative}:{position}",
        cumulative_volume=cumulative,
        day=day,
        conditions=tuple(f"{name}={record[at]}" for name, at in _CONDITIONS.items() if record[at]),
    )


def _time(day: str, clock: str) -> int:
    """Return microseconds since the epoch of a Korean date and time of day."""
    if not (len(day) == 8 and len(clock) == 6 and (day + clock).isascii()):
        raise Malformed(f"BSOP_DATE and STCK_CNTG_HOUR are no time: {day[:20]!r} {clock[:20]!r}")
    try:
        moment = datetime.strptime(f"{day}{clock}", "%Y%m%d%H%M%S").replace(tzinfo=_KST)
    except ValueError as error:
        raise Malformed(f"no such time: {day} {clock}") from error
    return micros_of(moment)
