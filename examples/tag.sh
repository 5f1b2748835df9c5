#!/bin/sh
# Tags a recording: sh tag.sh street.mp3
curl --fail-with-body --silent --show-error --data-binary "@$1" \
  -H 'Content-Type: application/octet-stream' -H 'X-Default-Sensitivity: 1' \
  "${SENSE_URL:-http://127.0.0.1:8080}/invocations"
