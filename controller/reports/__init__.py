"""What people take away from the record: one self-contained page for each session."""
