"""Networks that are frozen for ever and see the images that they were trained on."""
