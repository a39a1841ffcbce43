"""Guided treatments: starting the control process, guiding it, and showing what it does."""
