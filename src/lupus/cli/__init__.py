"""The command line: `lupus ...`."""
