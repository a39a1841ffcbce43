"""Traces of the line: recording, reading, understanding, comparing and replaying them.

The format stands in docs/traces.md. Nothing here reads a clock or opens a file.
"""
