"""Class means of a teacher's embeddings: computed in one pass over the data, and kept in a file."""
