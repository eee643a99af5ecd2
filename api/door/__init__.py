"""Who is let in by NATS: the process that answers its auth callout, ends sessions and counts what was denied."""
