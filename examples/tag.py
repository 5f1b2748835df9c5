"""Tags a recording: python tag.py street.mp3."""

import os
import sys

from sense_client import Client, TagOptions

with Client(os.environ.get("SENSE_URL", "http://127.0.0.1:8080")) as client:
    result = client.tag(sys.argv[1], options=TagOptions(sensitivity=1))
for event in result.events():
    print(f"{event.start_seconds:g}-{event.end_seconds:g} s: {event.tag}, {event.peak_probability:.2f}")
