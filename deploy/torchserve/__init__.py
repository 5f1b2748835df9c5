"""One TorchServe.

launch.py     its processes: command, environment, number of workers
output.py     what it says: passed on, and searched for why it cannot serve
alone.py      TorchServe without a front: for the demo, for tests, and where there is no nginx
allocator.py  tcmalloc for its processes
driver.py     CUDA's forward-compatibility libraries for hosts with an older driver
"""
