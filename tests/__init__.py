"""Tests of snncc."""
