"""What a process does whatever it trains: random state, memory, wrappers around a model."""
