"""The pen's end of the wire. Shares the register map with the host and nothing else."""
