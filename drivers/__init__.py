"""What is said on the wire. Knows registers, frames and ports; does not know what is safe.

Kept free of imports, so that ``drivers.registers`` can be read without pyserial or pymodbus.
"""
