#!/bin/sh
# Tags a recording by the SageMaker endpoint "tagger": sh tag_sagemaker.sh street.mp3 answer.json
aws sagemaker-runtime invoke-endpoint --endpoint-name tagger \
  --content-type application/octet-stream --custom-attributes '{"default_sensitivity": 1}' \
  --body "fileb://$1" "$2"
