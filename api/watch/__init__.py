"""What the house knows of its own state: for readiness, metrics, the desk's overview and the doctor."""
