"""Looks at a whole system from a command line: what is wrong, and what to do about it. Repairs nothing."""
