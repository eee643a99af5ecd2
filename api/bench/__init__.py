"""What one machine takes in: engines of its own, real load over MQTT, the worker as it is, counted from the record."""
