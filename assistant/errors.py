"""The root of this project's errors. Children are named for what the reader can do next."""


class EasyIslandersError(Exception):
    """Everything this project raises on purpose. Messages never hold what a user wrote."""
