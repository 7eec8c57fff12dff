from pyconnect_sample_source.testing import Contract


class TestSampleSource(Contract):
    """One test for each law of the contract."""
