"""What `manage.py archive` does, one function an action: choosing and printing; `assistant.archive` does the rest."""
