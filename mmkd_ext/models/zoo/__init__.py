"""From a few words to a network: names of the zoos, files, weights."""
