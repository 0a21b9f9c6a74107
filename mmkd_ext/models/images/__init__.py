"""Input images: shape, and conversion from one network's normalisation to another's."""
