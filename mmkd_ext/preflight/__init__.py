"""What can be known before a run is asked before it starts."""
