"""Clinical limits as data files; no code lies here."""
