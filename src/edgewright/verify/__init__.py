"""Compare with the reference and with the source model, end to end and layer by layer."""
