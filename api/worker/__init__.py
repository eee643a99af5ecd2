"""The worker: the log into the record, batch by batch, and what the detectors make of it."""
