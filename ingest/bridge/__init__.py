"""Another broker: MQTT as a subscriber speaks it, where its messages belong, and each of them into our log."""
