"""The record: what happened, written before it happens, and readable long after."""
