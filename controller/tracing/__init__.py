"""The flight recorder of a session: what went over the line before and at every trip."""
