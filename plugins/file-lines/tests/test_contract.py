from pyconnect_file_lines.testing import FinishedContract, FollowedContract


class TestFinished(FinishedContract):
    """The laws for a file that is read once."""


class TestFollowed(FollowedContract):
    """The laws for a file that is followed."""
