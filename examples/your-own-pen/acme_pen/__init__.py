"""The driver of an imaginary maker's pen, as an example."""
