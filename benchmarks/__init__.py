"""What pyconnect claims about speed, reproducible: `make bench`."""
