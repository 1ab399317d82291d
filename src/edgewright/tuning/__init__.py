"""Tuning: which way each layer is computed in, found once and kept in a file that builds read."""
