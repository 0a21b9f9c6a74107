"""The command lines, each with `main(argv)`; tools/*.py are thin covers of them."""
