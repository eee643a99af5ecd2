"""A Mosquitto of the house: it is told which devices may come in, and what became of that."""
