"""The example messages of the cases folder: every `in` message, and the recordings end to end."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from conftest import Reader
from connectors_core import ConfigError, Retry

from pyconnect_stock_websocket import binance, upbit
from pyconnect_stock_websocket.binance import Binance
from pyconnect_stock_websocket.config import StockConfig
from pyconnect_stock_websocket.event import Ready, Reply
from pyconnect_stock_websocket.kis import Kis
from pyconnect_stock_websocket.provider import Provider
from pyconnect_stock_websocket.testing import Replay, recorded
from pyconnect_stock_websocket.trade import Trade, instant
from pyconnect_stock_websocket.upbit import Upbit
