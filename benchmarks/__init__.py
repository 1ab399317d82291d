"""Benchmarks: one file per question. Nothing in here is shipped or asserted."""
