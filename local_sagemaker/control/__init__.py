"""SageMaker's control plane: models, endpoints and their configurations, transform jobs.

The operations (plane.py) check a request (constraints.py) and keep it (records.py). Endpoints (endpoints.py) and
transform jobs (jobs.py) go on from there.
"""
