"""The roof: the only place that reads the environment, owns a clock, opens transactions and knows HTTP."""
