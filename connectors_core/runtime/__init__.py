"""The data plane: runs tasks. Knows no Kafka, no HTTP, no Avro."""
