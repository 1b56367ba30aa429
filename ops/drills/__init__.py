"""Drills: the production code rehearses the memory's troubles, in a process that touches nothing of production."""
