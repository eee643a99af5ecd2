"""Finding -> symptom -> alert: the live record of what is wrong with a device."""
