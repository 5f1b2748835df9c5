"""Sound-event tagging behind TorchServe: bytes of a sound file in, tags of every 2-second window out.

Data flows one way, and only `sense_handler` and `metrics` know TorchServe::

    wire.request -> audio.stream -> windows -> tagger (model) -> wire.response
"""
