"""`mmkd distill`: from a folder of images to a distilled model; data, settings, configs of the steps, records of what is done."""
