"""From a folder of images to a distilled model: the data looked at, settings chosen, every step a config, each done once."""
