"""One way to read samples, and one definition of what a model's numbers mean."""
