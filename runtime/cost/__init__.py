"""What an inference costs: counted events times a named table of energies and times."""
