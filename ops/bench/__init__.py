"""Measurements: each part is a module with `main(argv) -> int`, run by `make bench PART=name`."""
