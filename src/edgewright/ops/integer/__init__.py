"""The meaning of every quantised operator: pure functions of integer arrays, scales, zero points.

`docs/reference/integer.md` is the table of what each one agrees with, bit for bit.
"""
