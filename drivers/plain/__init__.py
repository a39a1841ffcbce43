"""Plain Modbus pens: no block, no function 23, described by a file and supervised by the host.

docs/plain-pens.md says what such a pen can and cannot be trusted with.
"""
