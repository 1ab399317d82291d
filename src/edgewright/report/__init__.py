"""One self-contained HTML report, to which other parts hand sections."""
