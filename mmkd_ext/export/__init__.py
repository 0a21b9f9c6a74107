"""The plain zoo model that is shipped, checked and written whole."""
