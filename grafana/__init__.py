"""The dashboard as code, and what Grafana needs to find it."""
