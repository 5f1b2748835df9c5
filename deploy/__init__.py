"""The way from an archive to a SageMaker container: TorchServe behind an nginx that spools bodies to disk.

serve.py      what the container starts: reads the settings, runs the server, ends when one of its parts does
settings.py   the environment -> profile, limits, ports
server.py     TorchServe and the front together
torchserve.py  TorchServe by itself
front.py      nginx: its configuration, start and orderly stop
health.py     whether a warm worker serves, for /ping
model_folder.py  a model file under /opt/ml/model in the place of the bundled one
driver.py     CUDA's forward-compatibility libraries for hosts with an older driver
cloudformation/  the templates of endpoints and models
"""
