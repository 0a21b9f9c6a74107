"""Frozen teachers, which see the images in their own normalisation."""
