"""A stand-in for Zep Community Edition: the HTTP server our client talks to when the real one is not wanted.

It speaks the server's wire format, awkward parts included, can be told to fail, and remembers every request.
It shares no code with the product it serves.
"""
