"""`make demo`: a scripted conversation against the running system."""
