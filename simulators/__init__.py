"""The yard: fake machines, replayed recordings and load; they reach the house by MQTT and HTTP only."""
