"""Tuning: the cheapest program whose network loses no more than allowed, searched for on data of its own."""
