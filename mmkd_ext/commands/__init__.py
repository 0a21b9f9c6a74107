"""The command lines, each with `main(argv)`; the files in tools/ only call them."""
