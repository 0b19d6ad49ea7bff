"""SANA-FE: programs in rate code, written as networks for the simulator's own model of Loihi."""
