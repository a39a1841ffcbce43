"""The judge. Looks at host and pen from outside and measures what they really did."""
