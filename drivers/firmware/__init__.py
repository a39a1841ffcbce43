"""Pen Link for the pen's firmware: a C header, golden frames and a self-test, written from the map.

It opens nothing and writes no file; `drivers.firmware.sources` returns texts. What the C code says
comes from `drivers.registers`, and the frames from the encoders that the host itself uses.
"""
