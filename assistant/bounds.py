"""How large a number of each kind may be: beyond it dates overflow, or a database or Redis refuses it.

Settings and commands' arguments are refused there, by name, instead of failing at night in the middle of a task.
"""

DAYS = 36_500  # a hundred years: dates begin in the year 1, and a moment may be counted back from today
HOURS = DAYS * 24
SECONDS = 366 * 24 * 3_600  # how long something is held, kept or left alone
HSTS_SECONDS = 10 * SECONDS  # what browsers are told: two years are usual
MEGABYTES = 1_048_576  # a tebibyte
COUNT = 2**31 - 1  # what every database takes as an integer
ROW_NUMBER = 2**63 - 1
