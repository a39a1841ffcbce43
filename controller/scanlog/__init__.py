"""What every scan of a session knew and decided, so that it can be replayed; light on purpose."""
