"""Verification: the RTL held against the golden engine, cycle by cycle."""
