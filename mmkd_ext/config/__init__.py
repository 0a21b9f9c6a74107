"""Config files: read, changed by options, and written as text."""
