"""Config files: reading, `--cfg-options`, and writing."""
