"""Monitors: each compares measured facts with what must hold and names a cause; none acts.

A themed module holds its constants, one ``note_...`` function that moves the counters of
`watch.Watch` along with a new telemetry, and one small function per cause. `rack` lists them all
with the states in which they apply.
"""
