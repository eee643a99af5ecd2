"""What devices say of their twin comes up through the log; what they are told goes down to the brokers."""
