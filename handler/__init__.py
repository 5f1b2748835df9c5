"""Sound-event tagging behind TorchServe: bytes of a sound file in, tags of every 2-second window out.

Data flows one way through the modules, and only `sense_handler` and `observation` know TorchServe::

    request -> decoder -> windows -> tagger (model) -> response
"""
