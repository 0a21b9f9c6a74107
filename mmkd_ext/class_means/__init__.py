"""Class means of a teacher: made in one pass over the data, and kept in a file."""
