"""The REST interface: JSON in, JSON out, problem+json when something is wrong."""
