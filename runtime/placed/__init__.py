"""Placed programs, run slice by slice and counted core by core."""
