"""Floor 4: symptoms become alerts, alerts questions, answers tickets; tickets are worked and closed."""
