"""The way from an archive to a SageMaker container: TorchServe behind an nginx that spools bodies to disk.

entrypoint.py          what the container starts: reads the settings, runs the stack until SIGTERM
container_settings.py  the environment -> profile, limits, ports
archive.py             the archive: where it lies, which model it holds, a model file in the place of its own
stack.py               TorchServe, nginx and the watch over them, started and stopped together
front.py               nginx: its configuration, start and orderly stop
health.py              the watch: whether a warm worker serves, for /ping
readiness.py           waiting for a server, and what makes a worker ready
torchserve/            one TorchServe: how it is launched, what it says, with which shared libraries
ports.py http_call.py processes.py errors.py   small things that several of these need
"""
