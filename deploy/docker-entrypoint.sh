#!/bin/sh
# /usr/local/bin/serve in the image. SageMaker starts the container as root; the servers run as `sense`.
cd /opt/sense || exit 1
exec .venv/bin/python -m deploy.entrypoint --user sense "$@"
