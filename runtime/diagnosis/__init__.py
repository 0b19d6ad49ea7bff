"""The loss budget: which layer of a compiled network loses how much to what, and what to do about it."""
