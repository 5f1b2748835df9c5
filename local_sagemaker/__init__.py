"""Amazon SageMaker on this machine, for tests and laptops: `python -m local_sagemaker --help`.

Endpoints and transform jobs run real containers, or the local server. AWS's other services are moto's. With
AWS_ENDPOINT_URL set to its URL, boto3 scripts and AWS CLI commands run unchanged.

    __main__.py     the command
    gateway.py      one URL for all of it
    runtime.py      invoke_endpoint and invoke_endpoint_async as HTTP
    asynchronous.py what happens to an asynchronous request after its 202
    control/        models, endpoints and their configurations, transform jobs: created, described, listed, deleted
    fleet.py        a server for each distinct model, within memory
    model_data.py   what ModelDataUrl names, as a folder
    transform.py    what a transform job does
    containers.py   starting a container, and one invocation of it
    storage.py      s3:// locations
    moto_side.py    moto, and what CloudFormation makes there
    aws.py          the account, ARNs, errors

It follows the rules that AWS publishes: which headers reach the container, which come back, how large a request may be,
how long it may take, and how an error of the container looks to the caller. docs/sagemaker.md lists what differs. A
comment marks what AWS does not publish (the text of a failure object).
"""
