"""The images that a network takes: their shape, and those of one network as another one wants them."""
