"""What runs on a schedule or in a worker's own life: sweep, metrics ports."""
