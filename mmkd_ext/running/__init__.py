"""Shared parts of the command lines: flags, processes, the Runner, and one sentence for an error."""
