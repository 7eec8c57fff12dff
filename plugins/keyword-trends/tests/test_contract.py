from pyconnect_keyword_trends.testing import FeedContract, WindowsContract


class TestWindows(WindowsContract):
    """The laws for a stream with a cursor."""


class TestFeed(FeedContract):
    """The laws for a feed that is polled."""
