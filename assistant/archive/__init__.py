"""Archives: old messages of long or silent threads, in files. Knows rows and files; nothing of Celery or of HTTP."""
