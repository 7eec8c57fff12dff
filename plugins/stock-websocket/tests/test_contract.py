from pyconnect_stock_websocket.testing import (
    BinanceContract,
    GenericContract,
    KisContract,
    UpbitContract,
)


class TestBinance(BinanceContract):
    """The laws for ids without holes."""


class TestUpbit(UpbitContract):
    """The laws for ids in no order."""


class TestKis(KisContract):
    """The laws for a stream without a history."""


class TestGeneric(GenericContract):
    """The laws for a feed of one's own."""
