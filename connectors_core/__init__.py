"""pyconnect: source connectors in the manner of Kafka Connect, in pure Python."""
