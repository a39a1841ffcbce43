"""What is allowed. Pure: no I/O, no clock, no chance, no other package of penpilot."""
