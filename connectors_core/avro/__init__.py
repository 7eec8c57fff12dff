"""Avro: wire format, strict codec, evolution, the embedded registry, and the converter on them."""
