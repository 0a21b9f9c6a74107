"""Files on disk: atomic writing, and reading that executes nothing."""
