"""Floor 4: symptoms become alerts, alerts become questions, answers become tickets; tickets are worked and closed."""
