"""Timing: what a run costs, where the time goes, and what this machine could do at best."""
