"""Floor 2: bytes, Beam, the command line. Everything that touches files, processes or the network."""
